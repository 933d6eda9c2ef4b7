using System.Runtime.CompilerServices;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

// The mailbox's turn: user messages, messages that the cell handles itself, system messages.
public partial class ActorCell
{
    /// <summary>Handles one user message; a failure goes to the supervisor.</summary>
    public void Invoke(Envelope envelope)
    {
        var message = envelope.Message;
        CurrentEnvelopeId++;
        _currentMessage = message;
        _sender = envelope.Sender;
        try
        {
            if (message is IAutoReceivedMessage) AutoReceiveMessage(envelope);
            else if (message is TimerMessage timer) ReceiveTimer(timer);
            else ReceiveMessage(message);
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause, null);
        }
        finally
        {
            if (_receiveTimeout != null && message is not INotInfluenceReceiveTimeout) RestartReceiveTimeout();
            // An asynchronous handler goes on with both after its await. A failed actor's PreRestart is told the message.
            if (!HasRunningTasks && !IsFailed) ForgetMessage();
        }
    }

    private void ReceiveTimer(TimerMessage timer)
    {
        if (timer.Owner.Intercept(timer) is not { } message) return;
        _currentMessage = message;
        if (message is IAutoReceivedMessage) AutoReceiveMessage(new Envelope(message, _sender));
        else ReceiveMessage(message);
    }

    private void ForgetMessage()
    {
        _currentMessage = null;
        _sender = null;
    }

    /// <summary>Only for tests: handles a message on the calling thread and lets failures through.</summary>
    public void ReceiveMessageForTest(Envelope envelope)
    {
        var message = envelope.Message;
        var (messageBefore, senderBefore) = (_currentMessage, _sender);
        CurrentEnvelopeId++;
        _currentMessage = message;
        _sender = envelope.Sender;
        try
        {
            UseThreadContext(() =>
            {
                if (message is IAutoReceivedMessage) AutoReceiveMessage(envelope);
                else ReceiveMessage(message);
            });
        }
        finally
        {
            (_currentMessage, _sender) = (messageBefore, senderBefore);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Deliver(object message) => _actor.InvokeAroundReceive(_behavior, message);

    protected virtual void ReceiveMessage(object message) => Deliver(message);

    protected internal virtual void AutoReceiveMessage(Envelope envelope)
    {
        var message = envelope.Message;
        if (_systemImpl.Settings.DebugAutoReceive)
            Publish(new Debug(_self.Path.ToString(), LogClass, $"received AutoReceiveMessage {message}"));
        switch (message)
        {
            case Terminated terminated:
                ReceivedTerminated(terminated);
                break;
            case AddressTerminated terminated:
                AddressTerminated(terminated.Address);
                break;
            case ReceiveTimeoutCheck check:
                ReceiveTimeoutElapsed(check);
                break;
            case Kill:
                throw new ActorKilledException("Kill");
            case PoisonPill:
                _self.Stop();
                break;
            case ActorSelectionMessage selection:
                Akka.Actor.ActorSelection.DeliverSelection(_self, Sender, selection);
                break;
            case Identify identify:
                Sender.Tell(new ActorIdentity(identify.MessageId, _self));
                break;
            default:
                // Other libraries' auto-received messages are for the actor.
                ReceiveMessage(message);
                break;
        }
    }

    /// <summary>Handles one system message.</summary>
    internal void SystemInvoke(ISystemMessage message)
    {
        try
        {
            switch (message)
            {
                case DeathWatchNotification notification:
                    WatchedActorTerminated(notification.Actor, notification.ExistenceConfirmed, notification.AddressTerminated);
                    break;
                case ActorTask task:
                    ResumeTask(task);
                    break;
                case Create create:
                    Create(create.Failure);
                    break;
                case Watch watch:
                    AddWatcher(watch.Watchee, watch.Watcher);
                    break;
                case Unwatch unwatch:
                    RemWatcher(unwatch.Watchee, unwatch.Watcher);
                    break;
                case Failed failed:
                    HandleFailed(failed);
                    break;
                case Supervise supervise:
                    Supervise(supervise.Child);
                    break;
                case Recreate recreate:
                    FaultRecreate(recreate.Cause);
                    break;
                case Suspend _:
                    FaultSuspend();
                    break;
                case Resume resume:
                    FaultResume(resume.CausedByFailure);
                    break;
                case Terminate _:
                    Terminate();
                    break;
                case NoMessage _:
                    break;
                default:
                    throw new NotSupportedException($"Unknown system message {message.GetType().Name}");
            }
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause, null);
        }
    }
}
