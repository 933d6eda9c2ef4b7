using TiKvActors.Actors.Regions;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Tests.Cluster;

public sealed class FailoverTests
{
    /// <summary>A key of each, and where it begins.</summary>
    private static readonly string[] _tenRegions = ["a", "c", "e", "g", "i", "k", "m", "p", "s", "v"];

    [Fact]
    public async Task WritesGoOnWhenTheLeadersNodeStops()
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(200);
        var before = await cluster.LeaderOfAsync("a");

        await before.Node.StopAsync();
        await load.ProgressAsync(200);
        var after = await cluster.LeaderOfAsync("a");
        Assert.NotEqual(before.Node.Number, after.Node.Number);

        before.Node.Start();
        await load.ProgressAsync(200);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    /// <summary>When the node has stopped, all that it led is led elsewhere already: nobody waits for an election timeout.</summary>
    [Fact]
    public async Task ANodeThatStopsInOrderHandsItsLeadershipsOverFirst()
    {
        await using var cluster = await TestCluster.StartAsync(3, """
            tikv.store.hand-over-timeout = 60s
            akka.coordinated-shutdown.phases.before-service-unbind.timeout = 70s
            """);
        foreach (var key in _tenRegions.Skip(1))
            await cluster.Client.SplitAsync(key);
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(200);
        var node = (await cluster.LeaderOfAsync("n")).Node;
        var before = await LeadersAsync(cluster);

        await node.StopAsync(handsOver: true);
        var peers = new List<RegionPeer.Status>();
        foreach (var other in cluster.Running)
            peers.AddRange(await other.PeersAsync());
        foreach (var led in before.Values.Where(l => l.Node == node).Select(l => l.Status))
        {
            var now = peers.Where(p => p.Region.Id == led.Region.Id && p.Leader?.Id == p.Self.Id).MaxBy(p => p.Term);
            Assert.NotNull(now);
            Assert.True(now.Term > led.Term, $"term {now.Term} after {led.Term}");
        }

        await load.ProgressAsync(200);
        node.Start();
        await load.ProgressAsync(200);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    [Fact]
    public async Task TheSameWithTenRegions()
    {
        await using var cluster = await TestCluster.StartAsync();
        foreach (var key in _tenRegions.Skip(1))
            await cluster.Client.SplitAsync(key);
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(300);

        var node = (await cluster.LeaderOfAsync("n")).Node;
        var before = await LeadersAsync(cluster);
        await node.StopAsync();
        await load.ProgressAsync(300);
        foreach (var key in _tenRegions)
            await cluster.Client.PutAsync(key, "written while a node is away");
        var after = await LeadersAsync(cluster);
        Assert.Equal(10, after.Values.Select(l => l.Status.Region.Id).Distinct().Count());
        foreach (var key in _tenRegions)
        {
            Assert.NotEqual(node.Number, after[key].Node.Number);
            // One election; a split vote on a busy machine may take another round or two.
            var elections = after[key].Status.Term - before[key].Status.Term;
            if (before[key].Node == node)
                Assert.InRange(elections, 1ul, 3ul);
            else
                Assert.InRange(elections, 0ul, 2ul);
        }

        node.Start();
        await load.ProgressAsync(300);
        await load.StopAsync();

        await cluster.AllReplicasAreEqualAsync();
        Assert.All(cluster.Nodes, n => Assert.Equal(10, n.Checksums().Count));
        await load.EveryAcknowledgedWriteIsThereAsync();
        Assert.Equal(10, (await cluster.Client.RegionsAsync()).Count);
    }

    [Fact]
    public async Task AFollowerThatWasAwayPastTheCompactedLogComesBackByASnapshotInChunks()
    {
        await using var cluster = await TestCluster.StartAsync(3, """
            tikv.region { log-compaction-threshold = 32 KiB, log-limit = 64 KiB }
            tikv.storage.snapshot-chunk-size = 8 KiB
            """);
        await using var load = new WriteLoad(cluster.Client, valueBytes: 1000);
        await load.ProgressAsync(20);
        var away = await cluster.LoseFollowerAsync(load);
        await load.ProgressAsync(400);
        var truncated = (await cluster.LeaderOfAsync("a")).Status.TruncatedIndex;

        away.Start();
        var installations = 0;
        away.Tikv.FailPoints.Set(FailPoints.SnapshotIngested, () => Interlocked.Increment(ref installations));
        await load.ProgressAsync(50);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        // Its log begins where the snapshot stood: it never had the entries before.
        var returned = Assert.Single(await away.PeersAsync());
        Assert.True(
            returned.TruncatedIndex >= truncated,
            $"the log of the returned peer begins at {returned.TruncatedIndex}, the leader's began at {truncated}");
        Assert.True(installations >= 1, "no snapshot was installed");
        // More than 400 rows of 1000 bytes, 8 KiB a chunk.
        Assert.True(away.Tikv.Counters.ReceivedSnapshotChunks >= 40, $"{away.Tikv.Counters.ReceivedSnapshotChunks} chunks were received");
        foreach (var node in cluster.Nodes)
            Assert.True(Assert.Single(await node.PeersAsync()).LogBytes < 256 << 10);
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    [Fact]
    public async Task AllNodesRestartFromTheirDirectories()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.Client.SplitAsync("m");
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(300);
        await load.StopAsync();
        var stores = cluster.Nodes.Select(n => n.StoreId).ToList();

        await Task.WhenAll(cluster.Nodes.Select(n => n.StopAsync()));
        foreach (var node in cluster.Nodes)
            node.Start();
        await cluster.LeaderOfAsync("a");
        await cluster.LeaderOfAsync("z");

        await load.EveryAcknowledgedWriteIsThereAsync();
        await cluster.AllReplicasAreEqualAsync();
        Assert.Equal(stores, cluster.Nodes.Select(n => n.StoreId));
    }

    [Fact]
    public async Task RegionsSplitUnderLoadLoseNothing()
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var load = new WriteLoad(cluster.Client);
        foreach (var key in new[] { "m", "f", "t", "c", "w" })
        {
            await load.ProgressAsync(50);
            await cluster.Client.SplitAsync(key);
        }

        await load.ProgressAsync(100);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
        var regions = await cluster.Client.RegionsAsync();
        Assert.Equal(6, regions.Count);
        for (var i = 1; i < regions.Count; i++)
            Assert.Equal(regions[i - 1].Region_.EndKey, regions[i].Region_.StartKey);
    }

    private static async Task<Dictionary<string, TestCluster.Leadership>> LeadersAsync(TestCluster cluster)
    {
        var leaders = new Dictionary<string, TestCluster.Leadership>();
        foreach (var key in _tenRegions)
            leaders[key] = await cluster.LeaderOfAsync(key);
        return leaders;
    }
}
