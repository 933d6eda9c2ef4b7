using Akka.Actor;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using Peer = TiKvActors.Protocol.Metapb.Peer;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>What leads a node to a fail point.</summary>
internal enum Trouble
{
    /// <summary>The load alone: writes, swaps, reads, compaction.</summary>
    None,

    /// <summary>A node stops in order and starts again.</summary>
    Restart,

    /// <summary>A node is away for so long that it needs entries that are no longer in the leader's memory.</summary>
    ShortAbsence,

    /// <summary>A node is away for so long that it needs a snapshot.</summary>
    LongAbsence,

    /// <summary>The same, and a chunk of the snapshot cannot be read.</summary>
    FailedPull,

    Split,

    /// <summary>The peer that has applied the split fails before it can tell.</summary>
    SplitWhosePeerFails,

    /// <summary>A region gets a peer on another store and loses one.</summary>
    Move,

    /// <summary>A peer cannot write its rows.</summary>
    FailedPeer,
}

/// <summary>Four nodes and regions of three replicas. Any node but the first, which runs PD, may die.</summary>
public sealed class CrashCluster : IAsyncLifetime
{
    // The region of these keys is the one that absences and moves are about; the other's are split.
    private const string Letters = "abc";
    private const string SplitLetters = "mn";

    private TestCluster _cluster = null!;
    private int _loads;
    private string _splitKey = "";
    private ulong _lastPeerId = 1_000_000;

    private IEnumerable<TestNode> Mortal => _cluster.Nodes.Where(n => n.Number != 1);

    public async Task InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync(4, """
            tikv.pd { initial-stores = 3, remove-extra-replica = off }
            tikv.region { log-compaction-threshold = 8 KiB, log-limit = 48 KiB }
            tikv.raft.cached-log-size = 2 KiB
            tikv.store { peer-restart-backoff = 50ms, engine-restart-backoff = 50ms }
            tikv.snapshot.chunk-timeout = 1s
            tikv.storage.snapshot-chunk-size = 16 KiB
            tikv.gateway.attempt-timeout = 500ms
            """);
        _cluster.Client.Asks = n => n.Number == 1;
        await _cluster.Client.SplitAsync("k");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    internal async Task<WriteLoad> BeginAsync(Trouble trouble)
    {
        var isSplit = trouble is Trouble.Split or Trouble.SplitWhosePeerFails;
        // Who is away for a short time must find the log whole.
        var (writers, bytes) = trouble == Trouble.ShortAbsence ? (1, 100) : (2, 1000);
        var load = new WriteLoad(_cluster.Client, writers, bytes, isSplit ? SplitLetters : Letters, name: $"-{++_loads}", swaps: true);
        await load.ProgressAsync(20);
        _splitKey = $"n-{_loads % 8}-{_loads}";
        await LeaderIsMortalAsync(trouble, () => false);
        return load;
    }

    internal Crash Arm(string point) => Crash.At(point, [.. Mortal]);

    internal async Task BringAboutAsync(Trouble trouble, WriteLoad load, Crash crash)
    {
        for (var round = 0; round < 3 && !crash.HasHappened; round++)
        {
            await LeaderIsMortalAsync(trouble, () => crash.HasHappened);
            switch (trouble)
            {
                case Trouble.None:
                    break;
                case Trouble.Restart:
                    await LeaveAsync(load, 0);
                    break;
                case Trouble.ShortAbsence:
                    await LeaveAsync(load, 15, load.Pause);
                    break;
                case Trouble.LongAbsence:
                    await LeaveAsync(load, 80);
                    break;
                case Trouble.FailedPull:
                    FailOnce(StoreFailPoints.ChunkRead);
                    await LeaveAsync(load, 80);
                    break;
                case Trouble.Split:
                    await _cluster.Client.SplitAsync(_splitKey, () => crash.HasHappened);
                    break;
                case Trouble.SplitWhosePeerFails:
                    FailOnce(RegionFailPoints.SplitApplied);
                    await _cluster.Client.SplitAsync(_splitKey, () => crash.HasHappened);
                    break;
                case Trouble.Move:
                    await MoveAsync(crash);
                    break;
                case Trouble.FailedPeer:
                    FailOnce(FailPoints.DataWrite);
                    break;
            }

            if (trouble is Trouble.None or Trouble.FailedPeer)
                break;
            await EventuallyOr(crash, () => false, TimeSpan.FromSeconds(5));
            load.Resume();
        }

        await crash.HappensAsync();
    }

