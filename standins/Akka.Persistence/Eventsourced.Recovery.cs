using Akka.Actor;

namespace Akka.Persistence;

/// <summary>The phases of recovery: permit, snapshot, events.</summary>
public abstract partial class Eventsourced
{
    private readonly Receive _recoveryBehavior;
    private Phase _phase = Phase.WaitingForPermit;
    private long _replayMax;
    private TimeSpan _recoveryEventTimeout;
    private RecoveryTick _recoveryTick;
    private ICancelable _recoveryTimer;

    /// <summary>Whether anything was replayed since the last tick: a recovery fails after one to two whole intervals without.</summary>
    private bool _sawProgress;

    private enum Phase
    {
        WaitingForPermit,
        LoadingSnapshot,
        ReplayingEvents,
        ProcessingCommands,
        PersistingEvents
    }

    private void WaitForPermit(object message)
    {
        switch (message)
        {
            case RecoveryPermitGranted:
                StartRecovery(Recovery);
                break;
            case IJournalResponse or RecoveryTick:
                // To an earlier incarnation.
                break;
            default:
                StashInternally(message);
                break;
        }
    }

    private void StartRecovery(Recovery recovery)
    {
        _phase = Phase.LoadingSnapshot;
        _replayMax = recovery.ReplayMax;
        StartRecoveryTimer();
        LoadSnapshot(SnapshotterId, recovery.FromSnapshot, recovery.ToSequenceNr);
    }

    private void ReceiveSnapshot(object message)
    {
        switch (message)
        {
            case LoadSnapshotResult result:
                if (result.Snapshot == null || TryRecoverFrom(result.Snapshot)) StartReplay(result.ToSequenceNr);
                break;
            case LoadSnapshotFailed failed:
                FailRecovery(failed.Cause, null);
                break;
            case RecoveryTick tick:
                if (ReferenceEquals(tick, _recoveryTick)) FailRecovery(TimedOut("the snapshot"), null);
                break;
            case RecoveryPermitGranted or IJournalResponse:
                break;
            default:
                StashInternally(message);
                break;
        }
    }

    private bool TryRecoverFrom(SelectedSnapshot snapshot)
    {
        LastSequenceNr = _sequenceNr = snapshot.Metadata.SequenceNr;
        return TryRecover(new SnapshotOffer(snapshot.Metadata, snapshot.Snapshot));
    }

    private void StartReplay(long toSequenceNr)
    {
        _phase = Phase.ReplayingEvents;
        _sawProgress = true;
        Journal.Tell(new ReplayMessages(LastSequenceNr + 1, toSequenceNr, _replayMax, PersistenceId, Self), Self);
    }

    private void ReceiveReplay(object message)
    {
        switch (message)
        {
            case ReplayedMessage replayed:
                _sawProgress = true;
                LastSequenceNr = replayed.Persistent.SequenceNr;
                TryRecover(replayed.Persistent.Payload);
                break;
            case RecoverySuccess success:
                CompleteRecovery(success.HighestSequenceNr);
                break;
            case ReplayMessagesFailure failure:
                FailRecovery(failure.Cause, null);
                break;
            case RecoveryTick tick:
                CheckProgress(tick);
                break;
            case RecoveryPermitGranted or IJournalResponse:
                break;
            default:
                StashInternally(message);
                break;
        }
    }

    private bool TryRecover(object message)
    {
        try
        {
            base.AroundReceive(_recoveryBehavior, message);
            return true;
        }
        catch (Exception e)
        {
            FailRecovery(e, message);
            return false;
        }
    }

    private void CompleteRecovery(long highestSequenceNr)
    {
        StopRecoveryTimer();
        ReturnRecoveryPermit();
        OnReplaySuccess();
        // The last event replayed may be an earlier one (Recovery.ToSequenceNr), and the journal may have deleted the last ones.
        LastSequenceNr = _sequenceNr = highestSequenceNr;
        _phase = Phase.ProcessingCommands;
        try
        {
            base.AroundReceive(_recoveryBehavior, RecoveryCompleted.Instance);
        }
        finally
        {
            if (!_asyncHandlerRunning) CompleteTurn(failed: false);
            _internalStash.UnstashAll();
        }
    }

    private void FailRecovery(Exception cause, object message)
    {
        StopRecoveryTimer();
        try
        {
            OnRecoveryFailure(cause, message);
        }
        finally
        {
            Context.Stop(Self);
            ReturnRecoveryPermit();
        }
    }

    private void ReturnRecoveryPermit() => Extension.RecoveryPermitter.Tell(Akka.Persistence.ReturnRecoveryPermit.Instance, Self);

    private void StartRecoveryTimer()
    {
        _recoveryEventTimeout = Extension.RecoveryEventTimeoutOf(JournalPluginId);
        _recoveryTick = new RecoveryTick(snapshot: false);
        _recoveryTimer = Context.System.Scheduler.ScheduleTellRepeatedlyCancelable(
            _recoveryEventTimeout, _recoveryEventTimeout, Self, _recoveryTick, ActorRefs.NoSender);
    }

    private void StopRecoveryTimer()
    {
        _recoveryTimer?.Cancel();
        _recoveryTimer = null;
    }

    private void CheckProgress(RecoveryTick tick)
    {
        if (!ReferenceEquals(tick, _recoveryTick)) return;
        if (_sawProgress)
            _sawProgress = false;
        else
            FailRecovery(TimedOut("an event"), null);
    }

    private RecoveryTimedOutException TimedOut(string what) =>
        new(
            $"Recovery of '{PersistenceId}' timed out: {what} did not arrive within {_recoveryEventTimeout.TotalSeconds}s, "
                + $"highest sequence number seen {LastSequenceNr}.");
}
