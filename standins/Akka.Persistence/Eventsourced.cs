using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Persistence;

/// <summary>
/// An actor whose state is the sum of its stored events.
/// <code>
///  WaitingForPermit -> LoadingSnapshot -> ReplayingEvents -> ProcessingCommands &lt;-> PersistingEvents
///        (commands are stashed until the replay is over)         (commands are stashed while a Persist handler is due)
/// </code>
/// This part holds what a derived class may call and override; Eventsourced.Recovery.cs the phases before the first command,
/// Eventsourced.Processing.cs those after it.
/// </summary>
public abstract partial class Eventsourced : ActorBase, IPersistentIdentity, IPersistenceStash, IPersistenceRecovery
{
    /// <summary>What is ours alone is not given back to the mailbox when the actor stops or restarts.</summary>
    public static readonly Func<Envelope, bool> UnstashFilterPredicate =
        static envelope => envelope.Message is not (WriteMessageSuccess or ReplayedMessage);

    private static int _lastInstanceId;

    /// <summary>The journal's answers carry it: those to an earlier incarnation, which may still be on their way, are not for us.</summary>
    private readonly int _instanceId = Interlocked.Increment(ref _lastInstanceId);

    private readonly string _writerGuid = Guid.NewGuid().ToString();
    private readonly IStash _internalStash;
    private readonly UserStash _userStash;
    private IActorRef _journal;
    private IActorRef _snapshotStore;
    private ILoggingAdapter _log;

    /// <summary>The highest number given to an event. Invariant: LastSequenceNr &lt;= _sequenceNr once recovered.</summary>
    private long _sequenceNr;

    protected Eventsourced()
    {
        Extension = Persistence.Instance.Apply(Context.System);
        _internalStash = Context.CreateStash(GetType());
        _userStash = new UserStash(Context.CreateStash(GetType()), _internalStash);
        Stash = _userStash;
        _recoveryBehavior = ReceiveRecover;
    }

    public abstract string PersistenceId { get; }

    public string JournalPluginId { get; protected set; } = string.Empty;

    public string SnapshotPluginId { get; protected set; } = string.Empty;

    public virtual Recovery Recovery => Recovery.Default;

    public virtual IStashOverflowStrategy InternalStashOverflowStrategy => Extension.DefaultInternalStashOverflowStrategy;

    /// <summary>For the derived class; commands that wait for the journal are stashed apart from it.</summary>
    public IStash Stash { get; set; }

    public IActorRef Journal => _journal ??= Extension.JournalFor(JournalPluginId);

    public IActorRef SnapshotStore => _snapshotStore ??= Extension.SnapshotStoreFor(SnapshotPluginId);

    public string SnapshotterId => PersistenceId;

    public bool IsRecovering => _phase < Phase.ProcessingCommands;

    public bool IsRecoveryFinished => !IsRecovering;

    /// <summary>The number of the last event that was recovered or whose handler was due.</summary>
    public long LastSequenceNr { get; private set; }

    public long SnapshotSequenceNr => LastSequenceNr;

    protected PersistenceExtension Extension { get; }

    protected virtual ILoggingAdapter Log => _log ??= Context.GetLogger();

    /// <summary>Gets the snapshot offer, the replayed events and <see cref="RecoveryCompleted"/>.</summary>
    protected abstract bool ReceiveRecover(object message);

    protected abstract bool ReceiveCommand(object message);

    /// <summary>Stores an event, then calls the handler. Commands that arrive before that wait.</summary>
    /// <exception cref="InvalidOperationException">While recovering.</exception>
    public void Persist<TEvent>(TEvent @event, Action<TEvent> handler) => Enlist(@event, handler, stashing: true);