    internal async Task EndAsync(WriteLoad load)
    {
        await load.ProgressAsync(20);
        await load.StopAsync();
        foreach (var node in Mortal)
        {
            foreach (var point in new[] { StoreFailPoints.ChunkRead, RegionFailPoints.SplitApplied, FailPoints.DataWrite })
                node.Tikv.FailPoints.Clear(point);
        }

        await EveryReplicaIsEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();
        // The next test's snapshots carry its own rows alone.
        var (start, end) = (TestClient.Key(Letters[..1]), TestClient.Key("z"));
        await _cluster.Client.SendAsync<RawDeleteRangeResponse>(() => new RawDeleteRangeRequest { StartKey = start, EndKey = end });
    }

    /// <summary>What only a leader does must happen to a node that may die.</summary>
    private Task LeaderIsMortalAsync(Trouble trouble, Func<bool> pointless)
    {
        var key = trouble is Trouble.Split or Trouble.SplitWhosePeerFails ? _splitKey : "a";
        return Eventually.TrueAsync(async () =>
        {
            if (pointless())
                return true;
            var leader = await _cluster.LeaderOfAsync(key);
            if (leader.Node.Number != 1)
                return true;
            if (leader.Status.Region.Peers.FirstOrDefault(
                p => p.Role == PeerRole.Voter && Mortal.Any(n => n.IsRunning && n.StoreId == p.StoreId)) is { } target)
                leader.AskToTransfer(target);
            return false;
        }, $"the leader of \"{key}\" may die");
    }

