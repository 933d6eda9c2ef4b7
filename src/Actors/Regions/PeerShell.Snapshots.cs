using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// Snapshots, and everything that resets or shortens the journal. Installation goes through these steps, restartable after each
/// (fail points in <see cref="RegionFailPoints"/> and <see cref="Storage.FailPoints"/>):
/// appliers let go → state Applying recorded and synced → journal reset → rows ingested, state Normal.
/// </summary>
internal sealed partial class PeerShell
{
    private sealed record InstallRecorded;

    private sealed record InstallFinished;

    private readonly List<SnapshotSource.Made> _snapshotsMade = [];
    private InstallTask? _installing;
    private bool _isInstallRecorded;
    private TruncateTask? _truncate;

    // Of the reset under way; below 0: there is none.
    private long _resetTo = -1;

    private bool OnSnapshotMessage(object message)
    {
        switch (message)
        {
            case SnapshotSource.Made made:
                _failPoints.Hit(RegionFailPoints.SnapshotMade);
                _snapshotsMade.Add(made);
                OfferSnapshots();
                return true;
            case SnapshotSource.Delivered delivered:
                _peer.ReportSnapshot(delivered.ToPeer, delivered.Succeeded);
                return true;
            case SnapshotReceiver.Staged staged:
                _failPoints.Hit(RegionFailPoints.SnapshotStaged);
                _peer.SnapshotStaged(staged.Announcement, _host.Now);
                return true;
            case SnapshotReceiver.Failed failed:
                _failPoints.Hit(RegionFailPoints.PullFailed);
                if (_peer.SnapshotPullFailed(failed.Announcement))
                    _host.Ranges.CancelReservation(_start.RegionId);
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

    /// <summary>
    /// The rows come from the store that announced them, unless their range is taken here: then the leader tries again later.
    /// </summary>
    private void PullSnapshot(RaftMessage announcement)
    {
        var region = RaftSnapshotData.Parser.ParseFrom(announcement.Message.Snapshot.Data).Region;
        if (_host.Ranges.TryReserve(region))
        {
            _failPoints.Hit(RegionFailPoints.RangeReserved);
            _host.PullSnapshot(announcement);
        }
        else
        {
            _failPoints.Hit(RegionFailPoints.RangeTaken);
            _peer.SnapshotPullFailed(announcement);
        }
    }

    // ---- installation

    private void BeginInstall(InstallTask install)
    {
        _failPoints.Hit(RegionFailPoints.InstallBegun);
        _host.Log.SnapshotInstalling(_start.RegionId, _start.Self.Id, install.Record.Snapshot.Index, install.Record.Snapshot.Term);
        _installing = install;
        _isInstallRecorded = false;
        _phase = Phase.Installing;
        _host.UnregisterApplier();
    }

    private bool Installing(object message)
    {
        var install = _installing!;
        switch (message)
        {
            case Applier.Unregistered:
                _failPoints.Hit(RegionFailPoints.InstallSettled);
                var engine = _host.Engine;
                _host.RunSlow("recording the installation of a snapshot", () =>
                {
                    SnapshotInstallation.Record(engine, install.Region, install.Record);
                    return new InstallRecorded();
                });
                return true;
            case InstallRecorded:
                _failPoints.Hit(RegionFailPoints.InstallRecorded);
                _isInstallRecorded = true;
                // The answers of a truncation under way could be taken for those of the reset: both may have the same number.
                if (_truncate is null)
                    ResetJournal(install.Record);
                return true;
            case InstallFinished:
                FinishInstall(install);
                return true;
            case RegionPeer.Submit submit:
                foreach (var request in submit.Requests)
                    request.Fail(Protocol.Errors.RegionErrors.NotLeader(_start.RegionId, _peer.Leader));
                return true;
            case Applier.Applied last:
                StartCreated(last);
                return true;
            case Reader.SwapRead or Reader.Failed or LogEntriesRead or DataSynced or Applier.Failed:
            case SnapshotSource.Made or SnapshotSource.Delivered or SnapshotReceiver.Failed or RegionPeer.Tick or RaftMessage:
                // Answers to what the installation has overtaken, and messages that Raft repeats.
                return true;
            default:
                return OnPdMessage(message);
        }
    }

    private void InstallRows(InstallTask install)
    {
        var engine = _host.Engine;
        _host.RunSlow("installing a snapshot", () =>
        {
            var at = install.Record.Snapshot;
            using var staged = engine.FindStaged(install.Region.Id, at.Index, at.Term)
                ?? throw new InvalidOperationException(
                    $"the staged rows of region {install.Region.Id} at entry {at.Index} have disappeared");
            SnapshotInstallation.Finish(engine, install.Region.Id, staged);
            return new InstallFinished();
        });
    }

    private void FinishInstall(InstallTask install)
    {
        _failPoints.Hit(RegionFailPoints.InstallFinished);
        _installing = null;
        _host.Ranges.Own(install.Region);
        _peer.Installed(install.Region, _host.LastSequenceNr, _host.Now);
        RegisterApplier(install.Region, new RaftApplyState
        {
            AppliedIndex = install.Record.Snapshot.Index,
            TruncatedState = install.Record.Snapshot
        });
        _host.Log.SnapshotInstalled(_start.RegionId, _start.Self.Id, install.Record.Snapshot.Index);
        // An acknowledgement, if the pump was skipped meanwhile.
        _pumping = false;
        _phase = Phase.Running;
        PumpLater();
    }

    // ---- the journal's snapshot

    /// <summary>
    /// Replaces the whole journal by a snapshot of hard state and truncated (index, term). Its number is the last one handed out, because
    /// no write is in flight and none of the events is kept.
    /// </summary>
    private void ResetJournal(ApplyingSnapshot record)
    {
        _resetTo = _host.LastSequenceNr;
        _host.SaveSnapshot(_resetTo, new RaftTruncated
        {
            HardState = record.HardState,
            Index = record.Snapshot.Index,
            Term = record.Snapshot.Term
        });
    }

    /// <summary>Carries out a truncation: snapshot, then deletion.</summary>
    private void Truncate(TruncateTask task)
    {
        if (task.SequenceNr <= 0)
        {
            _peer.Truncated();
            return;
        }

        _failPoints.Hit(RegionFailPoints.BeforeTruncation);
        _truncate = task;
        _host.SaveSnapshot(task.SequenceNr, task.Snapshot);
    }

    /// <summary>The answer to <see cref="IPeerHost.SaveSnapshot"/>.</summary>
    /// <param name="failure">Null: the snapshot is durable.</param>
    public void SnapshotSaved(long sequenceNr, Exception? failure)
    {
        if (sequenceNr == _truncate?.SequenceNr)
        {
            if (_phase != Phase.Running || failure is not null)
            {
                EndTruncation(failure);
                return;
            }

            _failPoints.Hit(RegionFailPoints.TruncateSaved);
            _host.DeleteEvents(sequenceNr);
        }
        else if (sequenceNr == _resetTo)
        {
            CheckReset(failure);
            _failPoints.Hit(RegionFailPoints.ResetSaved);
            _host.DeleteEvents(sequenceNr);
        }
    }

    /// <summary>The answer to <see cref="IPeerHost.DeleteEvents"/>.</summary>
    /// <param name="failure">Null: they are gone for good.</param>
    public void EventsDeleted(long toSequenceNr, Exception? failure)
    {
        if (toSequenceNr == _truncate?.SequenceNr)
        {
            if (failure is null)
            {
                _failPoints.Hit(RegionFailPoints.TruncateDeleted);
                _host.DeleteSnapshots(toSequenceNr - 1);
            }

            EndTruncation(failure);
        }
        else if (toSequenceNr == _resetTo)
        {
            CheckReset(failure);
            _failPoints.Hit(RegionFailPoints.ResetDeleted);
            _host.DeleteSnapshots(toSequenceNr - 1);
            _resetTo = -1;
            if (_phase == Phase.Installing)
                InstallRows(_installing!);
            else
                InstallInterrupted();
        }
    }

    private void CheckReset(Exception? failure)
    {
        if (failure is not null)
            throw new PeerFailedException($"{Name}: its journal could not be reset", failure);
    }

    /// <param name="failure">Nothing is lost: the log keeps what it could not drop, and the next truncation covers it.</param>
    private void EndTruncation(Exception? failure)
    {
        if (failure is not null)
            _host.Log.LogTruncationFailed(_start.RegionId, _start.Self.Id, failure);
        _truncate = null;
        if (_phase == Phase.Running)
        {
            _peer.Truncated();
            PumpLater();
        }
        else if (_phase == Phase.Installing && _isInstallRecorded)
        {
            ResetJournal(_installing!.Record);
        }
        else
        {
            PurgeJournal();
        }
    }

    private void SyncData(long number)
    {
        _failPoints.Hit(RegionFailPoints.BeforeTruncateSync);
        var engine = _host.Engine;
        _host.RunSync("syncing the data engine", () =>
        {
            engine.Sync();
            return new DataSynced(number);
        });
    }
}
