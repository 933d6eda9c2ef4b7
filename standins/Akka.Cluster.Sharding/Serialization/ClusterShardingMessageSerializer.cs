using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster.Sharding.Coordination;
using Akka.Remote.Serialization;
using Akka.Remote.Transport;
using Akka.Serialization;

namespace Akka.Cluster.Sharding.Serialization;

/// <summary>
/// The messages between regions and coordinators, and what coordinators store. Events and state (AA to AG) are the real package's bytes, so
/// that each reads the other's journal; of the rest only the manifests are.
/// </summary>
public class ClusterShardingMessageSerializer : SerializerWithStringManifest
{
    private const string EnvelopeManifest = "a";

    public ClusterShardingMessageSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override string Manifest(object o) => o switch
    {
        ShardingEnvelope => EnvelopeManifest,
        CoordinatorState => "AA",
        ShardRegionRegistered => "AB",
        ShardRegionProxyRegistered => "AC",
        ShardRegionTerminated => "AD",
        ShardRegionProxyTerminated => "AE",
        ShardHomeAllocated => "AF",
        ShardHomeDeallocated => "AG",
        Register => "BA",
        RegisterProxy => "BB",
        RegisterAck => "BC",
        GetShardHome => "BD",
        ShardHome => "BE",
        HostShard => "BF",
        ShardStarted => "BG",
        BeginHandOff => "BH",
        BeginHandOffAck => "BI",
        HandOff => "BJ",
        ShardStopped => "BK",
        GracefulShutdownRequest => "BL",
        NoShardHome => "BN",
        HandOffFlushed => "BO",
        GracefulShutdownAck => "BP",
        GetShardRegionStats => "DC",
        ShardRegionStats => "DD",
        GetClusterShardingStats => "GS",
        ClusterShardingStats => "CS",
        GetCurrentRegions => "DG",
        CurrentRegions => "DH",
        GetShardRegionState => "FC",
        ShardState => "FD",
        CurrentShardRegionState => "FE",
        _ => throw Unknown(o)
    };

