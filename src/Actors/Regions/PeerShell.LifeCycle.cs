using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Snapshots;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Regions;

/// <summary>Start and end of a peer: from what both engines hold to a running state machine, and from there to a tombstone.</summary>
internal sealed partial class PeerShell
{
    private sealed record InterruptedInstallFinished(RegionLocalState State, RaftApplyState Apply);

    private sealed record DataDestroyed(RegionLocalState Tombstone);

    private sealed record PeerForgotten;

    // Filled by recovery.
    private readonly List<Entry> _recovered = [];
    private readonly LogSegments _segments = new();
    private RaftTruncated? _truncated;
    private HardState? _hardState;

    /// <summary>Durable, and the data is deleted.</summary>
    private RegionLocalState? _tombstone;
    private bool _isPurging;

    /// <summary>The journal's snapshot; before its events.</summary>
    public void Recover(RaftTruncated truncated)
    {
        _truncated = truncated;
        _hardState = truncated.HardState;
    }

    /// <summary>An event's entries replace everything from the first one's index on.</summary>
    public void Recover(RaftAdvanced advanced, long sequenceNr)
    {
        _hardState = advanced.HardState;
        if (advanced.Entries.Count == 0)
            return;
        var first = advanced.Entries[0].Index;
        while (_recovered.Count > 0 && _recovered[^1].Index >= first)
            _recovered.RemoveAt(_recovered.Count - 1);
        _recovered.AddRange(advanced.Entries);
        _segments.Append(advanced.Entries, sequenceNr);
    }

    /// <summary>The journal is replayed: decides what the two engines together mean (invariant 7).</summary>
    public void Start()
    {
        _failPoints.Hit(RegionFailPoints.Recovered);
        switch (_start.State?.State)
        {
            case PeerState.Tombstone:
                _failPoints.Hit(RegionFailPoints.DestroyResumed);
                DestroyData(() => _start.State, isDurable: true);
                break;
            case PeerState.Applying:
                FinishInterruptedInstall();
                break;
            default:
                StartPeer(_start.State, _start.Apply);
                break;
        }
    }

    private void StartPeer(RegionLocalState? state, RaftApplyState? apply)
    {
        var initialized = state is not null;
        var neverRan = _truncated is null && _hardState is null;
        if (initialized && neverRan && apply!.AppliedIndex != RegionState.InitialLogIndex)
        {
            // Normal with an empty journal is legal only at the very beginning: this peer has forgotten its votes and its log.
            Refuse($"the data engine has applied entry {apply.AppliedIndex}, but the journal is empty: was raft/ lost?");
            return;
        }

        if (!initialized && (_truncated is not null || _recovered.Count > 0 || _hardState is { Commit: > 0 }))
        {
            // It has promised entries that only its old region's state can follow. Should that come back by a split of its parent, it
            // starts from it.
            Refuse(
                $"the journal holds entries up to {(_recovered.Count > 0 ? _recovered[^1].Index : _hardState?.Commit)}, "
                    + "but the data engine does not know the region: was data/ lost?");
            return;
        }

        var truncated = _truncated ?? (initialized ? InitialTruncation() : null);
        var truncatedIndex = truncated?.Index ?? 0;
        var hardState = _hardState ?? new HardState();
        if (initialized && hardState.Term < RegionState.InitialLogTerm)
            hardState = new HardState { Term = RegionState.InitialLogTerm, Commit = RegionState.InitialLogIndex };
        _recovered.RemoveAll(e => e.Index <= truncatedIndex);
        _segments.TruncateTo(truncatedIndex);

        var region = state?.Region ?? new Region { Id = _start.RegionId };
        var initial = new PeerInitialState
        {
            Region = region,
            Self = RegionState.FindPeer(region, _start.Self.Id) ?? _start.Self,
            AppliedIndex = apply?.AppliedIndex ?? 0,
            HardState = hardState,
            TruncatedIndex = truncatedIndex,
            TruncatedTerm = truncated?.Term ?? 0,
            Entries = _recovered.ToArray(),
            Segments = _segments,
            LastSequenceNr = _host.LastSequenceNr,
            NeverRan = neverRan,
        };
        _recovered.Clear();
        _peer = new Peer(_host.Config, initial, _host.NewRandom(), _host.Now);
        _phase = Phase.Running;
        if (initialized)
            RegisterApplier(region, apply!);
        _failPoints.Hit(RegionFailPoints.Started);
        _host.Serve();
        _host.Log.PeerStarted(_start.RegionId, _start.Self.Id, _peer.Term, initial.AppliedIndex, _peer.LastIndex);
        if (_start.Campaign)
            _peer.Campaign(_host.Now);
        PumpLater();
    }

