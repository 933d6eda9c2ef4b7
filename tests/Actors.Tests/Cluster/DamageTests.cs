using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>Failing disks, and crashes between the steps that cross both engines.</summary>
public sealed class DamageTests
{
    [Fact]
    public async Task AFailedJournalRestartsTheStoreAndNothingAcknowledgedIsLost()
    {
        await using var cluster = await TestCluster.StartAsync(3, "tikv.store.engine-restart-backoff = 100ms");
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(100);
        var leader = await cluster.LeaderOfAsync("a");
        var before = leader.Node.Tikv.Engines;
        var failures = 0;
        leader.Node.Tikv.FailPoints.Set(FailPoints.JournalCommit, () =>
        {
            if (Interlocked.Increment(ref failures) == 1)
                throw new IOException("disk error made by a test");
        });
        await load.ProgressAsync(100);
        await Eventually.TrueAsync(() => leader.Node.Tikv.Engines is { } engines && engines != before, "the engines were reopened");
        await load.ProgressAsync(100);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    [Theory]
    [InlineData(FailPoints.SnapshotRecorded)]
    [InlineData(FailPoints.SnapshotCleared)]
    [InlineData(FailPoints.SnapshotIngested)]
    public async Task ASnapshotInstallationThatFailsAfterAnyStepIsFinishedByTheNextIncarnation(string step)
    {
        await using var cluster = await TestCluster.StartAsync(3, """
            tikv.region { log-compaction-threshold = 16 KiB, log-limit = 32 KiB }
            tikv.store.peer-restart-backoff = 50ms
            """);
        await using var load = new WriteLoad(cluster.Client, valueBytes: 1000);
        await load.ProgressAsync(20);
        var leader = await cluster.LeaderOfAsync("a");
        var away = cluster.Nodes.First(n => n != leader.Node && n.Number != 1);
        await away.StopAsync();
        await load.ProgressAsync(200);
        await load.StopAsync();

        away.Start();
        var hits = 0;
        away.Tikv.FailPoints.Set(step, () =>
        {
            if (Interlocked.Increment(ref hits) == 1)
                throw new IOException("crash made by a test");
        });
        await cluster.AllReplicasAreEqualAsync();
        Assert.True(hits >= 1, "no snapshot was installed");
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    [Fact]
    public async Task APeerWhoseDataCannotBeWrittenStopsAloneAndComesBack()
    {
        await using var cluster = await TestCluster.StartAsync(3, "tikv.store.peer-restart-backoff = 50ms");
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(100);
        var follower = cluster.Nodes.First(n => n.Number != 1);
        var failures = 0;
        follower.Tikv.FailPoints.Set(FailPoints.DataWrite, () =>
        {
            if (Interlocked.Increment(ref failures) == 1)
                throw new IOException("disk error made by a test");
        });
        await load.ProgressAsync(200);
        Assert.True(failures > 0);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    [Fact]
    public async Task SyncedWritesAreSyncedAndSharedByManyPuts()
    {
        await using var cluster = await TestCluster.StartAsync();
        var before = cluster.Nodes.Select(n => n.Tikv.Engines!.Journal.Statistics).ToList();
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => cluster.Client.PutAsync($"k{i}", "v")));
        for (var i = 0; i < 3; i++)
        {
            var now = cluster.Nodes[i].Tikv.Engines!.Journal.Statistics;
            Assert.True(now.Syncs - before[i].Syncs >= now.Batches - before[i].Batches, $"{now.Batches - before[i].Batches} batches, {now.Syncs - before[i].Syncs} syncs");
        }

        Assert.True(cluster.Nodes.Sum(n => n.Tikv.Counters.AcknowledgedWrites) >= 400);
    }

    /// <summary>A reader never sees less than what was acknowledged when it began, whoever leads.</summary>
    [Fact]
    public async Task NoReadIsStaleWhileTheLeadershipMoves()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.Client.PutAsync("clock", "0");
        var acknowledged = 0;
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            for (var i = 1; !stop.IsCancellationRequested; i++)
            {
                await cluster.Client.PutAsync("clock", $"{i}");
                Volatile.Write(ref acknowledged, i);
            }
        });
        var reads = 0;
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var least = Volatile.Read(ref acknowledged);
                var seen = int.Parse((await cluster.Client.GetAsync("clock"))!);
                Assert.True(seen >= least, $"read {seen} after {least} was acknowledged");
                Interlocked.Increment(ref reads);
            }
        })).ToList();

        for (var i = 0; i < 4; i++)
        {
            var goal = Volatile.Read(ref reads) + 50;
            await Eventually.TrueAsync(() => Volatile.Read(ref reads) >= goal || readers.Exists(r => r.IsFaulted), "reads go on");
            var leader = await cluster.LeaderOfAsync("clock");
            var to = leader.Status.Region.Peers.First(p => p.Id != leader.Status.Self.Id);
            leader.Node.Tikv.Node!.Services!.Router.Find(leader.Status.Region.Id)!.Tell(
                new RegionPeer.Submit([new Transfer(leader.Status, to)]), Akka.Actor.ActorRefs.NoSender);
        }

        await stop.CancelAsync();
        await writer;
        await Task.WhenAll(readers);
    }

    private sealed class Transfer(RegionPeer.Status from, Protocol.Metapb.Peer to) : TransferLeaderRequest(
        new Context { RegionId = from.Region.Id, RegionEpoch = from.Region.RegionEpoch, Peer = from.Self }, TimeSpan.MaxValue)
    {
        public override Protocol.Metapb.Peer To => to;

        public override void Succeed()
        {
        }

        public override void Fail(Protocol.Errorpb.Error error)
        {
        }
    }
}
