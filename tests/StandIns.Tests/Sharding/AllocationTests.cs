using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Cluster.Sharding.Coordination;
using Akka.Cluster.Sharding.Internal;
using Akka.Configuration;
using Akka.Util;

namespace TiKvActors.StandIns.Tests.Sharding;

/// <summary>The decisions, without a cluster.</summary>
public sealed class AllocationTests : IAsyncLifetime
{
    private readonly ActorSystem _system = ActorSystem.Create("allocation", "akka { loglevel = OFF, stdout-loglevel = OFF }");

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _system.Terminate();

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(5, 100)]
    public async Task The_older_strategy_moves_until_the_difference_is_the_threshold(int threshold, int atOnce)
    {
        var random = new Random(1);
        for (var run = 0; run < 100; run++)
        {
            var regions = RandomRegions(random);
            var strategy = new LeastOfMembers(threshold, atOnce, Up(regions.Count));
            var rounds = await RebalanceUntilDone(strategy, regions, atOnce);
            Assert.InRange(regions.Values.Max(s => s.Count) - regions.Values.Min(s => s.Count), 0, threshold);
            Assert.InRange(rounds, 0, 1 + regions.Values.Sum(s => s.Count));
        }
    }

    [Theory]
    [InlineData(1000, 1.0)]
    [InlineData(10, 0.2)]
    [InlineData(1, 0.0)]
    public async Task The_newer_strategy_evens_out(int absolute, double relative)
    {
        var random = new Random(2);
        for (var run = 0; run < 100; run++)
        {
            var regions = RandomRegions(random);
            var total = regions.Values.Sum(s => s.Count);
            var limit = Math.Max(1, Math.Min(absolute, (int)(relative * total)));
            var rounds = await RebalanceUntilDone(new EveningOutOfMembers(absolute, relative, Up(regions.Count)), regions, limit);
            Assert.InRange(regions.Values.Max(s => s.Count) - regions.Values.Min(s => s.Count), 0, 1);
            if (limit >= total) Assert.InRange(rounds, 0, 2);
        }
    }

    [Fact]
    public async Task New_shards_rather_go_to_members_that_stay_and_to_those_with_fewest()
    {
        var regions = Regions(3, 1, 0);
        Assert.Equal(
            Region(1), await new LeastOfMembers(1, 1, [Member(0), Member(1), Member(2, MemberStatus.Leaving)])
            .AllocateShard(Region(0), "new", Frozen(regions)));
        Assert.Equal(Region(2), await new LeastOfMembers(1, 1, Up(3)).AllocateShard(Region(0), "new", Frozen(regions)));
        Assert.Equal(
            Region(0), await new LeastOfMembers(1, 1, [Member(0, version: "2.0"), Member(1), Member(2)])
            .AllocateShard(Region(0), "new", Frozen(regions)));
    }

    [Fact]
    public async Task Nothing_moves_while_members_join_or_are_unreachable_or_differ_in_version()
    {
        var regions = Frozen(Regions(10, 0));
        var none = ImmutableHashSet<string>.Empty;
        Assert.NotEmpty(await new LeastOfMembers(1, 1, Up(2)).Rebalance(regions, none));
        Assert.Empty(await new LeastOfMembers(1, 1, [.. Up(2), Member(2, MemberStatus.Joining)]).Rebalance(regions, none));
        Assert.Empty(await new LeastOfMembers(1, 1, [Member(0), Member(1, version: "2.0")]).Rebalance(regions, none));
        Assert.Empty(await new LeastOfMembers(1, 1, Up(2), unreachable: [Member(1)]).Rebalance(regions, none));
        Assert.Empty(await new LeastOfMembers(1, 1, Up(2)).Rebalance(regions, none.Add("0-9")));
    }

    [Fact]
    public void A_shard_is_with_its_region_in_both_tables_whatever_happens()
    {
        var random = new Random(3);
        for (var run = 0; run < 200; run++)
        {
            var state = CoordinatorState.Empty;
            for (var step = 0; step < 50; step++)
            {
                var (region, shard) = (Region(random.Next(3)), "s" + random.Next(5));
                state = state.Updated(random.Next(6) switch
                {
                    0 => new ShardRegionRegistered(region),
                    1 => new ShardRegionTerminated(region),
                    2 => new ShardRegionProxyRegistered(region),
                    3 => new ShardHomeDeallocated(shard),
                    _ => new ShardHomeAllocated(shard, region)
                });
                Assert.Equal(
                    state.Shards.Select(s => (s.Key, s.Value)).OrderBy(s => s.Key, StringComparer.Ordinal),
                    state.Regions.SelectMany(r => r.Value.Select(s => (s, r.Key))).OrderBy(s => s.s, StringComparer.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("akka.cluster.sharding.remember-entities = on", "remember-entities")]
    [InlineData("akka.cluster.sharding.state-store-mode = ddata", "state-store-mode")]
    [InlineData("akka.cluster.sharding.use-lease = lease", "use-lease")]
    [InlineData("akka.cluster.sharding.retry-interval = 0s", "retry-interval")]
    [InlineData("akka.cluster.sharding.snapshot-after = 0", "snapshot-after")]
    public async Task What_is_not_covered_or_makes_no_sense_is_refused_by_name(string hocon, string named)
    {
        var system = ActorSystem.Create("refused", hocon + "\nakka { loglevel = OFF, stdout-loglevel = OFF }");
        Assert.Contains(named, Assert.Throws<ConfigurationException>(() => ClusterShardingSettings.Create(system)).Message);
        await system.Terminate();
    }

    [Fact]
    public void Settings_are_changed_by_copies()
    {
        var settings = ClusterShardingSettings.Create(_system);
        var changed = settings.WithRole("r").WithJournalPluginId("j").WithSnapshotPluginId("s").WithPassivateIdleAfter(TimeSpan.Zero)
            .WithTuningParameters(settings.TuningParameters.WithBufferSize(5).WithRebalanceInterval(TimeSpan.FromSeconds(7)));
        Assert.Equal(
            ("r", "j", "s", TimeSpan.Zero, 5),
            (changed.Role, changed.JournalPluginId, changed.SnapshotPluginId, changed.PassivateIdleEntityAfter,
            changed.TuningParameters.BufferSize));
        Assert.Equal(
            (TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(2)),
            (changed.TuningParameters.RebalanceInterval, changed.TuningParameters.RetryInterval));
        Assert.Equal((null, "", TimeSpan.FromSeconds(120)), (settings.Role, settings.JournalPluginId, settings.PassivateIdleEntityAfter));
        Assert.Null(changed.WithRole(null).Role);
        Assert.Throws<ConfigurationException>(() => settings.WithRememberEntities(true));
    }

    /// <summary>Until nothing is left to move; what moves goes where new shards go.</summary>
    private static async Task<int> RebalanceUntilDone(
        AbstractLeastShardAllocationStrategy strategy, Dictionary<IActorRef, List<string>> regions, int limit)
    {
        for (var round = 0; ; round++)
        {
            var moved = await strategy.Rebalance(Frozen(regions), ImmutableHashSet<string>.Empty);
            if (moved.Count == 0) return round;
            Assert.True(moved.Count <= limit, $"{moved.Count} shards moved at once, {limit} are allowed");
            foreach (var shards in regions.Values) shards.RemoveAll(moved.Contains);
            foreach (var shard in moved) regions[await strategy.AllocateShard(null, shard, Frozen(regions))].Add(shard);
            Assert.True(round < 1000, "it never ends");
        }
    }

    private Dictionary<IActorRef, List<string>> RandomRegions(Random random) =>
        Regions([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(20))]);

    private Dictionary<IActorRef, List<string>> Regions(params int[] counts) =>
        counts.Select((count, i) => (Region(i), Enumerable.Range(0, count).Select(n => $"{i}-{n}").ToList()))
            .ToDictionary(r => r.Item1, r => r.Item2);

    private static ImmutableDictionary<IActorRef, IImmutableList<string>> Frozen(Dictionary<IActorRef, List<string>> regions) =>
        regions.ToImmutableDictionary(r => r.Key, r => (IImmutableList<string>)r.Value.ToImmutableList());

    private static IActorRef Region(int node) => new RegionAt(new RootActorPath(AddressOf(node)) / "system" / "sharding" / "a");

    private static Address AddressOf(int node) => new("akka.tcp", "allocation", "127.0.0.1", 1 + node);

    private static ImmutableList<Member> Up(int nodes) => Enumerable.Range(0, nodes).Select(n => Member(n)).ToImmutableList();

    private static Member Member(int node, MemberStatus status = MemberStatus.Up, string version = "1.0") =>
        Akka.Cluster.Member.Create(new UniqueAddress(AddressOf(node), node), status, 1 + node, [], AppVersion.Create(version));

    private sealed class RegionAt(ActorPath path) : MinimalActorRef
    {
        public override ActorPath Path { get; } = path;

        public override IActorRefProvider Provider => throw new NotSupportedException();
    }

    private sealed class LeastOfMembers(int threshold, int atOnce, ImmutableList<Member> members, ImmutableList<Member> unreachable = null)
        : LeastShardAllocationStrategy(threshold, atOnce)
    {
        protected override ClusterEvent.CurrentClusterState ClusterState => StateOf(members, unreachable ?? []);

        protected override Member SelfMember => members[0];
    }

    private sealed class EveningOutOfMembers(int absolute, double relative, ImmutableList<Member> members)
        : EveningOutStrategy(absolute, relative)
    {
        protected override ClusterEvent.CurrentClusterState ClusterState => StateOf(members, []);

        protected override Member SelfMember => members[0];
    }

    private static ClusterEvent.CurrentClusterState StateOf(ImmutableList<Member> members, ImmutableList<Member> unreachable) =>
        new(members.ToImmutableSortedSet(), unreachable.ToImmutableHashSet(), [], null, ImmutableDictionary<string, Address>.Empty);
}