    public override byte[] ToBinary(object obj) => WrappedPayload.Collect(obj, Write);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest == EnvelopeManifest) return ReadEnvelope(bytes);
        var from = new ProtoFields(bytes);
        return manifest switch
        {
            "AA" => ReadState(from),
            "AB" => new ShardRegionRegistered(Ref(from)),
            "AC" => new ShardRegionProxyRegistered(Ref(from)),
            "AD" => new ShardRegionTerminated(Ref(from)),
            "AE" => new ShardRegionProxyTerminated(Ref(from)),
            "AF" => new ShardHomeAllocated(from.Text(1), Ref(from, 2)),
            "AG" => new ShardHomeDeallocated(from.Text(1)),
            "BA" => new Register(Ref(from), from.Texts(2).ToImmutableHashSet()),
            "BB" => new RegisterProxy(Ref(from)),
            "BC" => new RegisterAck(Ref(from)),
            "BD" => new GetShardHome(from.Text(1)),
            "BE" => new ShardHome(from.Text(1), Ref(from, 2)),
            "BF" => new HostShard(from.Text(1)),
            "BG" => new ShardStarted(from.Text(1)),
            "BH" => new BeginHandOff(from.Text(1)),
            "BI" => new BeginHandOffAck(from.Text(1), Ref(from, 2)),
            "BJ" => new HandOff(from.Text(1)),
            "BK" => new ShardStopped(from.Text(1)),
            "BL" => new GracefulShutdownRequest(Ref(from)),
            "BN" => new NoShardHome(from.Text(1)),
            "BO" => new HandOffFlushed(from.Text(1), Ref(from, 2), Ref(from, 3)),
            "BP" => new GracefulShutdownAck(Ref(from)),
            "DC" => GetShardRegionStats.Instance,
            "DD" => ReadStats(from),
            "GS" => new GetClusterShardingStats(new TimeSpan((long)from.Number(1))),
            "CS" => new ClusterShardingStats(
                Once(from.Messages(1), m => AddressOf(m.Text(1)), m => ReadStats(new ProtoFields(m.Bytes(2))))),
            "DG" => GetCurrentRegions.Instance,
            "DH" => new CurrentRegions(from.Texts(1).Select(AddressOf).ToImmutableHashSet()),
            "FC" => GetShardRegionState.Instance,
            "FD" => ReadShard(from),
            "FE" => new CurrentShardRegionState(
                from.Messages(1).Select(ReadShard).ToImmutableHashSet(), from.Texts(2).ToImmutableHashSet()),
            _ => throw new SerializationException($"Unknown manifest '{manifest}' for {nameof(ClusterShardingMessageSerializer)}")
        };
    }

    private void Write(WireWriter to, object message)
    {
        switch (message)
        {
            case ShardingEnvelope m:
                to.Text(m.EntityId);
                WrappedPayload.Write(to, system, m.Message);
                break;
            case CoordinatorState m:
                Write(to, m);
                break;
            case Register m:
                Write(to, m.Region);
                Proto.Texts(to, 2, m.Shards);
                break;
            case HandOffFlushed m:
                Write(to, m.Shard, m.Region);
                Write(to, m.Worker, 3);
                break;
            case ShardHomeAllocated m:
                Write(to, m.Shard, m.Region);
                break;
            case ShardHome m:
                Write(to, m.Shard, m.Region);
                break;
            case BeginHandOffAck m:
                Write(to, m.Shard, m.Region);
                break;
            case ShardState m:
                Write(to, m);
                break;
            case CurrentShardRegionState m:
                foreach (var shard in m.Shards) Proto.Message(to, 1, inner => Write(inner, shard));
                Proto.Texts(to, 2, m.Failed);
                break;
            case ShardRegionStats m:
                Write(to, m);
                break;
            case GetClusterShardingStats m:
                Proto.Number(to, 1, (ulong)m.Timeout.Ticks);
                break;
            case ClusterShardingStats m:
                foreach (var (address, stats) in m.Regions)
                {
                    Proto.Message(to, 1, entry =>
                    {
                        Proto.Text(entry, 1, address.ToString());
                        Proto.Message(entry, 2, inner => Write(inner, stats));
                    });
                }
                break;
            case CurrentRegions m:
                Proto.Texts(to, 1, m.Regions.Select(r => r.ToString()));
                break;
            case GetShardRegionStats or GetCurrentRegions or GetShardRegionState:
                break;
            case ShardHomeDeallocated or GetShardHome or HostShard or ShardStarted or BeginHandOff or HandOff or ShardStopped
                or NoShardHome:
                Proto.Text(to, 1, ShardOf(message));
                break;
            default:
                Write(to, ActorOf(message));
                break;
        }
    }

    private static IActorRef ActorOf(object message) => message switch
    {
        ShardRegionRegistered m => m.Region,
        ShardRegionProxyRegistered m => m.Proxy,
        ShardRegionTerminated m => m.Region,
        ShardRegionProxyTerminated m => m.Proxy,
        RegisterProxy m => m.Proxy,
        RegisterAck m => m.Coordinator,
        GracefulShutdownRequest m => m.Region,
        GracefulShutdownAck m => m.Region,
        _ => throw Unknown(message)
    };

    private static string ShardOf(object message) => message switch
    {
        ShardHomeDeallocated m => m.Shard,
        GetShardHome m => m.Shard,
        HostShard m => m.Shard,
        ShardStarted m => m.Shard,
        BeginHandOff m => m.Shard,
        HandOff m => m.Shard,
        ShardStopped m => m.Shard,
        NoShardHome m => m.Shard,
        _ => throw Unknown(message)
    };

    private static void Write(WireWriter to, IActorRef actor, int field = 1) =>
        Proto.Text(to, field, Akka.Serialization.Serialization.SerializedActorPath(actor));

    private static void Write(WireWriter to, string shard, IActorRef region)
    {
        Proto.Text(to, 1, shard);
        Write(to, region, 2);
    }

    private static void Write(WireWriter to, ShardState shard)
    {
        Proto.Text(to, 1, shard.ShardId);
        Proto.Texts(to, 2, shard.EntityIds);
    }

    private static void Write(WireWriter to, ShardRegionStats stats)
    {
        foreach (var (shard, count) in stats.Stats)
        {
            Proto.Message(to, 1, entry =>
            {
                Proto.Text(entry, 1, shard);
                Proto.Number(entry, 2, (ulong)count);
            });
        }
        Proto.Texts(to, 2, stats.Failed);
    }

    /// <summary>Shards in the order in which their regions got them.</summary>
    private static void Write(WireWriter to, CoordinatorState state)
    {
        foreach (var (region, shards) in state.Regions)
            foreach (var shard in shards)
                Proto.Message(to, 1, entry => Write(entry, shard, region));
        foreach (var region in state.Regions.Keys) Write(to, region, 2);
        foreach (var proxy in state.Proxies) Write(to, proxy, 3);
    }

    private CoordinatorState ReadState(ProtoFields from) =>
        from.Texts(2).Select(r => (IDomainEvent)new ShardRegionRegistered(Ref(r)))
            .Concat(from.Texts(3).Select(p => new ShardRegionProxyRegistered(Ref(p))))
            .Concat(from.Messages(1).Select(s => new ShardHomeAllocated(s.Text(1), Ref(s, 2))))
            .Aggregate(CoordinatorState.Empty, (state, happened) => state.Updated(happened));

    private ShardingEnvelope ReadEnvelope(byte[] bytes)
    {
        var from = new WireReader(bytes);
        return new ShardingEnvelope(from.Text(), WrappedPayload.Read(ref from, system));
    }

    private static ShardState ReadShard(ProtoFields from) => new(from.Text(1), from.Texts(2).ToImmutableHashSet());

    private static ShardRegionStats ReadStats(ProtoFields from) =>
        new(Once(from.Messages(1), m => m.Text(1), m => (int)m.Number(2)), from.Texts(2).ToImmutableHashSet());

    private static ImmutableDictionary<TKey, TValue> Once<TKey, TValue>(
        IEnumerable<ProtoFields> entries, Func<ProtoFields, TKey> key, Func<ProtoFields, TValue> value)
    {
        var all = ImmutableDictionary.CreateBuilder<TKey, TValue>();
        foreach (var entry in entries) all[key(entry)] = value(entry);
        return all.ToImmutable();
    }

    private IActorRef Ref(ProtoFields from, int field = 1) => Ref(from.Text(field));

    private IActorRef Ref(string path) =>
        ActorPath.TryParse(path, out _)
            ? system.Provider.ResolveActorRef(path) : throw new SerializationException($"'{path}' is not the path of an actor");

    private static Address AddressOf(string text) =>
        Address.TryParse(text, out var address) ? address : throw new SerializationException($"'{text}' is not the address of a node");

    private static ArgumentException Unknown(object message) => new($"Cannot serialize a {message?.GetType()} here", nameof(message));
}
