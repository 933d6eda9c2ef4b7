using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Cluster.Sharding.Coordination;
using Akka.Cluster.Sharding.Serialization;
using Akka.Remote.Transport;
using TiKvActors.StandIns.Tests.Clustering;
using TiKvActors.Tests.Shared;

namespace TiKvActors.StandIns.Tests.Sharding;

public class ShardingSerializerTests
{
    [Fact]
    public async Task Every_message_comes_back_from_its_bytes_and_damaged_ones_are_refused()
    {
        await using var node = ClusterNode.Start();
        _ = ClusterShardingSettings.Create(node.System);
        var messages = Messages(node);
        var kinds = typeof(ClusterSharding).Assembly.GetTypes()
            .Where(t => typeof(IClusterShardingSerializable).IsAssignableFrom(t) && !t.IsInterface);
        Assert.Equal(kinds.Select(t => t.Name).Order(), messages.Select(m => m.GetType().Name).Distinct().Order());
        var serializer = Assert.IsType<ClusterShardingMessageSerializer>(node.System.Serialization.FindSerializerFor(messages[0]));
        Assert.Equal(13, serializer.Identifier);
        foreach (var message in messages)
        {
            var back = serializer.FromBinary(Bytes(node, serializer, message), serializer.Manifest(message));
            if (message is CoordinatorState state) AssertSame(state, Assert.IsType<CoordinatorState>(back));
            else Assert.Equal(message, back);
        }
        var manifests = messages.Select(serializer.Manifest).ToList();
        Assert.Equal(messages.Select(m => m.GetType()).Distinct().Count(), manifests.Distinct().Count());
        var random = new Random(Fuzz.Seed);
        Fuzz.Run(random, messages.Select(m => Bytes(node, serializer, m)).ToList(), bytes =>
        {
            try
            {
                serializer.FromBinary(bytes, manifests[random.Next(manifests.Count)]);
            }
            catch (Exception e) when (e is MalformedFrameException or SerializationException)
            {
                // The refusal that the caller expects.
            }
        }, perByte: 1024);
    }

    /// <summary>
    /// The bytes that protobuf makes of the real package's messages: its journals are read here, and the other way round.
    /// </summary>
    [Fact]
    public async Task What_the_coordinator_stores_has_the_real_packages_format()
    {
        await using var node = ClusterNode.Start();
        _ = ClusterShardingSettings.Create(node.System);
        const string Path = "akka.tcp://members@127.0.0.1:1/system/sharding/a#7";
        var region = node.System.Provider.ResolveActorRef(Path);
        var path = Field(2, Path);
        var serializer = new ClusterShardingMessageSerializer(node.System);
        byte[] entry = [.. Field(1, "s"), .. path];
        (object Message, string Manifest, byte[] Bytes)[] stored =
        [
            (new ShardRegionRegistered(region), "AB", Field(1, Path)),
            (new ShardRegionProxyRegistered(region), "AC", Field(1, Path)),
            (new ShardRegionTerminated(region), "AD", Field(1, Path)),
            (new ShardRegionProxyTerminated(region), "AE", Field(1, Path)),
            (new ShardHomeAllocated("s", region), "AF", entry),
            (new ShardHomeDeallocated("s"), "AG", Field(1, "s")),
            (CoordinatorState.Empty.Updated(new ShardRegionRegistered(region)).Updated(new ShardHomeAllocated("s", region)), "AA",
            [0x0a, (byte)entry.Length, .. entry, .. path])
        ];
        foreach (var (message, manifest, bytes) in stored)
        {
            Assert.Equal(manifest, serializer.Manifest(message));
            Assert.Equal(bytes, Bytes(node, serializer, message));
        }
        // Of remembered shards (field 4) the real package writes none where they are not remembered, and they are passed over.
        var state = Assert.IsType<CoordinatorState>(serializer.FromBinary([.. stored[^1].Bytes, .. Field(4, "x")], "AA"));
        Assert.Equal(region, state.Shards["s"]);
    }

    private static byte[] Field(int number, string text) => [(byte)((number << 3) | 2), (byte)text.Length, .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Bytes(ClusterNode node, ClusterShardingMessageSerializer serializer, object message) =>
        Akka.Serialization.Serialization.WithTransport(node.System, () => serializer.ToBinary(message));

    private static List<object> Messages(ClusterNode node)
    {
        var own = node.System.ActorOf(Props.Empty, "own");
        var other = node.System.Provider.ResolveActorRef("akka.tcp://members@127.0.0.1:1/system/sharding/a#7");
        var stats = new ShardRegionStats(ImmutableDictionary<string, int>.Empty.Add("s", 3).Add("", 0), ["f"]);
        var shard = new ShardState("s", ["a", "ä/ "]);
        var state = new IDomainEvent[]
        {
            new ShardRegionRegistered(own), new ShardRegionRegistered(other), new ShardRegionProxyRegistered(other),
            new ShardHomeAllocated("z", other), new ShardHomeAllocated("a", other), new ShardHomeAllocated("", own)
        }.Aggregate(CoordinatorState.Empty, (all, happened) => all.Updated(happened));
        return
        [
            new ShardingEnvelope("e", "text"), CoordinatorState.Empty, state, new ShardRegionRegistered(own),
                new ShardRegionProxyRegistered(other), new ShardRegionTerminated(other),
            new ShardRegionProxyTerminated(own), new ShardHomeAllocated("s", other), new ShardHomeDeallocated("s"), new Register(own, []),
            new Register(own, ["s", "t"]),
            new RegisterProxy(other), new RegisterAck(own), new GetShardHome("s"), new ShardHome("s", other), new NoShardHome("s"),
            new HostShard("s"), new ShardStarted("s"),
            new BeginHandOff("s"), new BeginHandOffAck("s", own), new HandOffFlushed("s", own, other), new HandOff("s"),
            new ShardStopped("s"), new GracefulShutdownRequest(own),
            new GracefulShutdownAck(own), GetShardRegionStats.Instance, stats, new GetClusterShardingStats(TimeSpan.FromMilliseconds(1500)),
            new ClusterShardingStats(ImmutableDictionary<Address, ShardRegionStats>.Empty.Add(node.Address, stats)),
            GetCurrentRegions.Instance,
            new CurrentRegions(ImmutableHashSet.Create(node.Address)), GetShardRegionState.Instance, shard,
            new CurrentShardRegionState(ImmutableHashSet.Create(shard), ["f"])
        ];
    }

    private static void AssertSame(CoordinatorState expected, CoordinatorState actual)
    {
        Assert.Equal(expected.Shards.OrderBy(s => s.Key), actual.Shards.OrderBy(s => s.Key));
        Assert.Equal(expected.Proxies, actual.Proxies);
        Assert.Equal(expected.Regions.Count, actual.Regions.Count);
        foreach (var (region, shards) in expected.Regions) Assert.Equal(shards, actual.Regions[region]);
    }
}
