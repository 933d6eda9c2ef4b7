using Akka.Actor;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Actors.Regions;

/// <summary>Start and end of a peer: from what both engines hold to a running state machine, and from there to a tombstone.</summary>
internal sealed partial class RegionPeer
{
    private sealed record InterruptedInstallFinished(RegionLocalState State, RaftApplyState Apply);

    private sealed record DataDestroyed(RegionLocalState Tombstone);

    private sealed record JournalPurged;

    private RegionLocalState? _tombstone;

    /// <summary>Called when the journal is replayed; decides what the two engines together mean (invariant 7).</summary>
    private void Start()
    {
        switch (_start.State?.State)
        {
            case PeerState.Tombstone:
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
            _log.CorruptPeer(_start.RegionId, _start.Self.Id, $"the data engine has applied entry {apply.AppliedIndex}, but the journal is empty: was raft/ lost?");
            Context.Become(Refusing);
            return;
        }

        var truncated = _truncated ?? (initialized ? InitialTruncation() : null);
        var truncatedIndex = truncated?.Index ?? 0;
        var hardState = _hardState ?? new HardState();
        if (initialized && hardState.Term < RegionState.InitialLogTerm)
            hardState = new HardState { Term = RegionState.InitialLogTerm, Commit = RegionState.InitialLogIndex };
        _recovered.RemoveAll(e => e.Index <= truncatedIndex);
        _segments.TruncateTo(truncatedIndex);

        var region = state?.Region ?? new Protocol.Metapb.Region { Id = _start.RegionId };
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
            LastSequenceNr = LastSequenceNr,
            NeverRan = neverRan,
        };
        _recovered.Clear();
        // Peers of a store draw different election timeouts; the simulation runs the same state machine with seeds of its own.
        var seed = HashCode.Combine(_start.RegionId, _start.Self.Id, _services.StoreId, _services.Clock.UnixMilliseconds);
        _peer = new Peer(_services.PeerConfig, initial, new Random(seed), Now);
        if (initialized)
            RegisterApplier(region, apply!);
        _services.Router.Add(_start.RegionId, Self);
        _log.PeerStarted(_start.RegionId, _start.Self.Id, _peer.Term, initial.AppliedIndex, _peer.LastIndex);
        if (_start.Campaign)
            _peer.Campaign(Now);
        PumpLater();
    }

    private static Protocol.RaftTruncated InitialTruncation() => new() { Index = RegionState.InitialLogIndex, Term = RegionState.InitialLogTerm };

    private void RegisterApplier(Protocol.Metapb.Region region, RaftApplyState apply) =>
        _applier.Tell(new Applier.Register(
            Self,
            new RegionApplier(region, _start.Self.Id, _services.StoreId, apply.AppliedIndex, apply.TruncatedState ?? new RaftTruncatedState())));

    /// <summary>A damaged peer stays as it is: it neither votes nor answers, until somebody replaces it.</summary>
    private void Refusing(object message)
    {
        if (message is Stop)
            Context.Stop(Self);
        else if (message is Submit submit)
        {
            foreach (var request in submit.Requests)
                request.Fail(RequestErrors.Other($"peer {_start.Self.Id} of region {_start.RegionId} is damaged: see the log of store {_services.StoreId}"));
        }
    }

    /// <summary>A crash interrupted an installation after its record was durable: the journal is reset once more, then the rows go in.</summary>
    private void FinishInterruptedInstall()
    {
        if (_start.Applying is not { } record)
        {
            _log.CorruptPeer(_start.RegionId, _start.Self.Id, "the region is in state Applying, but nothing says what it was applying");
            Context.Become(Refusing);
            return;
        }

        Context.Become(FinishingInstall);
        ResetJournal(record);
    }

    private void FinishingInstall(object message)
    {
        switch (message)
        {
            case JournalReset:
                var (engine, regionId) = (_services.Engines.Data, _start.RegionId);
                var at = _start.Applying!.Snapshot;
                _services.SlowWorker.Tell(new SlowWorker.Run("finishing the installation of a snapshot", () =>
                {
                    using var staged = StagedSnapshot.Find(engine, regionId, at.Index, at.Term)
                        ?? throw new InvalidOperationException($"region {regionId} was installing a snapshot at entry {at.Index}, but its rows are not in staging/");
                    SnapshotInstallation.Finish(engine, regionId, staged);
                    return new InterruptedInstallFinished(engine.ReadRegionState(regionId)!, engine.ReadApplyState(regionId)!);
                }));
                break;
            case InterruptedInstallFinished finished:
                _log.SnapshotInstalled(_start.RegionId, _start.Self.Id, finished.Apply.AppliedIndex);
                _recovered.Clear();
                _segments.Clear();
                var record = _start.Applying!;
                _truncated = new Protocol.RaftTruncated { HardState = record.HardState, Index = record.Snapshot.Index, Term = record.Snapshot.Term };
                _hardState = record.HardState;
                Context.Become(Running);
                StartPeer(finished.State, finished.Apply);
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException($"region {_start.RegionId}, peer {_start.Self.Id}: {failed.What}", failed.Cause);
            case Stop:
                Context.Stop(Self);
                break;
            default:
                if (!OnJournalReset(message) && message is not (Tick or RaftMessage))
                    Unhandled(message);
                break;
        }
    }

    /// <summary>Removed from the region: appliers let go first, then the tombstone is made durable, then everything else goes.</summary>
    private void BeginDestroy()
    {
        Context.Become(Destroying);
        _applier.Tell(new Applier.Unregister(_start.RegionId));
    }

    private void Destroying(object message)
    {
        switch (message)
        {
            case Applier.Unregistered:
                var (data, seen, self) = (_services.Engines.Data, _peer.Region, _peer.Self);
                DestroyData(() => PeerStates.TombstoneOf(data, seen, self), isDurable: false);
                break;
            case DataDestroyed destroyed:
                _tombstone = destroyed.Tombstone;
                PurgeJournal();
                break;
            case JournalPurged:
                var (engines, regionId) = (_services.Engines, _start.RegionId);
                _services.SlowWorker.Tell(new SlowWorker.Run("forgetting the applied index of a removed peer", () =>
                {
                    engines.FailPoints.Hit(RegionFailPoints.DestroyPurged);
                    var engine = engines.Data;
                    // Its absence says that the destruction is complete.
                    using var batch = engine.NewBatch();
                    batch.DeleteApplyState(regionId);
                    engine.Write(batch);
                    engine.Sync();
                    return Stop.Instance;
                }));
                break;
            case Stop when Sender.Equals(_services.SlowWorker):
                _log.PeerDestroyed(_start.RegionId, _start.Self.Id);
                _services.Router.Release(_start.RegionId);
                _services.Store.Tell(new Store.PeerDestroyed(_start.RegionId, _start.Self.Id, _tombstone!.Region));
                Context.Stop(Self);
                break;
            case Stop:
                Context.Stop(Self);
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException($"region {_start.RegionId}, peer {_start.Self.Id}: {failed.What}", failed.Cause);
            case Submit submit:
                foreach (var request in submit.Requests)
                    request.Fail(Protocol.Errors.RegionErrors.RegionNotFound(_start.RegionId));
                break;
            case Applier.Applied last:
                StartCreated(last);
                break;
            default:
                // Ticks, messages and answers that were on their way.
                break;
        }
    }

    /// <summary>Behind the write that may still be on its way; the tombstone is durable, so nobody needs this journal any more.</summary>
    private void PurgeJournal() => _services.Engines.Journal.PurgeAsync(PersistenceId)
        .PipeTo(Self, success: () => new JournalPurged(), failure: e => new SlowWorker.Failed("deleting the log of a removed peer", e));

    /// <param name="findTombstone">Runs where the disk may be read.</param>
    private void DestroyData(Func<RegionLocalState> findTombstone, bool isDurable)
    {
        Context.Become(Destroying);
        var engines = _services.Engines;
        _services.SlowWorker.Tell(new SlowWorker.Run("deleting the data of a removed peer", () =>
        {
            var tombstone = findTombstone();
            var region = tombstone.Region;
            using var batch = engines.Data.NewBatch();
            // A peer that never had data has no epoch, and nothing to remember: it never voted.
            var hadData = region.RegionEpoch is not null;
            if (hadData && !isDurable)
            {
                batch.PutRegionState(tombstone);
                engines.Data.Write(batch);
                batch.Clear();
            }

            engines.Data.Sync();
            engines.FailPoints.Hit(RegionFailPoints.DestroyRecorded);
            if (hadData)
                batch.DeleteData(region.StartKey.Span, region.EndKey.Span);
            batch.DeleteApplyingSnapshot(region.Id);
            engines.Data.Write(batch);
            engines.Data.Sync();
            engines.FailPoints.Hit(RegionFailPoints.DestroyCleared);
            return new DataDestroyed(tombstone);
        }));
    }
}

/// <summary>Between the steps of a peer's destruction; see <see cref="Storage.FailPoints"/> for those of a snapshot's installation.</summary>
internal static class RegionFailPoints
{
    /// <summary>The tombstone is durable, everything else is still there.</summary>
    public const string DestroyRecorded = "destroy-recorded";

    /// <summary>The rows are deleted, the journal is not.</summary>
    public const string DestroyCleared = "destroy-cleared";

    /// <summary>The journal is deleted, the record of the applied index is not.</summary>
    public const string DestroyPurged = "destroy-purged";
}
