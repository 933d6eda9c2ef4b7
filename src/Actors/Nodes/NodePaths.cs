using Akka.Actor;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Nodes;

/// <summary>Where the actors of a node are, seen from another one.</summary>
internal static class NodePaths
{
    /// <summary>Version of what stores say to each other; another one is refused.</summary>
    public const uint ProtocolVersion = 1;

    public const string StoreDoor = "store";
    public const string MetaDoor = "meta";
    public const string ClusterDoor = "cluster";

    /// <summary>Below the system's guardian: it is there before the node's parts, while they are closed, and where there are none.</summary>
    public const string MembershipDoor = "tikv-membership";

    /// <summary>Below the system's guardian, too.</summary>
    public const string ShardMoveDoor = "tikv-sharding";

    /// <summary>Other nodes have this one's name and protocol.</summary>
    public static string Door(ActorSystem system, string address, string door) => $"{Root(system, address)}/user/tikv/{door}";

    public static string Membership(ActorSystem system, string address) => $"{Root(system, address)}/system/{MembershipDoor}";

    public static string Pd(ActorSystem system, string address) => Door(system, address, "pd");

    public static string Kv(ActorSystem system, string address) => Door(system, address, "kv");

    public static string Root(ActorSystem system, string address) =>
        $"{((ExtendedActorSystem)system).Provider.DefaultAddress.Protocol}://{system.Name}@{address}";

    public static StoreHeader Header(ulong clusterId, ulong fromStore, ulong toStore) =>
        new() { ProtocolVersion = ProtocolVersion, ClusterId = clusterId, FromStoreId = fromStore, ToStoreId = toStore };
}
