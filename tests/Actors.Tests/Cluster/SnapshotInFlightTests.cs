using TiKvActors.Actors.Regions;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>
/// What may happen to a region while one of its replicas is being sent a snapshot, which takes as long as a test wants. That either side
/// dies then is among <see cref="CrashTests"/>: the sender at chunk-read, the receiver at chunk-staged and after.
/// </summary>
public sealed class SnapshotInFlightTests
{
    public static TheoryData<string> Places => [
        FailPoints.StagingBegun,
        FailPoints.ChunkStaged,
        FailPoints.SnapshotStaged,
        RegionFailPoints.SnapshotStaged,
        FailPoints.SnapshotRecorded
    ];

    [Theory]
    [MemberData(nameof(Places))]
    public async Task TheRegionSplitsMeanwhile(string place)
    {
        await using var cluster = await StartAsync();
        await using var load = new WriteLoad(cluster.Client, valueBytes: 1000);
        var (away, held) = await ReturnAsync(cluster, load, place);
        using (held)
        {
            await cluster.Client.SplitAsync("m");
            await load.ProgressAsync(100);
        }

        await load.ProgressAsync(20);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        Assert.Equal(2, away.Checksums().Count);
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    /// <param name="answers">
    /// Whether the peer, while it is held, answers the next leader, which learns only by that that it needs a snapshot.
    /// </param>
    [Theory]
    [InlineData(FailPoints.StagingBegun, true)]
    [InlineData(FailPoints.ChunkStaged, true)]
    [InlineData(FailPoints.SnapshotStaged, true)]
    [InlineData(RegionFailPoints.SnapshotStaged, false)]
    [InlineData(FailPoints.SnapshotRecorded, false)]
    public async Task ANewerSnapshotComesFromTheNextLeader(string place, bool answers)
    {
        await using var cluster = await StartAsync();
        await using var load = new WriteLoad(cluster.Client, valueBytes: 1000);
        var (away, held) = await ReturnAsync(cluster, load, place);
        using (held)
        {
            var next = await OtherAsync(cluster, away);
            var made = 0;
            next.Tikv.FailPoints.Set(RegionFailPoints.SnapshotMade, () => Interlocked.Increment(ref made));
            await cluster.MoveLeadershipAsync("a", next);
            // Past what the first snapshot and the log together could give.
            await load.ProgressAsync(100);
            await Eventually.TrueAsync(() => !answers || Volatile.Read(ref made) > 0, "the next leader has made a snapshot");
        }

        await load.ProgressAsync(20);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    /// <summary>
    /// The returning node stops while it pulls, and returns once more after a split and another election: what it has staged is of no use
    /// any more.
    /// </summary>
    [Fact]
    public async Task WhatWasStagedForAnEarlierAttemptIsNotUsed()
    {
        await using var cluster = await StartAsync();
        await using var load = new WriteLoad(cluster.Client, valueBytes: 1000);
        var (away, held) = await ReturnAsync(cluster, load, FailPoints.ChunkStaged);
        held.Dispose();
        await away.StopAsync();
        await cluster.Client.SplitAsync("m");
        await cluster.MoveLeadershipAsync("a", await OtherAsync(cluster, away));
        await load.ProgressAsync(100);
        away.Start();
        await load.ProgressAsync(20);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        Assert.Equal(2, away.Checksums().Count);
        await load.EveryAcknowledgedWriteIsThereAsync();
    }

    /// <summary>The follower that was not away.</summary>
    private static async Task<TestNode> OtherAsync(TestCluster cluster, TestNode away)
    {
        var leader = await cluster.LeaderOfAsync("a");
        return cluster.Nodes.First(n => n != away && n != leader.Node);
    }

    private static Task<TestCluster> StartAsync() => TestCluster.StartAsync(3, """
        tikv.region { log-compaction-threshold = 8 KiB, log-limit = 16 KiB }
        tikv.store.peer-restart-backoff = 50ms
        tikv.snapshot.chunk-timeout = 2s
        tikv.storage.snapshot-chunk-size = 8 KiB
        """);

    /// <summary>A follower was away past the compacted log, is back, and is held at the given place of its first snapshot.</summary>
    private static async Task<(TestNode Away, IDisposable Held)> ReturnAsync(TestCluster cluster, WriteLoad load, string place)
    {
        await load.ProgressAsync(20);
        var away = await cluster.LoseFollowerAsync(load);
        away.Start();
        var held = new Hold(away.Tikv.FailPoints, place);
        await held.Reached;
        return (away, held);
    }

    /// <summary>The first thread that comes to a place waits there until this is disposed.</summary>
    private sealed class Hold : IDisposable
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _released = new(false);
        private int _comers;

        public Hold(FailPoints failPoints, string place) => failPoints.Set(place, () =>
        {
            if (Interlocked.Increment(ref _comers) > 1)
                return;
            _reached.SetResult();
            _released.Wait();
        });

        public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(60));

        public void Dispose() => _released.Set();
    }
}
