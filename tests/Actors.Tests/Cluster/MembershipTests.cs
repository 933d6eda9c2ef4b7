using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.RaftServerpb;
using Peer = TiKvActors.Protocol.Metapb.Peer;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>A region moves to another store and leaves nothing behind, whatever step of its destruction a crash hits.</summary>
public sealed class MembershipTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(RegionFailPoints.DestroyRecorded)]
    [InlineData(RegionFailPoints.DestroyCleared)]
    [InlineData(RegionFailPoints.DestroyPurged)]
    public async Task ARegionMovesToAnotherStore(string? failAt)
    {
        await using var cluster = await TestCluster.StartAsync(4, """
            tikv.pd { initial-stores = 3, remove-extra-replica = off }
            tikv.store.peer-restart-backoff = 50ms
            """);
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(50);
        var regionId = (await cluster.LeaderOfAsync("a")).Status.Region.Id;
        var target = await Eventually.NotNullAsync(
            () => Task.FromResult(cluster.Nodes.FirstOrDefault(n => n.StoreId != 0 && n.Checksums().Count == 0)), "a store has no region");

        await ChangeAsync(cluster, region => new ChangePeerRequest
        {
            ChangeType = ConfChangeType.AddLearnerNode,
            Peer = new Peer { Id = 5000, StoreId = target.StoreId, Role = PeerRole.Learner }
        });
        await Eventually.TrueAsync(() => target.Checksums().ContainsKey(regionId), "the learner has its data");
        await ChangeAsync(cluster, region => new ChangePeerRequest
        {
            ChangeType = ConfChangeType.AddNode,
            Peer = region.Peers.Single(p => p.Id == 5000)
        });

        var leader = await cluster.LeaderOfAsync("a");
        var leaving = cluster.Nodes.First(n => n != leader.Node && n != target);
        var gone = leader.Status.Region.Peers.Single(p => p.StoreId == leaving.StoreId);
        var hits = 0;
        if (failAt is not null)
        {
            leaving.Tikv.FailPoints.Set(failAt, () =>
            {
                if (Interlocked.Increment(ref hits) == 1)
                    throw new IOException("crash made by a test");
            });
        }

        await ChangeAsync(cluster, _ => new ChangePeerRequest { ChangeType = ConfChangeType.RemoveNode, Peer = gone });
        await load.ProgressAsync(50);
        await load.StopAsync();

        var engine = leaving.Tikv.Engines!.Data;
        await Eventually.TrueAsync(
            () => engine.ReadRegionState(regionId)?.State == PeerState.Tombstone && engine.ReadApplyState(regionId) is null,
            "the removed peer is destroyed");
        Assert.Equal(failAt is null ? 0 : 1, Math.Min(hits, 1));
        using (var snapshot = engine.NewSnapshot())
            Assert.Equal(0ul, Storage.Data.RangeChecksum.OfRegion(snapshot, [], []).TotalKvs);
        Assert.Empty(leaving.Tikv.Engines!.Journal.ReadEvents($"region/{regionId}/{gone.Id}", 0, long.MaxValue, long.MaxValue));
        await Eventually.TrueAsync(
            () =>
            {
                var sums = cluster.Nodes.Where(n => n != leaving).Select(n => n.Checksums()[regionId]).Distinct().ToList();
                return sums.Count == 1;
            },
            "the three replicas are equal");
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    private static async Task ChangeAsync(TestCluster cluster, Func<Region, ChangePeerRequest> change)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                var leader = await cluster.LeaderOfAsync("a");
                var request = new MembershipChange(leader.Status, change(leader.Status.Region));
                leader.Node.Tikv.Node!.Services!.Router.Find(leader.Status.Region.Id)!
                    .Tell(new RegionPeer.Submit([request]), Akka.Actor.ActorRefs.NoSender);
                return await request.Done.WaitAsync(TimeSpan.FromSeconds(20)) is null;
            },
            "the membership changes");
    }
}
