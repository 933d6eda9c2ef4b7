using TiKvActors.Actors.Regions;

namespace TiKvActors.Actors.Tests.Cluster;

public sealed class HibernationTests
{
    /// <summary>None of the nodes is a member of any cluster: their stores look after one another.</summary>
    [Fact]
    public async Task RegionsThatSleepFindANewLeaderWhenItsNodeStops()
    {
        await using var cluster = await TestCluster.StartAsync(3, "tikv.region.hibernate-after = 300ms");
        await cluster.Client.SplitAsync("m");
        // PD stays.
        await cluster.MoveLeadershipAsync("a", cluster.Node(2));
        await cluster.Client.PutAsync("a", "1");
        await AllAsleepAsync(cluster, regions: 2);
        Assert.All(cluster.Nodes, n => Assert.Equal(2, n.Tikv.Counters.Hibernated));
        var before = await cluster.LeaderOfAsync("a");
        Assert.Equal(cluster.Node(2), before.Node);

        await before.Node.StopAsync();
        // Nobody asks for the region.
        var after = await cluster.LeaderOfAsync("a");
        Assert.NotEqual(before.Node, after.Node);
        Assert.True(after.Status.Term > before.Status.Term);
        await cluster.Client.PutAsync("b", "2");

        before.Node.Start();
        await AllAsleepAsync(cluster, regions: 2);
        await cluster.AllReplicasAreEqualAsync();
        Assert.Equal("1", await cluster.Client.GetAsync("a"));
        Assert.Equal("2", await cluster.Client.GetAsync("b"));
    }

    private static Task AllAsleepAsync(TestCluster cluster, int regions) => Eventually.TrueAsync(
        async () =>
        {
            var peers = new List<RegionPeer.Status>();
            foreach (var node in cluster.Nodes)
                peers.AddRange(await node.PeersAsync());
            return peers.Count == regions * cluster.Nodes.Count && peers.All(p => p.IsAsleep);
        },
        "all peers hibernate");
}
