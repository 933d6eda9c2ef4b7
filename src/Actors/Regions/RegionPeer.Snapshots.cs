using Akka.Actor;
using Akka.Persistence;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// Snapshots, and everything that resets or shortens the journal. Installation goes through these steps, restartable after each
/// (fail points in <see cref="Storage.FailPoints"/>):
/// appliers let go → state Applying recorded and synced → journal reset → rows ingested, state Normal.
/// </summary>
internal sealed partial class RegionPeer
{
    private sealed class JournalReset
    {
        public static readonly JournalReset Instance = new();
    }

    private sealed record InstallRecorded;

    private sealed record InstallFinished;

    private readonly List<SnapshotSource.Made> _snapshotsMade = [];
    private InstallTask? _installing;
    private long _resetTo = -1;

    private bool OnSnapshotMessage(object message)
    {
        switch (message)
        {
            case SnapshotSource.Made made:
                _snapshotsMade.Add(made);
                OfferSnapshots();
                return true;
            case SnapshotSource.Delivered delivered:
                _peer.ReportSnapshot(delivered.ToPeer, delivered.Succeeded);
                return true;
            case SnapshotReceiver.Staged staged:
                _peer.SnapshotStaged(staged.Announcement, Now);
                return true;
            case SnapshotReceiver.Failed failed:
                if (_peer.SnapshotPullFailed(failed.Announcement))
                    _services.Router.CancelReservation(_start.RegionId);
                return true;
            default:
                return false;
        }
    }

    /// <summary>A snapshot may be ahead of what the appliers have told this peer: it is offered once they have.</summary>
    private void OfferSnapshots()
    {
        for (var i = _snapshotsMade.Count - 1; i >= 0; i--)
        {
            var made = _snapshotsMade[i];
            if (made.Index > _peer.AppliedIndex)
                continue;
            _snapshotsMade.RemoveAt(i);
            _peer.ProvideSnapshot(made.ToPeer, made.Region, made.Index);
        }
    }

    /// <summary>The rows come from the store that announced them, unless their range is taken here: then the leader tries again later.</summary>
    private void PullSnapshot(RaftMessage announcement)
    {
        var region = RaftSnapshotData.Parser.ParseFrom(announcement.Message.Snapshot.Data).Region;
        if (_services.Router.TryReserve(region))
            _services.Store.Tell(new Store.PullSnapshot(announcement));
        else
            _peer.SnapshotPullFailed(announcement);
    }

    private void BeginInstall(InstallTask install)
    {
        _log.SnapshotInstalling(_start.RegionId, _start.Self.Id, install.Record.Snapshot.Index, install.Record.Snapshot.Term);
        _installing = install;
        Context.Become(Installing);
        _applier.Tell(new Applier.Unregister(_start.RegionId));
    }

    private void Installing(object message)
    {
        var engine = _services.Engines.Data;
        var install = _installing!;
        switch (message)
        {
            case Applier.Unregistered:
                _services.SlowWorker.Tell(new SlowWorker.Run("recording the installation of a snapshot", () =>
                {
                    SnapshotInstallation.Record(engine, install.Region, install.Record);
                    return new InstallRecorded();
                }));
                break;
            case InstallRecorded:
                ResetJournal(install.Record);
                break;
            case JournalReset:
                _services.SlowWorker.Tell(new SlowWorker.Run("installing a snapshot", () =>
                {
                    var at = install.Record.Snapshot;
                    using var staged = StagedSnapshot.Find(engine, install.Region.Id, at.Index, at.Term)
                        ?? throw new InvalidOperationException($"the staged rows of region {install.Region.Id} at entry {at.Index} have disappeared");
                    SnapshotInstallation.Finish(engine, install.Region.Id, staged);
                    return new InstallFinished();
                }));
                break;
            case InstallFinished:
                FinishInstall(install);
                break;
            case Submit submit:
                foreach (var request in submit.Requests)
                    request.Fail(Protocol.Errors.RegionErrors.NotLeader(_start.RegionId, _peer.Leader));
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException($"region {_start.RegionId}, peer {_start.Self.Id}: {failed.What}", failed.Cause);
            case GetStatus:
                Sender.Tell(StatusNow());
                break;
            case Stop:
                Context.Stop(Self);
                break;
            case Applier.Applied last:
                StartCreated(last);
                break;
            case Reader.SwapRead or LogEntriesRead or DataSynced or Applier.Failed or SnapshotSource.Made or SnapshotSource.Delivered or SnapshotReceiver.Failed or Pump or Tick or RaftMessage:
                // Answers to what the installation has overtaken, and messages that Raft repeats.
                break;
            default:
                if (!OnJournalReset(message) && !OnPdMessage(message))
                    Unhandled(message);
                break;
        }
    }

