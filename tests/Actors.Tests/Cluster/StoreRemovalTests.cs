using System.Text;
using TiKvActors.Client;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>Stores that are removed, replaced and moved by hand, under load.</summary>
public sealed class StoreRemovalTests
{
    [Fact]
    public async Task ALivingStoreIsRemovedAndItsDirectoryIsRefusedAfterwards()
    {
        await using var cluster = await TestCluster.StartAsync(4, "tikv.pd.initial-stores = 3");
        await using var admin = await AdminAsync(cluster);
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(50);
        await cluster.Client.SplitAsync("h");
        await cluster.Client.SplitAsync("q");
        // PD keeps its journal on the first node.
        var node = cluster.Nodes.First(n => n.Number != 1 && n.Checksums().Count > 0);
        await cluster.MoveLeadershipAsync("a", node);
        var (storeId, spare) = (node.StoreId, cluster.Nodes.Single(n => n.Checksums().Count == 0).StoreId);

        await admin.RemoveStoreAsync(storeId);
        var told = await node.Tikv.Removed.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Contains($"store {storeId} at 127.0.0.1:{node.Port} has been removed", told);
        Assert.Contains(node.DataDirectory, told);
        Assert.Contains("empty directory", told);
        Assert.Equal(StoreCondition.Tombstone, (await admin.GetStoreStatusAsync(storeId))!.Condition);
        Assert.Equal(3u, (await admin.GetStoreStatusAsync(spare))!.Regions);
        await load.ProgressAsync(50);

        // It is refused again whenever it starts.
        await node.StopAsync();
        node.Start();
        Assert.Contains("has been removed", await node.Tikv.Removed.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Null(node.Tikv.Node!.Services);
        await node.StopAsync();

        // Its replacement has another id, and the same address.
        Directory.Delete(node.DataDirectory, true);
        node.Start();
        await Eventually.TrueAsync(() => node.StoreId > storeId, "the node joins as a new store");
        await Eventually.TrueAsync(
            async () => (await admin.GetStoreStatusAsync(node.StoreId))?.Condition == StoreCondition.Up, "the new store is up");
        await load.StopAsync();
        await node.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    [Fact]
    public async Task ADeadStoreIsReplacedByANewOne()
    {
        await using var cluster = await TestCluster.StartAsync(4, later: 1);
        await using var admin = await AdminAsync(cluster);
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(50);
        await cluster.Client.SplitAsync("h");
        var dead = cluster.Node(3);
        var deadId = dead.StoreId;
        await dead.StopAsync();
        await load.ProgressAsync(20);

        // There is nowhere to go until another store joins.
        await admin.RemoveStoreAsync(deadId);
        await Eventually.TrueAsync(
            async () => (await admin.GetStoreStatusAsync(deadId))!.WaitsFor.Contains(
                "no store that is up is without a peer of it", StringComparison.Ordinal),
            "the removal says what it waits for");
        Assert.Equal(2u, (await admin.GetStoreStatusAsync(deadId))!.Regions);
        cluster.Node(4).Start();
        await Eventually.TrueAsync(
            async () => (await admin.GetStoreStatusAsync(deadId))!.Condition == StoreCondition.Tombstone,
            "every region has left the dead store");
        await load.ProgressAsync(50);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        Assert.Equal(2, cluster.Node(4).Checksums().Count);
        await load.EveryAcknowledgedWriteIsThereAsync();
        foreach (var region in await admin.ListRegionsAsync())
            Assert.Equal(3, region.Region.Peers.Count(p => p.Role == Protocol.Metapb.PeerRole.Voter && p.StoreId != deadId));

        // The dead one returns: it is told.
        dead.Start();
        Assert.Contains($"store {deadId}", await dead.Tikv.Removed.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task ADestroyedStoreIsReplacedAtItsOwnAddress()
    {
        await using var cluster = await TestCluster.StartAsync(3, "tikv.pd.store-disconnect-time = 3s");
        await using var admin = await AdminAsync(cluster);
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(50);
        var node = cluster.Node(3);
        var deadId = node.StoreId;
        await node.StopAsync();
        Directory.Delete(node.DataDirectory, true);
        node.Start();
        await Eventually.TrueAsync(
            () => node.Log.Of("TKA105").Any(line => line.Contains($"ctl store remove {deadId} --force", StringComparison.Ordinal)),
            "the empty store's refusal names the remedy");
        await Eventually.TrueAsync(
            async () => (await admin.GetStoreStatusAsync(deadId))!.Condition == StoreCondition.Disconnected, "the dead store is missed");
        await admin.RemoveStoreAsync(deadId, physicallyDestroyed: true);
        await Eventually.TrueAsync(
            async () => (await admin.GetStoreStatusAsync(deadId))!.Condition == StoreCondition.Tombstone,
            "the region has left the dead store");
        await load.ProgressAsync(50);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
        Assert.NotEqual(deadId, node.StoreId);
    }

    [Fact]
    public async Task AStoreThatReturnsUnderAnotherAddressIsFound()
    {
        // Nobody hears of it by the routine heartbeats.
        await using var cluster = await TestCluster.StartAsync(3, """
            tikv.store.pd-heartbeat-interval = 600s
            tikv.store.region-heartbeat-interval = 600s
            """);
        await using var client = await RawClient.ConnectAsync($"127.0.0.1:{cluster.Node(1).Port}");
        await using var admin = await AdminAsync(cluster);
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(50);
        await client.PutAsync("k"u8.ToArray(), "before"u8.ToArray());
        var node = cluster.Node(2);
        var (storeId, oldPort) = (node.StoreId, node.Port);
        await node.StopAsync();
        node.Port = TestCluster.FreePorts(1)[0];
        Assert.NotEqual(oldPort, node.Port);
        node.Start();
        await Eventually.TrueAsync(
            async () => (await admin.GetStoreStatusAsync(storeId))!.Store.Address == $"127.0.0.1:{node.Port}", "PD knows the new address");

        // Raft reaches it, and clients do when it leads.
        await cluster.MoveLeadershipAsync("k", node);
        Assert.Equal("before", Encoding.UTF8.GetString((await client.GetAsync("k"u8.ToArray()))!));
        await client.PutAsync("k"u8.ToArray(), "after"u8.ToArray());
        Assert.Equal("after", Encoding.UTF8.GetString((await client.GetAsync("k"u8.ToArray()))!));
        await load.ProgressAsync(50);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    [Fact]
    public async Task PdAndTheMemberOfTheMetaGroupOutliveTheStoreOfTheirNode()
    {
        // The last store asks PD less often: it comes too late for the first region, most probably.
        await using var cluster = await TestCluster.StartAsync(
            4, "tikv.pd.initial-stores = 3", c => c.Node(4).Config += "\ntikv.store.pd-retry-interval = 2s", hasMetaGroup: true);
        await using var admin = await AdminAsync(cluster);
        await using var load = new WriteLoad(cluster.Client);
        cluster.Client.Asks = n => n.Number != 1;
        var node = cluster.Node(1);
        var storeId = node.StoreId;
        // Nobody asks it for the region between the moment in which it leads and the one in which it is no more: all must find out then.
        if ((await cluster.LeaderOfAsync("a")).Status.Region.Peers.Any(p => p.StoreId == storeId))
            await cluster.MoveLeadershipAsync("a", node);
        await load.ProgressAsync(50);
        load.Pause();
        await Eventually.TrueAsync(() => load.Waiting == 0, "no write is under way");
        await admin.RemoveStoreAsync(storeId);
        Assert.Contains("member 1 of the meta group", await node.Tikv.Removed.WaitAsync(TimeSpan.FromSeconds(60)));
        load.Resume();
        await load.ProgressAsync(50);

        // PD's writes need three of the four members: one more may stop, if this one goes on.
        await cluster.Node(4).StopAsync();
        Assert.Equal(StoreCondition.Tombstone, (await admin.GetStoreStatusAsync(storeId))!.Condition);
        var other = cluster.Node(2).StoreId;
        await admin.RemoveStoreAsync(other);
        await admin.CancelStoreRemovalAsync(other);
        await load.ProgressAsync(50);
        await load.StopAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    private static async Task<AdminClient> AdminAsync(TestCluster cluster) =>
        await AdminClient.ConnectAsync($"127.0.0.1:{cluster.Node(1).Port}");
}
