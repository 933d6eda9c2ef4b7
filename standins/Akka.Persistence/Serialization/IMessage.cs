namespace Akka.Persistence.Serialization;

/// <summary>Marks what is written to disk, so that a serializer can be bound to it.</summary>
public interface IMessage;
