using Akka.Actor;
using TiKvActors.Actors.Regions;
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

    /// <summary>Clients that lose a leader ask PD for the next one.</summary>
    [Fact]
    public async Task PdAnswersWhatItKnowsWhileItsDiskTakesNothing()
    {
        await using var cluster = await TestCluster.StartAsync(3, "tikv.store.engine-restart-backoff = 100ms");
        var node = cluster.Node(1);
        var before = node.Tikv.Engines;
        node.Tikv.FailPoints.Set(FailPoints.JournalCommit, () => throw new IOException("disk error made by a test"));
        await using var load = new WriteLoad(cluster.Client);
        await Eventually.TrueAsync(() => node.Tikv.Engines is { } engines && engines != before, "the engines were reopened");
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    return (await cluster.Client.RegionsAsync()).Count > 0;
                }
                catch (AskTimeoutException)
                {
                    return false;
                }
            },
            "PD tells where the regions are");
        await load.ProgressAsync(100);
    }

    /// <summary>Else the region would be down on this store until somebody restarted it.</summary>
    [Fact]
    public async Task AStoreThatCannotReadTheStateOfAFailedPeerOpensItsEnginesAnew()
    {
        const string backoffs = "tikv.store { engine-restart-backoff = 100ms, peer-restart-backoff = 50ms }";
        await using var cluster = await TestCluster.StartAsync(3, backoffs);
        await using var load = new WriteLoad(cluster.Client);
        await load.ProgressAsync(50);
        var leader = await cluster.LeaderOfAsync("a");
        var store = cluster.Nodes.First(n => n != leader.Node && n.Number != 1);
        var before = store.Tikv.Engines;
        // No error of RocksDB's: that would fail the engine, whoever asked for the sync.
        store.Tikv.FailPoints.Set(FailPoints.DataSync, () =>
        {
            if (store.Tikv.Engines == before)
                throw new IOException("a sync that fails, made by a test");
        });
        await load.ProgressAsync(50);
        var failures = 0;
        store.Tikv.FailPoints.Set(FailPoints.DataWrite, () =>
        {
            if (Interlocked.Increment(ref failures) == 1)
                throw new IOException("disk error made by a test");
        });
        await Eventually.TrueAsync(() => store.Tikv.Engines is { } engines && engines != before, "the engines were reopened");
        await load.ProgressAsync(50);
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
        var away = await cluster.LoseFollowerAsync(load);
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

    /// <summary>Of two regions on a store one fails; the other, led from that store, does not notice.</summary>
    [Fact]
    public async Task APeerWhoseDataCannotBeWrittenStopsAloneAndComesBack()
    {
        // Long enough to look around while the peer is away.
        await using var cluster = await TestCluster.StartAsync(3, "tikv.store.peer-restart-backoff = 3s");
        await cluster.Client.SplitAsync("m");
        var failing = await cluster.LeaderOfAsync("a");
        var store = cluster.Nodes.First(n => n != failing.Node);
        await cluster.MoveLeadershipAsync("z", store);
        await cluster.Client.PutAsync("z", "0");
        await cluster.AllReplicasAreEqualAsync();
        var other = await cluster.LeaderOfAsync("z");
        Assert.Equal(store.Number, other.Node.Number);
        failing = await cluster.LeaderOfAsync("a");
        Assert.NotEqual(store.Number, failing.Node.Number);
        Assert.NotEqual(failing.Status.Region.Id, other.Status.Region.Id);
        var (engines, router) = (store.Tikv.Engines, store.Tikv.Node!.Services!.Router);
        var (failingPeer, otherPeer) = (router.Find(failing.Status.Region.Id), router.Find(other.Status.Region.Id)!);

        // Only this region is written, so the first write that fails is one of its own.
        await using var load = new WriteLoad(cluster.Client, letters: "abcdefgh");
        await load.ProgressAsync(50);
        var failures = 0;
        store.Tikv.FailPoints.Set(FailPoints.DataWrite, () =>
        {
            if (Interlocked.Increment(ref failures) == 1)
                throw new IOException("disk error made by a test");
        });
        await Eventually.TrueAsync(() => router.Find(failing.Status.Region.Id) is null, "the peer has stopped");
        Assert.True(failures > 0);
        await cluster.Client.PutAsync("z", "1");
        Assert.Equal("1", await cluster.Client.GetAsync("z"));
        await Eventually.TrueAsync(
            async () => (await otherPeer.Ask<RegionPeer.Status>(RegionPeer.GetStatus.Instance, TimeSpan.FromSeconds(5))).AppliedIndex
                > other.Status.AppliedIndex,
            "the other region's peer on the store applies the write");
        Assert.Null(router.Find(failing.Status.Region.Id));
        await load.ProgressAsync(50);

        await Eventually.TrueAsync(
            () => router.Find(failing.Status.Region.Id) is { } peer && !peer.Equals(failingPeer), "the peer has come back");
        await load.ProgressAsync(50);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
        Assert.Same(engines, store.Tikv.Engines);
        Assert.Equal(otherPeer, router.Find(other.Status.Region.Id));
    }

    [Fact]
    public async Task SyncedWritesAreSyncedAndSharedByManyPuts()
    {
        const int writers = 64;
        await using var cluster = await TestCluster.StartAsync(3, "tikv.storage.journal.write-timeout = 30s");
        foreach (var key in new[] { "g", "m", "t" })
            await cluster.Client.SplitAsync(key);
        var journals = cluster.Nodes.Select(n => n.Tikv.Engines!.Journal).ToList();
        var before = journals.Select(j => j.Statistics).ToList();
        var acknowledgedBefore = cluster.Nodes.Sum(n => n.Tikv.Counters.AcknowledgedWrites);

        await using var load = new WriteLoad(cluster.Client, writers: writers);
        // A sync lasts until every writer waits for its put, so that how many puts share one does not hang on this machine's disk.
        foreach (var node in cluster.Nodes)
            node.Tikv.FailPoints.Set(FailPoints.JournalCommit, () => SpinWait.SpinUntil(() => load.Waiting == writers || load.IsStopping));
        await load.ProgressAsync(1500);
        await load.StopAsync();

        Assert.True(cluster.Nodes.Sum(n => n.Tikv.Counters.AcknowledgedWrites) - acknowledgedBefore >= load.Acknowledged);
        for (var i = 0; i < journals.Count; i++)
        {
            var now = journals[i].Statistics;
            var (batches, syncs, requests) = (now.Batches - before[i].Batches, now.Syncs - before[i].Syncs,
                now.Requests - before[i].Requests);
            var figures = $"node {i + 1}: {load.Acknowledged} puts, {requests} journal writes, {batches} batches, {syncs} syncs";
            // One batch may have been synced and not yet counted at the first look.
            Assert.True(batches > 1 && syncs >= batches - 1, figures);
            // Puts of a region share a journal write, journal writes of several regions share a batch.
            Assert.True(batches * 4 <= load.Acknowledged, figures);
            Assert.True(batches < requests, figures);
        }
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
            var before = await cluster.LeaderOfAsync("clock");
            var after = await cluster.MoveLeadershipAsync("clock");
            Assert.NotEqual(before.Status.Self.Id, after.Status.Self.Id);
            Assert.True(after.Status.Term > before.Status.Term);
        }

        await stop.CancelAsync();
        await writer;
        await Task.WhenAll(readers);
    }
}