    private void FinishInstall(InstallTask install)
    {
        _installing = null;
        _truncate = null;
        _services.Router.Own(install.Region);
        _peer.Installed(install.Region, LastSequenceNr, Now);
        RegisterApplier(install.Region, new RaftApplyState { AppliedIndex = install.Record.Snapshot.Index, TruncatedState = install.Record.Snapshot });
        _log.SnapshotInstalled(_start.RegionId, _start.Self.Id, install.Record.Snapshot.Index);
        // An acknowledgement, if the pump was skipped above.
        _pumping = false;
        Context.Become(Running);
        PumpLater();
    }

    /// <summary>
    /// Replaces the whole journal by a snapshot of hard state and truncated (index, term). Its number is the last one handed out, because no
    /// write is in flight and none of the events is kept.
    /// </summary>
    private void ResetJournal(ApplyingSnapshot record)
    {
        _resetTo = LastSequenceNr;
        var snapshot = new RaftTruncated { HardState = record.HardState, Index = record.Snapshot.Index, Term = record.Snapshot.Term };
        SnapshotStore.Tell(new SaveSnapshot(Metadata(_resetTo), snapshot), Self);
    }

    private SnapshotMetadata Metadata(long sequenceNr) => new(PersistenceId, sequenceNr, new DateTime(_services.Clock.UtcTicks, DateTimeKind.Utc));

    private bool OnJournalReset(object message)
    {
        switch (message)
        {
            case SaveSnapshotSuccess saved when saved.Metadata.SequenceNr == _resetTo:
                DeleteMessages(_resetTo);
                return true;
            case DeleteMessagesSuccess deleted when deleted.ToSequenceNr == _resetTo:
                DeleteSnapshots(new SnapshotSelectionCriteria(_resetTo - 1));
                _resetTo = -1;
                Self.Tell(JournalReset.Instance);
                return true;
            case SaveSnapshotFailure failure when failure.Metadata.SequenceNr == _resetTo:
                throw new PeerFailedException($"region {_start.RegionId}, peer {_start.Self.Id}: its journal could not be reset", failure.Cause);
            case DeleteMessagesFailure failure when failure.ToSequenceNr == _resetTo:
                throw new PeerFailedException($"region {_start.RegionId}, peer {_start.Self.Id}: its journal could not be reset", failure.Cause);
            // Of a truncation that the installation has overtaken, and of the clean-up above.
            case SaveSnapshotSuccess or SaveSnapshotFailure or DeleteMessagesSuccess or DeleteMessagesFailure or DeleteSnapshotsSuccess or DeleteSnapshotsFailure:
                return true;
            default:
                return false;
        }
    }

    private void SyncData(long number)
    {
        var engine = _services.Engines.Data;
        _services.Syncer.Tell(new SlowWorker.Run("syncing the data engine", () =>
        {
            engine.Sync();
            return new DataSynced(number);
        }));
    }

    /// <summary>
    /// With metadata of its own: <see cref="Eventsourced.SaveSnapshot"/> would stamp the last number handed out, and recovery would skip
    /// the entries that are kept.
    /// </summary>
    private void Truncate(TruncateTask task)
    {
        if (task.SequenceNr <= 0)
        {
            _peer.Truncated();
            return;
        }

        _truncate = task;
        SnapshotStore.Tell(new SaveSnapshot(Metadata(task.SequenceNr), task.Snapshot), Self);
    }

    private bool OnTruncation(object message)
    {
        switch (message)
        {
            case SaveSnapshotSuccess saved when saved.Metadata.SequenceNr == _truncate?.SequenceNr:
                DeleteMessages(_truncate.SequenceNr);
                return true;
            case DeleteMessagesSuccess deleted when deleted.ToSequenceNr == _truncate?.SequenceNr:
                DeleteSnapshots(new SnapshotSelectionCriteria(_truncate.SequenceNr - 1));
                EndTruncation();
                return true;
            // Nothing is lost: the log keeps what it could not drop, and the next truncation covers it.
            case SaveSnapshotFailure failure when failure.Metadata.SequenceNr == _truncate?.SequenceNr:
                _log.LogTruncationFailed(_start.RegionId, _start.Self.Id, failure.Cause);
                EndTruncation();
                return true;
            case DeleteMessagesFailure failure when failure.ToSequenceNr == _truncate?.SequenceNr:
                _log.LogTruncationFailed(_start.RegionId, _start.Self.Id, failure.Cause);
                EndTruncation();
                return true;
            case SaveSnapshotSuccess or SaveSnapshotFailure or DeleteMessagesSuccess or DeleteMessagesFailure or DeleteSnapshotsSuccess or DeleteSnapshotsFailure:
                return true;
            default:
                return false;
        }
    }

    private void EndTruncation()
    {
        _truncate = null;
        _peer.Truncated();
    }
}
