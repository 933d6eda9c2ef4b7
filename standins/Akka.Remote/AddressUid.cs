using Akka.Actor;

namespace Akka.Remote;

/// <summary>The number that tells one incarnation of a system from the next one at the same address.</summary>
public class AddressUid : IExtension
{
    public readonly int Uid = Random.Shared.Next();
}

public class AddressUidExtension : ExtensionIdProvider<AddressUid>
{
    private static readonly AddressUidExtension _instance = new();

    public override AddressUid CreateExtension(ExtendedActorSystem system) => new();

    public static int Uid(ActorSystem system) => _instance.Apply(system).Uid;
}
