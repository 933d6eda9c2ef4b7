using TiKvActors.Protocol;

namespace TiKvActors.Actors.Nodes;

/// <summary>Where the actors of a node are, seen from another one.</summary>
internal static class NodePaths
{
    /// <summary>Version of what stores say to each other; another one is refused.</summary>
    public const uint ProtocolVersion = 1;

    public const string StoreDoor = "store";
    public const string MetaDoor = "meta";

    public static string Door(string system, string address, string door) => $"akka.tcp://{system}@{address}/user/tikv/{door}";

    public static string Pd(string system, string address) => $"akka.tcp://{system}@{address}/user/tikv/pd";

    public static string Kv(string system, string address) => $"akka.tcp://{system}@{address}/user/tikv/kv";

    public static StoreHeader Header(ulong clusterId, ulong fromStore, ulong toStore) =>
        new() { ProtocolVersion = ProtocolVersion, ClusterId = clusterId, FromStoreId = fromStore, ToStoreId = toStore };
}
