using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Event;
using TiKvActors.StandIns.Tests.Clustering;

namespace TiKvActors.StandIns.Tests.Sharding;

public class ShardingTests
{
    // s0-e0, s1-e1, s2-e2, s3-e3, s0-e4 and so on.
    private static readonly string[] _entities = [.. Enumerable.Range(0, 12).Select(n => $"s{n % 4}-e{n}")];

    [Fact]
    public async Task A_strategy_of_ones_own_says_where_shards_live()
    {
        await using var scene = await ShardingScene.Start(3);
        for (var i = 0; i < 3; i++) scene.Places.Put("s" + i, scene.Nodes[i]);
        scene.Places.Failures = 2;
        foreach (var from in scene.Nodes)
        {
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal((scene.Nodes[i].Address.Port!.Value, 1), await ShardingScene.Who(from, $"s{i}-a"));
                Assert.Equal((scene.Nodes[i].Address.Port!.Value, 1), await ShardingScene.Who(from, $"s{i}-b"));
            }
        }
        // Once a shard, and again after a failure.
        Assert.Equal(5, scene.Places.Allocations.Count);
        var regions = await ShardingScene.Region(scene.Nodes[2]).Ask<CurrentRegions>(GetCurrentRegions.Instance, ClusterNode.Patience);
        Assert.Equal(scene.Nodes.Select(n => n.Address).Order(), regions.Regions.Order());
        var stats = await ShardingScene.Region(scene.Nodes[1])
            .Ask<ClusterShardingStats>(new GetClusterShardingStats(ClusterNode.Patience), ClusterNode.Patience);
        Assert.Equal([2, 2, 2], scene.Nodes.Select(n => stats.Regions[n.Address].Stats.Values.Sum()));
    }

    [Fact]
    public async Task Shards_move_while_messages_flow_and_none_is_lost_or_overtakes_another()
    {
        await using var scene = await ShardingScene.Start(3, stopMessage: "hand-off");
        await scene.AddProxy();
        var random = new Random(7);
        var flows = scene.Nodes.Select((node, i) => new Flow(i, ShardingScene.Region(node), _entities, scene.Life).Start()).ToList();
        for (var round = 0; round < 10; round++)
        {
            for (var shard = 0; shard < 4; shard++) scene.Places.Put("s" + shard, scene.Nodes[random.Next(3)]);
            await Eventually.TrueAsync(
                () => _entities.All(e => IsInPlace(scene, e)), () =>
                $"entities in their places in round {round}; {string.Join("; ", scene.Life.Disorder)}");
            foreach (var flow in flows) await flow.Goes(200);
        }
        foreach (var flow in flows) await flow.Stop();
        Assert.Empty(scene.Life.Disorder);
        Assert.Equal(1, scene.Life.Most);
        Assert.All(scene.Life.StopMessages, m => Assert.EndsWith(" hand-off", m));
        // It is a test of moving only if they have moved.
        Assert.True(
            _entities.Sum(scene.Life.Incarnations) > 3 * _entities.Length, $"{_entities.Sum(scene.Life.Incarnations)} incarnations");
    }

    [Fact]
    public async Task After_its_node_was_downed_the_coordinator_goes_on_from_the_journal()
    {
        await using var scene = await ShardingScene.Start(3);
        var proxy = await scene.AddProxy();
        for (var i = 0; i < 3; i++) scene.Places.Put("s" + i, scene.Nodes[i]);
        for (var i = 0; i < 3; i++)
            Assert.Equal((scene.Nodes[i].Address.Port!.Value, 1), await ShardingScene.Who(scene.Nodes[0], $"s{i}-a"));
        var asked = scene.Places.Allocations.Count;
        await scene.Nodes[0].Kill();
        scene.Nodes[1].Cluster.Down(scene.Nodes[0].Address);
        foreach (var node in scene.Nodes.Skip(1)) await node.SeesUp(3);
        // Known only to the dead coordinator and to the region that hosts it, so the answer comes from the journal; the entity has not
        // noticed.
        Assert.Equal((scene.Nodes[2].Address.Port!.Value, 1), await ShardingScene.WhoAtLast(scene.Nodes[1], "s2-a"));
        Assert.Equal((scene.Nodes[1].Address.Port!.Value, 1), await ShardingScene.WhoAtLast(proxy, "s1-a"));
        Assert.Equal(asked, scene.Places.Allocations.Count);
        // That of the dead node is allocated anew.
        scene.Places.Put("s0", scene.Nodes[2]);
        Assert.Equal(scene.Nodes[2].Address.Port!.Value, (await ShardingScene.WhoAtLast(proxy, "s0-a")).Port);
        Assert.Equal($"s0 from {scene.Nodes[1].Address.Port}", scene.Places.Allocations[^1]);
        Assert.Contains("AD", scene.Store.Manifests(ShardingScene.CoordinatorId));
        Assert.Equal(2, scene.Life.Incarnations("s0-a"));
    }

    [Fact]
    public async Task Messages_to_an_entity_that_is_stopping_wait_for_the_next_one()
    {
        await using var scene = await ShardingScene.Start(2);
        scene.Places.Put("s0", scene.Nodes[1]);
        string[] entity = ["s0-a"];
        var flow = new Flow(0, ShardingScene.Region(scene.Nodes[0]), entity, scene.Life).Start();
        for (var round = 1; round <= 20; round++)
        {
            var before = scene.Life.Incarnations("s0-a");
            ShardingScene.Region(scene.Nodes[1]).Tell("s0-a passivate");
            await Eventually.TrueAsync(() => scene.Life.Incarnations("s0-a") > before, () => "the next incarnation after " + before);
        }
        await flow.Stop();
        Assert.Empty(scene.Life.Disorder);
        Assert.Equal(1, scene.Life.Most);
        Assert.All(scene.Life.StopMessages, m => Assert.Equal("s0-a stop", m));
    }

    [Fact]
    public async Task An_idle_entity_gets_the_stop_message_and_a_busy_one_does_not()
    {
        await using var scene = await ShardingScene.Start(1, "akka.cluster.sharding.passivate-idle-entity-after = 1s", "hand-off");
        string[] busy = ["s0-busy"];
        var flow = new Flow(0, ShardingScene.Region(scene.Nodes[0]), busy, scene.Life).Start();
        await ShardingScene.Who(scene.Nodes[0], "s0-idle");
        await Eventually.TrueAsync(() => !scene.Life.IsRunning("s0-idle"), () => "the end of the idle one");
        Assert.Equal(["s0-idle hand-off"], scene.Life.StopMessages);
        await flow.Stop();
        Assert.Equal(1, scene.Life.Incarnations("s0-busy"));
        Assert.Equal(2, (await ShardingScene.Who(scene.Nodes[0], "s0-idle")).Incarnation);
    }

    [Fact]
    public async Task A_proxy_keeps_messages_until_there_is_a_host()
    {
        await using var scene = await ShardingScene.Start(0);
        var proxy = await scene.AddProxy();
        var early = ShardingScene.Region(proxy).Ask<string>("s0-a who", ClusterNode.Patience);
        var flow = new Flow(0, ShardingScene.Region(proxy), _entities, scene.Life).Start();
        var host = await scene.AddHost();
        Assert.Equal($"{host.Address.Port} 1", await early);
        await flow.Goes(1000);
        await flow.Stop();
        Assert.Empty(scene.Life.Disorder);
        Assert.Empty(
            (await ShardingScene.Region(proxy).Ask<CurrentShardRegionState>(GetShardRegionState.Instance, ClusterNode.Patience)).Shards);
        // Where the role is not its own, a node that starts a region gets a proxy.
        Assert.Equal(ShardingScene.Region(proxy), await ClusterSharding.Get(proxy.System).StartAsync(
            ShardingScene.TypeName, scene.PropsAt(proxy), scene.SettingsOf(proxy), HashCodeMessageExtractor.Create(3, m => m as string)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_node_that_leaves_hands_its_shards_off_and_nothing_is_lost(int leaving)
    {
        await using var scene = await ShardingScene.Start(3, stopMessage: "hand-off");
        var proxy = await scene.AddProxy();
        foreach (var shard in new[] { "s0", "s1", "s2", "s3" }) scene.Places.Put(shard, scene.Nodes[leaving]);
        var staying = scene.Nodes.Where((_, i) => i != leaving).ToList();
        var flows = staying.Select((node, i) => new Flow(i, ShardingScene.Region(node), _entities, scene.Life).Start()).ToList();
        await Eventually.TrueAsync(() => _entities.All(e => IsInPlace(scene, e)), () => "entities on the node that will leave");
        foreach (var flow in flows) await flow.Goes(200);
        foreach (var shard in new[] { "s0", "s1", "s2", "s3" }) scene.Places.Put(shard, staying[0]);
        var watch = Stopwatch.StartNew();
        scene.Nodes[leaving].Cluster.Leave(scene.Nodes[leaving].Address);
        await scene.Nodes[leaving].System.WhenTerminated.WaitAsync(ClusterNode.Patience);
        Assert.True(scene.Nodes[leaving].Cluster.IsTerminated);
        foreach (var flow in flows) await flow.Goes(200);
        foreach (var flow in flows) await flow.Stop();
        Console.WriteLine($"left with {_entities.Length} entities in {watch.Elapsed.TotalSeconds:0.0} s");
        Assert.Empty(scene.Life.Disorder);
        Assert.Equal(1, scene.Life.Most);
        Assert.Equal(_entities.Select(e => e + " hand-off").Order(), scene.Life.StopMessages.Order().Distinct());
        Assert.Equal(staying[0].Address.Port!.Value, (await ShardingScene.Who(proxy, "s0-e0")).Port);
    }

    [Fact]
    public async Task A_coordinator_that_could_not_write_starts_again_and_knows_what_it_has_said()
    {
        await using var scene = await ShardingScene.Start(2);
        scene.Places.Put("s0", scene.Nodes[1]);
        scene.Places.Put("s1", scene.Nodes[1]);
        Assert.Equal((scene.Nodes[1].Address.Port!.Value, 1), await ShardingScene.Who(scene.Nodes[1], "s0-a"));
        scene.Store.Fail(writes: 2);
        Assert.Equal((scene.Nodes[1].Address.Port!.Value, 1), await ShardingScene.Who(scene.Nodes[0], "s1-a"));
        Assert.Equal((scene.Nodes[1].Address.Port!.Value, 1), await ShardingScene.Who(scene.Nodes[0], "s0-a"));
        Assert.Single(scene.Places.Allocations, a => a.StartsWith("s0 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_a_snapshot_the_next_coordinator_needs_only_the_last_events()
    {
        await using var scene = await ShardingScene.Start(2, "akka.cluster.sharding { snapshot-after = 5, keep-nr-of-batches = 1 }");
        for (var i = 0; i < 20; i++) scene.Places.Put("s" + i, scene.Nodes[1]);
        for (var i = 0; i < 20; i++) await ShardingScene.Who(scene.Nodes[0], $"s{i}-a");
        // 22 events: two regions, twenty shards; a snapshot at 20, the events up to 15 and the snapshots before are deleted.
        await Eventually.TrueAsync(
            () => scene.Store.Manifests(ShardingScene.CoordinatorId).Count == 7, () =>
            string.Join(",", scene.Store.Manifests(ShardingScene.CoordinatorId)));
        await Eventually.TrueAsync(() => scene.Store.Snapshots.SequenceEqual([15L, 20L]), () => string.Join(",", scene.Store.Snapshots));
        scene.Nodes[0].Cluster.Leave(scene.Nodes[0].Address);
        await scene.Nodes[0].System.WhenTerminated.WaitAsync(ClusterNode.Patience);
        var proxy = await scene.AddProxy();
        var asked = scene.Places.Allocations.Count;
        for (var i = 0; i < 20; i++) Assert.Equal((scene.Nodes[1].Address.Port!.Value, 1), await ShardingScene.WhoAtLast(proxy, $"s{i}-a"));
        Assert.Equal(asked, scene.Places.Allocations.Count);
    }

    [Fact]
    public async Task Entities_that_do_not_stop_are_stopped_by_force_and_the_shard_moves()
    {
        await using var scene = await ShardingScene.Start(2, "akka.cluster.sharding.handoff-timeout = 3s", "ignored stop");
        scene.Places.Put("s0", scene.Nodes[0]);
        Assert.Equal((scene.Nodes[0].Address.Port!.Value, 1), await ShardingScene.Who(scene.Nodes[1], "s0-a"));
        scene.Places.Put("s0", scene.Nodes[1]);
        await Eventually.TrueAsync(() => !scene.Life.IsRunning("s0-a"), () => "the end of the entity");
        Assert.Equal((scene.Nodes[1].Address.Port!.Value, 2), await ShardingScene.Who(scene.Nodes[0], "s0-a"));
    }

    [Fact]
    public async Task Nothing_is_allocated_before_there_are_enough_members()
    {
        await using var scene = await ShardingScene.Start(0, "akka.cluster.role.host.min-nr-of-members = 2");
        var nodes = new[] { scene.StartNode("host"), scene.StartNode("host") };
        await Task.WhenAll(nodes.Select(n => n.Cluster.JoinAsync(nodes[0].Address))).WaitAsync(ClusterNode.Patience);
        // They became Up at once, and which of them counts as the older one is by address. It has the coordinator.
        var oldest = nodes[0].Cluster.State.Members.Min(Member.AgeOrdering).Address;
        var (first, second) = nodes[0].Address == oldest ? (nodes[0], nodes[1]) : (nodes[1], nodes[0]);
        await scene.StartRegion(first);
        var early = ShardingScene.Region(first).Ask<string>("s0-a who", ClusterNode.Patience);
        // It is registered, and its question is the first one after that.
        await Eventually.TrueAsync(
            () => scene.Store.Manifests(ShardingScene.CoordinatorId).SequenceEqual(["AB"]), () => "the first region's registration");
        Assert.Single((await ShardingScene.Region(first).Ask<CurrentRegions>(GetCurrentRegions.Instance, ClusterNode.Patience)).Regions);
        Assert.Empty(scene.Places.Allocations);
        scene.Places.Put("s0", second);
        await scene.StartRegion(second);
        Assert.Equal($"{second.Address.Port} 1", await early);
    }

    [Fact]
    public async Task What_does_not_fit_into_the_buffer_is_a_dead_letter()
    {
        await using var scene = await ShardingScene.Start(0, "akka.cluster.sharding.buffer-size = 10");
        var proxy = await scene.AddProxy();
        var dead = new DeadLetters(proxy);
        for (var n = 1; n <= 15; n++) ShardingScene.Region(proxy).Tell($"s0-a 0 {n}");
        await Eventually.TrueAsync(() => dead.Count("s0-a") == 5, () => $"5 dead letters, so far {dead.Count("s0-a")}");
        await scene.AddHost();
        await Eventually.TrueAsync(() => scene.Life.Received(0) == 10, () => "the ten that fitted");
        Assert.Empty(scene.Life.Disorder);
    }

    [Fact]
    public async Task The_last_node_does_not_wait_for_who_could_take_its_messages()
    {
        await using var scene = await ShardingScene.Start(1, stopMessage: "hand-off");
        await ShardingScene.Who(scene.Nodes[0], "s0-a");
        var region = ShardingScene.Region(scene.Nodes[0]);
        var dead = new DeadLetters(scene.Nodes[0]);
        var ended = scene.Nodes[0].System.Terminate();
        for (var n = 1; !ended.IsCompleted && dead.Count("s0-late") == 0; n++)
        {
            region.Tell($"s0-late 0 {n}");
            await Task.Delay(1);
        }
        var watch = Stopwatch.StartNew();
        await ended.WaitAsync(ClusterNode.Patience);
        Assert.Contains("s0-a hand-off", scene.Life.StopMessages);
        // Not as long as the phase of coordinated shutdown allows.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(8), $"{watch.Elapsed}");
    }

    private static bool IsInPlace(ShardingScene scene, string entity) =>
        scene.Nodes.Any(n => n.Address.Port == scene.Places.PortOf(entity.Split('-')[0]) && scene.Life.PortOf(entity) == n.Address.Port);

    /// <summary>By the first word of the message.</summary>
    private sealed class DeadLetters
    {
        private readonly List<string> _messages = [];

        public DeadLetters(ClusterNode node) =>
            node.System.EventStream.Subscribe(node.System.ActorOf(Props.Create(() => new Keeper(_messages))), typeof(DeadLetter));

        public int Count(string word)
        {
            lock (_messages) return _messages.Count(m => m.Split(' ')[0] == word);
        }

        private sealed class Keeper(List<string> messages) : UntypedActor
        {
            protected override void OnReceive(object message)
            {
                if (message is DeadLetter { Message: string text }) lock (messages) messages.Add(text);
            }
        }
    }
}
