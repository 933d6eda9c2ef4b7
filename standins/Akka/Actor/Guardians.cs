using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

/// <summary>The actors at / and /user: parents of others that handle nothing themselves.</summary>
public class GuardianActor : ActorBase, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    protected override bool Receive(object message)
    {
        switch (message)
        {
            case Terminated:
                Context.Stop(Self);
                return true;
            case StopChild stop:
                Context.Stop(stop.Child);
                return true;
            default:
                Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self), Sender);
                return true;
        }
    }

    // The children are the users'; a guardian's restart is not to end them.
    protected override void PreStart()
    {
    }
}

/// <summary>The actor at /system: outlives /user, then waits for those who registered a termination hook, then ends.</summary>
public class SystemGuardianActor : ActorBase, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    private readonly IActorRef _userGuardian;
    private readonly HashSet<IActorRef> _terminationHooks = [];

    public SystemGuardianActor(IActorRef userGuardian) => _userGuardian = userGuardian;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case Terminated terminated when Equals(terminated.ActorRef, _userGuardian):
                // Who has registered for it still works for others now.
                Context.Become(Terminating);
                foreach (var hook in _terminationHooks) hook.Tell(TerminationHook.Instance);
                StopWhenAllTerminationHooksDone();
                return true;
            case Terminated terminated:
                _terminationHooks.Remove(terminated.ActorRef);
                return true;
            case StopChild stop:
                Context.Stop(stop.Child);
                return true;
            case RegisterTerminationHook:
                if (!Equals(Sender, Context.System.DeadLetters))
                {
                    _terminationHooks.Add(Sender);
                    Context.Watch(Sender);
                }
                return true;
            default:
                Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self), Sender);
                return true;
        }
    }

    private bool Terminating(object message)
    {
        switch (message)
        {
            case Terminated terminated:
                Done(terminated.ActorRef);
                return true;
            case TerminationHookDone:
                Done(Sender);
                return true;
            case StopChild stop:
                Context.Stop(stop.Child);
                return true;
            default:
                Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self), Sender);
                return true;
        }
    }

    private void Done(IActorRef hook)
    {
        if (_terminationHooks.Remove(hook)) StopWhenAllTerminationHooksDone();
    }

    private void StopWhenAllTerminationHooksDone()
    {
        if (_terminationHooks.Count > 0) return;
        Context.System.EventStream.StopDefaultLoggers(Context.System);
        Context.Stop(Self);
    }

    // A restart keeps the children, and with them the system's services.
    protected override void PreRestart(Exception reason, object message)
    {
    }
}