    /// <summary>Stores all or none of the events, then calls the handler for each. Commands that arrive before that wait.</summary>
    /// <exception cref="InvalidOperationException">While recovering.</exception>
    public void PersistAll<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler) => EnlistAll(events, handler, stashing: true);

    /// <summary>
    /// Stores an event, then calls the handler. Commands go on meanwhile, and what they persist is gathered for the next write.
    /// </summary>
    /// <exception cref="InvalidOperationException">While recovering.</exception>
    public void PersistAsync<TEvent>(TEvent @event, Action<TEvent> handler) => Enlist(@event, handler, stashing: false);

    /// <summary>Stores all or none of the events, then calls the handler for each. Commands go on meanwhile.</summary>
    /// <exception cref="InvalidOperationException">While recovering.</exception>
    public void PersistAllAsync<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler) => EnlistAll(events, handler, stashing: false);

    /// <summary>
    /// Calls the handler after the handlers of everything that was persisted before, at once if there are none. Stores nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">While recovering.</exception>
    public void DeferAsync<TEvent>(TEvent evt, Action<TEvent> handler)
    {
        RefuseWhileRecovering("defer");
        if (_pendingHandlers.Count == 0)
        {
            handler(evt);
            return;
        }
        _pendingHandlers.Enqueue(PendingHandler.Of(handler, isStashing: false));
        _gathered.Add(new NonPersistentMessage(evt, Sender));
    }

    /// <summary>Deletes the events up to and including a number. Answered by DeleteMessagesSuccess or DeleteMessagesFailure.</summary>
    public void DeleteMessages(long toSequenceNr)
    {
        if (toSequenceNr == long.MaxValue || toSequenceNr <= LastSequenceNr)
            Journal.Tell(new DeleteMessagesTo(PersistenceId, toSequenceNr, Self), Self);
        else
            Self.Tell(new DeleteMessagesFailure(
                new ArgumentOutOfRangeException(
                    nameof(toSequenceNr), toSequenceNr,
                    $"Events of '{PersistenceId}' cannot be deleted beyond the last one, {LastSequenceNr}."), toSequenceNr), Self);
    }

    /// <summary>Answered by LoadSnapshotResult or LoadSnapshotFailed.</summary>
    public void LoadSnapshot(string persistenceId, SnapshotSelectionCriteria criteria, long toSequenceNr) =>
        SnapshotStore.Tell(new LoadSnapshot(persistenceId, criteria, toSequenceNr), Self);

    /// <summary>Saves a snapshot under the last number. Answered by SaveSnapshotSuccess or SaveSnapshotFailure.</summary>
    public void SaveSnapshot(object snapshot) =>
        SnapshotStore.Tell(new SaveSnapshot(new SnapshotMetadata(SnapshotterId, SnapshotSequenceNr, DateTime.UtcNow), snapshot), Self);

    /// <summary>Answered by DeleteSnapshotSuccess or DeleteSnapshotFailure.</summary>
    public void DeleteSnapshot(long sequenceNr) =>
        SnapshotStore.Tell(new DeleteSnapshot(new SnapshotMetadata(SnapshotterId, sequenceNr, DateTime.MinValue)), Self);

    /// <summary>Answered by DeleteSnapshotsSuccess or DeleteSnapshotsFailure.</summary>
    public void DeleteSnapshots(SnapshotSelectionCriteria criteria) =>
        SnapshotStore.Tell(new DeleteSnapshots(SnapshotterId, criteria), Self);

    /// <summary>Called after the last replayed event, before RecoveryCompleted.</summary>
    protected virtual void OnReplaySuccess()
    {
    }

    /// <summary>
    /// The recovery failed: the actor stops after this. The message is the event or offer whose handler threw, else null.
    /// </summary>
    protected virtual void OnRecoveryFailure(Exception reason, object message = null)
    {
        if (message == null)
            Log.Error(reason, "Recovery of [{0}] failed. Last known sequence number [{1}]", PersistenceId, LastSequenceNr);
        else
            Log.Error(
                reason, "Recovery of [{0}] failed in the handler of [{1}] with sequence number [{2}]", PersistenceId, message.GetType(),
                LastSequenceNr);
    }

    /// <summary>A write failed, and whether the event is stored is unknown: the actor stops after this.</summary>
    protected virtual void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        Log.Error(
            cause, "Failed to persist event type [{0}] with sequence number [{1}] for persistenceId [{2}]", @event.GetType(), sequenceNr,
            PersistenceId);

    /// <summary>The journal refused an event: it is not stored, its handler is not called, the actor goes on.</summary>
    protected virtual void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
        Log.Error(
            cause, "Rejected to persist event type [{0}] with sequence number [{1}] for persistenceId [{2}]", @event.GetType(), sequenceNr,
            PersistenceId);

    protected override void Unhandled(object message)
    {
        switch (message)
        {
            case RecoveryCompleted:
                break;
            case SaveSnapshotFailure failure:
                Log.Warning("Failed to save snapshot {0}: {1}", failure.Metadata, failure.Cause);
                break;
            case DeleteSnapshotFailure failure:
                Log.Warning("Failed to delete snapshot {0}: {1}", failure.Metadata, failure.Cause);
                break;
            case DeleteSnapshotsFailure failure:
                Log.Warning("Failed to delete snapshots of [{0}] by {1}: {2}", PersistenceId, failure.Criteria, failure.Cause);
                break;
            case DeleteMessagesFailure failure:
                Log.Warning("Failed to delete messages of [{0}] up to {1}: {2}", PersistenceId, failure.ToSequenceNr, failure.Cause);
                break;
            default:
                base.Unhandled(message);
                break;
        }
    }

    /// <summary>Runs an asynchronous handler of the current message; the next message waits until it is done.</summary>
    protected void RunTask(Func<Task> action)
    {
        _asyncHandlerRunning = true;
        ActorTaskScheduler.RunTask(async () =>
        {
            var failed = true;
            try
            {
                await action();
                failed = false;
            }
            finally
            {
                _asyncHandlerRunning = false;
                CompleteTurn(failed);
            }
        });
    }

    public override void AroundPreStart()
    {
        if (PersistenceId == null)
            throw new ArgumentNullException(
                nameof(PersistenceId), $"PersistenceId of {GetType()} is null: it names the actor's events in the journal.");
        // A plugin that does not exist is noticed now and not at the first event.
        _ = Journal;
        _ = SnapshotStore;
        Extension.RecoveryPermitter.Tell(RequestRecoveryPermit.Instance, Self);
        base.AroundPreStart();
    }

    public override void AroundPreRestart(Exception cause, object message)
    {
        StopRecoveryTimer();
        GiveStashedBack();
        base.AroundPreRestart(cause, message switch
        {
            WriteMessageSuccess success => success.Persistent,
            ReplayedMessage replayed => replayed.Persistent,
            LoopMessageSuccess loop => loop.Message,
            _ => message
        });
    }

    public override void AroundPostRestart(Exception reason, object message)
    {
        Extension.RecoveryPermitter.Tell(RequestRecoveryPermit.Instance, Self);
        base.AroundPostRestart(reason, message);
    }

    public override void AroundPostStop()
    {
        StopRecoveryTimer();
        // From the mailbox they become dead letters, from the stash they would be gone without a trace.
        GiveStashedBack();
        base.AroundPostStop();
    }

    protected internal override bool AroundReceive(Receive receive, object message)
    {
        switch (_phase)
        {
            case Phase.WaitingForPermit:
                WaitForPermit(message);
                break;
            case Phase.LoadingSnapshot:
                ReceiveSnapshot(message);
                break;
            case Phase.ReplayingEvents:
                ReceiveReplay(message);
                break;
            default:
                Process(receive, message);
                break;
        }
        return true;
    }

    private void Enlist<TEvent>(TEvent @event, Action<TEvent> handler, bool stashing)
    {
        RefuseWhileRecovering("persist");
        if (stashing) _pendingStashingHandlers++;
        _pendingHandlers.Enqueue(PendingHandler.Of(handler, stashing));
        _gathered.Add(AtomicWrite.Of(NextEvent(@event), Sender));
    }

    private void EnlistAll<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler, bool stashing)
    {
        RefuseWhileRecovering("persist");
        if (events == null) return;
        var numbered = events.Select(e => NextEvent(e)).ToArray();
        if (numbered.Length == 0) return;
        if (stashing) _pendingStashingHandlers += numbered.Length;
        var pending = PendingHandler.Of(handler, stashing);
        for (var i = 0; i < numbered.Length; i++) _pendingHandlers.Enqueue(pending);
        _gathered.Add(AtomicWrite.Of(ImmutableCollectionsMarshal.AsImmutableArray(numbered), Sender));
    }

    private IPersistentRepresentation NextEvent(object payload) =>
        new Persistent(payload, ++_sequenceNr, PersistenceId, writerGuid: _writerGuid);

    private void RefuseWhileRecovering(string what)
    {
        if (IsRecovering)
            throw new InvalidOperationException(
                $"Cannot {what} during replay. Events can be persisted when receiving RecoveryCompleted or later.");
    }

    private void GiveStashedBack()
    {
        _internalStash.UnstashAll(UnstashFilterPredicate);
        _userStash.Release();
    }

    private void StashInternally(object message)
    {
        try
        {
            _internalStash.Stash();
        }
        catch (StashOverflowException)
        {
            switch (InternalStashOverflowStrategy)
            {
                case DiscardToDeadLetterStrategy:
                    Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self), Sender);
                    break;
                case ReplyToStrategy reply:
                    Sender.Tell(reply.Response);
                    break;
                default:
                    throw;
            }
        }
    }
}
