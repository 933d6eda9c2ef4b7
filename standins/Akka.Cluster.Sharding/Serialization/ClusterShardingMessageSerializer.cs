using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster.Serialization;
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
    private readonly MessageTable _messages = new(nameof(ClusterShardingMessageSerializer));

    public ClusterShardingMessageSerializer(ExtendedActorSystem system) : base(system)
    {
        _messages.Add<ShardingEnvelope>("a", WriteEnvelope, ReadEnvelope);

        Add("AA", Write, ReadState);
        AddActor("AB", m => m.Region, region => new ShardRegionRegistered(region));
        AddActor("AC", m => m.Proxy, proxy => new ShardRegionProxyRegistered(proxy));
        AddActor("AD", m => m.Region, region => new ShardRegionTerminated(region));
        AddActor("AE", m => m.Proxy, proxy => new ShardRegionProxyTerminated(proxy));
        AddHome("AF", m => (m.Shard, m.Region), (shard, region) => new ShardHomeAllocated(shard, region));
        AddShard("AG", m => m.Shard, shard => new ShardHomeDeallocated(shard));

        Add("BA", Write, from => new Register(Ref(from), from.Texts(2).ToImmutableHashSet()));
        AddActor("BB", m => m.Proxy, proxy => new RegisterProxy(proxy));
        AddActor("BC", m => m.Coordinator, coordinator => new RegisterAck(coordinator));
        AddShard("BD", m => m.Shard, shard => new GetShardHome(shard));
        AddHome("BE", m => (m.Shard, m.Region), (shard, region) => new ShardHome(shard, region));
        AddShard("BF", m => m.Shard, shard => new HostShard(shard));
        AddShard("BG", m => m.Shard, shard => new ShardStarted(shard));
        AddShard("BH", m => m.Shard, shard => new BeginHandOff(shard));
        AddHome("BI", m => (m.Shard, m.Region), (shard, region) => new BeginHandOffAck(shard, region));
        AddShard("BJ", m => m.Shard, shard => new HandOff(shard));
        AddShard("BK", m => m.Shard, shard => new ShardStopped(shard));
        AddActor("BL", m => m.Region, region => new GracefulShutdownRequest(region));
        AddShard("BN", m => m.Shard, shard => new NoShardHome(shard));
        Add("BO", Write, from => new HandOffFlushed(from.Text(1), Ref(from, 2), Ref(from, 3)));
        AddActor("BP", m => m.Region, region => new GracefulShutdownAck(region));

        AddEmpty("DC", GetShardRegionStats.Instance);
        Add("DD", Write, ReadStats);
        Add(
            "GS", (to, m) => Proto.Number(to, 1, (ulong)m.Timeout.Ticks),
            from => new GetClusterShardingStats(new TimeSpan((long)from.Number(1))));
        Add("CS", Write, ReadClusterStats);
        AddEmpty("DG", GetCurrentRegions.Instance);
        Add(
            "DH", (to, m) => Proto.Texts(to, 1, m.Regions.Select(r => r.ToString())),
            from => new CurrentRegions(from.Texts(1).Select(AddressOf).ToImmutableHashSet()));
        AddEmpty("FC", GetShardRegionState.Instance);
        Add("FD", Write, ReadShard);
        Add("FE", Write, ReadRegion);
    }

    public override string Manifest(object o) => _messages.Manifest(o);

    public override byte[] ToBinary(object obj) => _messages.ToBinary(obj);

    public override object FromBinary(byte[] bytes, string manifest) => _messages.FromBinary(bytes, manifest);

    private void Add<T>(string manifest, Action<WireWriter, T> write, Func<ProtoFields, T> read) where T : class =>
        _messages.Add(manifest, write, bytes => read(new ProtoFields(bytes)));

    private void AddActor<T>(string manifest, Func<T, IActorRef> actor, Func<IActorRef, T> make) where T : class =>
        Add(manifest, (to, m) => Write(to, actor(m)), from => make(Ref(from)));

    private void AddShard<T>(string manifest, Func<T, string> shard, Func<string, T> make) where T : class =>
        Add(manifest, (to, m) => Proto.Text(to, 1, shard(m)), from => make(from.Text(1)));

    private void AddHome<T>(string manifest, Func<T, (string Shard, IActorRef Region)> home, Func<string, IActorRef, T> make)
        where T : class =>
        Add(
            manifest,
            (to, m) =>
            {
                var (shard, region) = home(m);
                Write(to, shard, region);
            },
            from => make(from.Text(1), Ref(from, 2)));

    private void AddEmpty<T>(string manifest, T only) where T : class => Add(manifest, (_, _) => { }, _ => only);

    private static void Write(WireWriter to, IActorRef actor, int field = 1) =>
        Proto.Text(to, field, Akka.Serialization.Serialization.SerializedActorPath(actor));

    private static void Write(WireWriter to, string shard, IActorRef region)
    {
        Proto.Text(to, 1, shard);
        Write(to, region, 2);
    }

    private static void Write(WireWriter to, Register register)
    {
        Write(to, register.Region);
        Proto.Texts(to, 2, register.Shards);
    }

    private static void Write(WireWriter to, HandOffFlushed flushed)
    {
        Write(to, flushed.Shard, flushed.Region);
        Write(to, flushed.Worker, 3);
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

    private static void Write(WireWriter to, CurrentShardRegionState region)
    {
        foreach (var shard in region.Shards) Proto.Message(to, 1, inner => Write(inner, shard));
        Proto.Texts(to, 2, region.Failed);
    }

    private static void Write(WireWriter to, ClusterShardingStats all)
    {
        foreach (var (address, stats) in all.Regions)
        {
            Proto.Message(to, 1, entry =>
            {
                Proto.Text(entry, 1, address.ToString());
                Proto.Message(entry, 2, inner => Write(inner, stats));
            });
        }
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

    private void WriteEnvelope(WireWriter to, ShardingEnvelope envelope)
    {
        to.Text(envelope.EntityId);
        WrappedPayload.Write(to, system, envelope.Message);
    }

    private ShardingEnvelope ReadEnvelope(byte[] bytes)
    {
        var from = new WireReader(bytes);
        return new ShardingEnvelope(from.Text(), WrappedPayload.Read(ref from, system));
    }

    private static ShardState ReadShard(ProtoFields from) => new(from.Text(1), from.Texts(2).ToImmutableHashSet());

    private static ShardRegionStats ReadStats(ProtoFields from) =>
        new(Once(from.Messages(1), m => m.Text(1), m => (int)m.Number(2)), from.Texts(2).ToImmutableHashSet());

    private static CurrentShardRegionState ReadRegion(ProtoFields from) =>
        new(from.Messages(1).Select(ReadShard).ToImmutableHashSet(), from.Texts(2).ToImmutableHashSet());

    private static ClusterShardingStats ReadClusterStats(ProtoFields from) =>
        new(Once(from.Messages(1), m => AddressOf(m.Text(1)), m => ReadStats(new ProtoFields(m.Bytes(2)))));

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
}
