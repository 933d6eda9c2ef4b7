namespace Akka.Serialization;

/// <summary>Says which types have short names on the wire, in an order that is the same on all systems.</summary>
public interface IKnownTypesProvider
{
    IEnumerable<Type> GetKnownTypes();
}

internal sealed class NoKnownTypes : IKnownTypesProvider
{
    public IEnumerable<Type> GetKnownTypes() => [];
}