    private static RaftTruncated InitialTruncation() => new() { Index = RegionState.InitialLogIndex, Term = RegionState.InitialLogTerm };

    private void RegisterApplier(Region region, RaftApplyState apply) => _host.RegisterApplier(
        new RegionApplier(
            region, _start.Self.Id, _host.Config.StoreId, apply.AppliedIndex, apply.TruncatedState ?? new RaftTruncatedState()));

    /// <summary>A damaged peer stays as it is: it neither votes nor answers, until somebody replaces it.</summary>
    private void Refuse(string why)
    {
        _host.Log.CorruptPeer(_start.RegionId, _start.Self.Id, why);
        _phase = Phase.Refusing;
    }

    private bool Refusing(object message)
    {
        if (message is not RegionPeer.Submit submit)
            return true;
        foreach (var request in submit.Requests)
            request.Fail(RegionErrors.Other(
                $"peer {_start.Self.Id} of region {_start.RegionId} is damaged: see the log of store {_host.Config.StoreId}"));
        return true;
    }

    /// <summary>It refuses to take part, because its two engines contradict each other.</summary>
    public bool IsDamaged => _phase == Phase.Refusing;

    // ---- an interrupted installation

    /// <summary>
    /// A crash interrupted an installation after its record was written: the journal is reset once more, then the rows go in. The record is
    /// durable: what a store finds at its opening is, and what a failed peer starts from was synced (<see cref="PeerStates.OfFailed"/>).
    /// </summary>
    private void FinishInterruptedInstall()
    {
        if (_start.Applying is null)
        {
            Refuse("the region is in state Applying, but nothing says what it was applying");
            return;
        }

        _failPoints.Hit(RegionFailPoints.InstallResumed);
        _phase = Phase.FinishingInstall;
        ResetJournal(_start.Applying);
    }

    private void InstallInterrupted()
    {
        var (engine, regionId) = (_host.Engine, _start.RegionId);
        var at = _start.Applying!.Snapshot;
        _host.RunSlow("finishing the installation of a snapshot", () =>
        {
            using var staged = engine.FindStaged(regionId, at.Index, at.Term)
                ?? throw new InvalidOperationException(
                    $"region {regionId} was installing a snapshot at entry {at.Index}, but its rows are not in staging/");
            SnapshotInstallation.Finish(engine, regionId, staged);
            return new InterruptedInstallFinished(engine.ReadRegionState(regionId)!, engine.ReadApplyState(regionId)!);
        });
    }

    private bool FinishingInstall(object message)
    {
        switch (message)
        {
            case InterruptedInstallFinished finished:
                _failPoints.Hit(RegionFailPoints.ResumedInstallFinished);
                _host.Log.SnapshotInstalled(_start.RegionId, _start.Self.Id, finished.Apply.AppliedIndex);
                _recovered.Clear();
                _segments.Clear();
                var record = _start.Applying!;
                _truncated = new RaftTruncated { HardState = record.HardState, Index = record.Snapshot.Index, Term = record.Snapshot.Term };
                _hardState = record.HardState;
                StartPeer(finished.State, finished.Apply);
                return true;
            default:
                return message is RegionPeer.Tick or RaftMessage;
        }
    }