    /// <summary>A region's members have the same bytes at the same index, and nobody else has anything of it.</summary>
    private async Task EveryReplicaIsEqualAsync()
    {
        var last = "";
        try
        {
            await Eventually.TrueAsync(() => (last = Difference()) == "", "all replicas are equal");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}: {last}");
        }
    }

    private string Difference()
    {
        var replicas = new Dictionary<ulong, List<(int Node, Region Region, ulong Applied, RangeChecksum Sum)>>();
        foreach (var node in _cluster.Nodes)
        {
            if (node.Tikv.Engines is not { } engines)
                return $"node {node.Number} does not serve";
            var rows = 0ul;
            foreach (var state in engines.Data.ReadRegionStates())
            {
                using var snapshot = engines.Data.NewSnapshot();
                var (region, apply) = (snapshot.ReadRegionState(state.Region.Id)!.Region, snapshot.ReadApplyState(state.Region.Id));
                if (state.State == PeerState.Tombstone && apply is null)
                    continue;
                if (state.State != PeerState.Normal)
                    return $"region {region.Id} on node {node.Number} is {state.State}";
                if (!replicas.TryGetValue(region.Id, out var all))
                    replicas.Add(region.Id, all = []);
                var sum = RangeChecksum.OfRegion(snapshot, region.StartKey.Span, region.EndKey.Span);
                rows += sum.TotalKvs;
                all.Add((node.Number, region, apply!.AppliedIndex, sum));
            }

            using var whole = engines.Data.NewSnapshot();
            if (RangeChecksum.OfRegion(whole, [], []).TotalKvs is var found && found != rows)
                return $"node {node.Number} has {found} rows, its regions have {rows}";
        }

        foreach (var (id, all) in replicas)
        {
            if (all.Count != all[0].Region.Peers.Count
                || all.Any(r => r.Applied != all[0].Applied || r.Sum != all[0].Sum || !r.Region.Equals(all[0].Region)))
            {
                var seen = all.Select(r => $"node {r.Node} at {r.Applied}: {r.Sum.TotalKvs} keys {r.Sum.Crc64Xor:x}, {r.Region}");
                return $"region {id}: {string.Join("; ", seen)}";
            }
        }

        return "";
    }

    // ---- troubles

    private async Task LeaveAsync(WriteLoad load, int writes, Action? beforeReturn = null)
    {
        // A node that has just started does not say yet which store it is.
        var away = await Eventually.NotNullAsync(async () =>
        {
            var leader = await _cluster.LeaderOfAsync("a");
            return Mortal.FirstOrDefault(n => n != leader.Node && leader.Status.Region.Peers.Any(p => p.StoreId == n.StoreId));
        }, "a follower may go away");
        await away.StopAsync();
        if (writes > 0)
            await load.ProgressAsync(writes);
        beforeReturn?.Invoke();
        away.Start();
    }

    /// <summary>Whatever an earlier crash left half done is done first.</summary>
    private async Task MoveAsync(Crash crash)
    {
        var added = 0ul;
        await EventuallyOr(crash, async () =>
        {
            var leader = await _cluster.LeaderOfAsync("a");
            var peers = leader.Status.Region.Peers;
            if (peers.FirstOrDefault(p => p.Role == PeerRole.Learner) is { } learner)
            {
                await ChangeAsync(leader, ConfChangeType.AddNode, learner);
            }
            else if (peers.Count > 3)
            {
                if (_cluster.Node(1).StoreId == 0)
                    return false;
                var gone = peers.First(p => p.Id != leader.Status.Self.Id && p.Id != added && p.StoreId != _cluster.Node(1).StoreId);
                await ChangeAsync(leader, ConfChangeType.RemoveNode, gone);
            }
            else if (added == 0)
            {
                // A node that has just started does not say yet which store it is.
                if (_cluster.Nodes.FirstOrDefault(n => n.StoreId != 0 && peers.All(p => p.StoreId != n.StoreId)) is not { } target)
                    return false;
                added = ++_lastPeerId;
                await ChangeAsync(
                    leader, ConfChangeType.AddLearnerNode, new Peer { Id = added, StoreId = target.StoreId, Role = PeerRole.Learner });
            }
            else
            {
                return true;
            }

            return false;
        });
    }

    /// <summary>Asks once; what comes of it shows in the region.</summary>
    private static async Task ChangeAsync(TestCluster.Leadership leader, ConfChangeType type, Peer peer)
    {
        if (leader.Node.Tikv.Node?.Services?.Router.Find(leader.Status.Region.Id) is not { } actor)
            return;
        var change = new MembershipChange(leader.Status, new ChangePeerRequest { ChangeType = type, Peer = peer });
        actor.Tell(new RegionPeer.Submit([change]), ActorRefs.NoSender);
        // A node that dies answers nothing.
        await Task.WhenAny(change.Done, Task.Delay(TimeSpan.FromSeconds(1)));
    }

    private void FailOnce(string point)
    {
        var failures = 0;
        foreach (var node in Mortal)
        {
            node.Tikv.FailPoints.Set(point, () =>
            {
                if (Interlocked.Increment(ref failures) == 1)
                    throw new IOException("error made by a test");
            });
        }
    }

    private static Task EventuallyOr(Crash crash, Func<Task<bool>> condition) =>
        Eventually.TrueAsync(async () => crash.HasHappened || await condition(), "the trouble is over");

    private static async Task EventuallyOr(Crash crash, Func<bool> condition, TimeSpan atMost)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await Eventually.TrueAsync(() => crash.HasHappened || condition() || watch.Elapsed > atMost, "the node has had its chance");
    }
}
