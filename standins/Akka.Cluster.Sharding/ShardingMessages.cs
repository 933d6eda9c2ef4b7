using Akka.Actor;

namespace Akka.Cluster.Sharding;

/// <summary>Has a format in the package's serializer.</summary>
public interface IClusterShardingSerializable
{
}

public interface IShardRegionCommand
{
}

public interface IShardRegionQuery
{
}

/// <summary>A message that says itself which entity it is for; every extractor in use by a region knows it.</summary>
public sealed class ShardingEnvelope : IClusterShardingSerializable, IWrappedMessage, IEquatable<ShardingEnvelope>
{
    public ShardingEnvelope(string entityId, object message) => (EntityId, Message) = (entityId, message);

    public string EntityId { get; }

    public object Message { get; }

    public bool Equals(ShardingEnvelope other) => other is not null && EntityId == other.EntityId && Equals(Message, other.Message);

    public override bool Equals(object obj) => Equals(obj as ShardingEnvelope);

    public override int GetHashCode() => HashCode.Combine(EntityId, Message);

    public override string ToString() => $"ShardingEnvelope({EntityId}, {Message})";
}

/// <summary>From an entity to its parent: stop me with this message, and keep what comes meanwhile for my next incarnation.</summary>
public sealed class Passivate : IShardRegionCommand
{
    public Passivate(object stopMessage) => StopMessage = stopMessage;

    public object StopMessage { get; }
}

/// <summary>To a region: hand off all shards and stop. The system's coordinated shutdown does it too.</summary>
public sealed class GracefulShutdown : IShardRegionCommand
{
    public static readonly GracefulShutdown Instance = new();

    private GracefulShutdown()
    {
    }
}