    // ---- destruction

    /// <summary>Removed from the region: appliers let go first, then the tombstone is made durable, then everything else goes.</summary>
    private void BeginDestroy()
    {
        _failPoints.Hit(RegionFailPoints.DestroyBegun);
        _phase = Phase.Destroying;
        _host.UnregisterApplier();
    }

    private bool Destroying(object message)
    {
        switch (message)
        {
            case Applier.Unregistered:
                _failPoints.Hit(RegionFailPoints.DestroySettled);
                var (data, seen, self) = (_host.Engine, _peer.Region, _peer.Self);
                DestroyData(() => PeerStates.TombstoneOf(data, seen, self), isDurable: false);
                return true;
            case DataDestroyed destroyed:
                _failPoints.Hit(RegionFailPoints.DestroyDataGone);
                _tombstone = destroyed.Tombstone;
                PurgeJournal();
                return true;
            case PeerForgotten:
                _failPoints.Hit(RegionFailPoints.DestroyForgotten);
                _host.Log.PeerDestroyed(_start.RegionId, _start.Self.Id);
                _host.Ranges.Release(_start.RegionId);
                _host.PeerDestroyed(_tombstone!.Region);
                _host.Stop();
                return true;
            case RegionPeer.Submit submit:
                foreach (var request in submit.Requests)
                    request.Fail(RegionErrors.RegionNotFound(_start.RegionId));
                return true;
            case Applier.Applied last:
                StartCreated(last);
                return true;
            default:
                // Ticks, messages and answers that were on their way.
                return true;
        }
    }

    /// <param name="findTombstone">Runs where the disk may be read.</param>
    private void DestroyData(Func<RegionLocalState> findTombstone, bool isDurable)
    {
        _phase = Phase.Destroying;
        var engine = _host.Engine;
        _host.RunSlow("deleting the data of a removed peer", () =>
        {
            var tombstone = findTombstone();
            var region = tombstone.Region;
            using var batch = engine.NewBatch();
            // A peer that never had data has no epoch, and nothing to remember: it never voted.
            var hadData = region.RegionEpoch is not null;
            if (hadData && !isDurable)
            {
                batch.PutRegionState(tombstone);
                engine.Write(batch);
                batch.Clear();
            }

            engine.FailPoints.Hit(RegionFailPoints.DestroyWritten);
            engine.Sync();
            engine.FailPoints.Hit(RegionFailPoints.DestroyRecorded);
            if (hadData)
                batch.DeleteData(region);
            batch.DeleteApplyingSnapshot(region.Id);
            engine.Write(batch);
            engine.FailPoints.Hit(RegionFailPoints.DestroyDeleted);
            engine.Sync();
            engine.FailPoints.Hit(RegionFailPoints.DestroyCleared);
            return new DataDestroyed(tombstone);
        });
    }

    /// <summary>Once nothing of this peer is on its way to the journal or the snapshot store: it would be there for ever.</summary>
    private void PurgeJournal()
    {
        if (_tombstone is null || _isPurging || _truncate is not null || _peer is { IsPersisting: true })
            return;
        _isPurging = true;
        _host.PurgeJournal();
    }

    /// <summary>
    /// The answer to <see cref="IPeerHost.PurgeJournal"/>: the tombstone is durable, so nobody needed the journal any more.
    /// </summary>
    public void JournalPurged()
    {
        var (engine, regionId) = (_host.Engine, _start.RegionId);
        _host.RunSlow("forgetting the applied index of a removed peer", () =>
        {
            engine.FailPoints.Hit(RegionFailPoints.DestroyPurged);
            // Its absence says that the destruction is complete.
            using var batch = engine.NewBatch();
            batch.DeleteApplyState(regionId);
            engine.Write(batch);
            engine.FailPoints.Hit(RegionFailPoints.DestroyForgetting);
            engine.Sync();
            return new PeerForgotten();
        });
    }
}
