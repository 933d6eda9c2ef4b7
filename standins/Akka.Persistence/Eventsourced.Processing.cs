using Akka.Actor;

namespace Akka.Persistence;

/// <summary>The phases after recovery: commands, and the journal's answers about what they persisted.</summary>
public abstract partial class Eventsourced
{
    private readonly Queue<PendingHandler> _pendingHandlers = new();
    private readonly WriteMessagesSuccessful _writeSucceeded = new();

    /// <summary>What is to go to the journal in one write, as soon as none is under way.</summary>
    private List<IPersistentEnvelope> _gathered = [];

    private int _pendingStashingHandlers;
    private bool _writeInProgress;
    private bool _asyncHandlerRunning;

    /// <summary>A command was begun and not yet completed: completing it lets the next stashed one in.</summary>
    private bool _turnOpen;

    private void Process(Receive receive, object message)
    {
        switch (message)
        {
            case IJournalResponse response:
                ReceiveOutcome(response);
                break;
            case RecoveryTick or RecoveryPermitGranted:
                break;
            default:
                if (_phase == Phase.PersistingEvents)
                    StashInternally(message);
                else
                    RunCommand(receive, message);
                break;
        }
    }

    private void RunCommand(Receive receive, object message)
    {
        _turnOpen = true;
        try
        {
            base.AroundReceive(receive, message);
        }
        catch
        {
            CompleteTurn(failed: true);
            throw;
        }
        if (!_asyncHandlerRunning) CompleteTurn(failed: false);
    }

    private void CompleteTurn(bool failed)
    {
        Flush();
        if (_pendingStashingHandlers > 0)
            _phase = Phase.PersistingEvents;
        else if (_turnOpen)
            UnstashInternally(failed);
        _turnOpen = false;
    }

    private void ReceiveOutcome(IJournalResponse response)
    {
        switch (response)
        {
            case WriteMessagesSuccessful:
                if (!ReferenceEquals(response, _writeSucceeded)) break;
                _writeInProgress = false;
                Flush();
                break;
            case WriteMessageSuccess success when success.ActorInstanceId == _instanceId:
                LastSequenceNr = Math.Max(LastSequenceNr, success.Persistent.SequenceNr);
                RunHandler(success.Persistent.Payload);
                break;
            case LoopMessageSuccess loop when loop.ActorInstanceId == _instanceId:
                RunHandler(loop.Message);
                break;
            case WriteMessageRejected rejected when rejected.ActorInstanceId == _instanceId:
                LastSequenceNr = Math.Max(LastSequenceNr, rejected.Persistent.SequenceNr);
                CompleteHandler(failed: false);
                OnPersistRejected(rejected.Cause, rejected.Persistent.Payload, rejected.Persistent.SequenceNr);
                break;
            case WriteMessageFailure failure when failure.ActorInstanceId == _instanceId:
                FailWrite(failure);
                break;
            // WriteMessagesFailed: the failure of its first event follows and stops the actor. Others: to an earlier incarnation.
        }
    }

    private void FailWrite(WriteMessageFailure failure)
    {
        try
        {
            OnPersistFailure(failure.Cause, failure.Persistent.Payload, failure.Persistent.SequenceNr);
        }
        finally
        {
            Context.Stop(Self);
        }
    }

    private void RunHandler(object payload)
    {
        try
        {
            _pendingHandlers.Peek().Invoke(payload);
        }
        catch
        {
            CompleteHandler(failed: true);
            throw;
        }
        CompleteHandler(failed: false);
    }

    private void CompleteHandler(bool failed)
    {
        if (_pendingHandlers.Dequeue().IsStashing) _pendingStashingHandlers--;
        Flush();
        if (_pendingStashingHandlers > 0)
        {
            _phase = Phase.PersistingEvents;
            return;
        }
        _phase = Phase.ProcessingCommands;
        UnstashInternally(failed);
    }

    /// <summary>
    /// One command at a time, so that each is followed by its Persist handlers before the next; all of them before a restart,
    /// whose new incarnation has a stash of its own.
    /// </summary>
    private void UnstashInternally(bool all)
    {
        if (all)
            _internalStash.UnstashAll(UnstashFilterPredicate);
        else
            _internalStash.Unstash();
    }

    private void Flush()
    {
        if (_writeInProgress || _gathered.Count == 0) return;
        var batch = _gathered;
        _gathered = [];
        _writeInProgress = true;
        Journal.Tell(new WriteMessages(batch, Self, _instanceId, _writeSucceeded), Self);
    }

    /// <summary>A handler that is due when the journal answers. Without a closure: a write path has one for every event.</summary>
    private readonly struct PendingHandler
    {
        private readonly Delegate _handler;
        private readonly Action<Delegate, object> _invoke;

        private PendingHandler(Delegate handler, Action<Delegate, object> invoke, bool isStashing)
        {
            _handler = handler;
            _invoke = invoke;
            IsStashing = isStashing;
        }

        public bool IsStashing { get; }

        public static PendingHandler Of<TEvent>(Action<TEvent> handler, bool isStashing) =>
            new(handler, Invoker<TEvent>.Invoke, isStashing);

        public void Invoke(object payload) => _invoke(_handler, payload);

        private static class Invoker<TEvent>
        {
            public static readonly Action<Delegate, object> Invoke =
                static (handler, payload) => ((Action<TEvent>)handler)((TEvent)payload);
        }
    }
}
