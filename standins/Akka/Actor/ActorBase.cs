using Akka.Actor.Internal;
using Akka.Event;

namespace Akka.Actor;

public interface IInternalActor
{
    IActorContext ActorContext { get; }
}

/// <summary>Base of all actors. Made only by an actor system, from <see cref="Props"/>.</summary>
public abstract class ActorBase : IInternalActor
{
    private readonly IActorRef _clearedSelf = null;
    private IActorContext _context;
    private bool _hasBeenCleared;

    /// <exception cref="ActorInitializationException">Made with new rather than by an actor system.</exception>
    protected ActorBase()
    {
        var cell = InternalCurrentActorCellKeeper.Current
            ?? throw new ActorInitializationException(
                $"Do not use 'new' to create an actor: {GetType().Name} has no context. Use ActorOf with Props");
        _context = cell;
        _clearedSelf = cell.Self;
        cell.Become(Receive);
    }

    protected static Receive EmptyReceive { get; } = _ => false;

    IActorContext IInternalActor.ActorContext =>
        _context ?? throw new NotSupportedException("The actor has been stopped or restarted: its context is gone");

    /// <summary>The context of the actor that runs on this thread.</summary>
    /// <exception cref="NotSupportedException">No actor runs on this thread.</exception>
    protected static IActorContext Context => InternalCurrentActorCellKeeper.Current ?? ThrowNoContext();

    private static IActorContext ThrowNoContext() =>
        throw new NotSupportedException(
            "There is no active ActorContext, this is most likely due to use of async operations from within this actor");

    protected IActorRef Self => _hasBeenCleared ? _clearedSelf : _context.Self;

    protected IActorRef Sender => _context == null ? ActorRefs.NoSender : _context.Sender;

    internal IActorContext ContextOrNull => _context;

    internal void Clear()
    {
        _hasBeenCleared = true;
        _context = null;
    }

    protected abstract bool Receive(object message);

    /// <summary>For extensions of the actor model, such as persistence, that come between the mailbox and the behaviour.</summary>
    protected internal virtual bool AroundReceive(Receive receive, object message)
    {
        var handled = receive(message);
        if (!handled) Unhandled(message);
        return handled;
    }

    internal bool InvokeAroundReceive(Receive receive, object message) => AroundReceive(receive, message);

    /// <exception cref="DeathPactException">The message is a <see cref="Terminated"/>.</exception>
    protected virtual void Unhandled(object message)
    {
        if (message is Terminated terminated) throw new DeathPactException(terminated.ActorRef);
        _context.System.EventStream.Publish(new UnhandledMessage(message, Sender, Self));
    }

    protected void Become(Receive receive) => _context.Become(receive);

    protected void BecomeStacked(Receive receive) => _context.BecomeStacked(receive);

    protected void UnbecomeStacked() => _context.UnbecomeStacked();

    protected void SetReceiveTimeout(TimeSpan? timeout) => _context.SetReceiveTimeout(timeout);

    protected virtual SupervisorStrategy SupervisorStrategy() => Actor.SupervisorStrategy.DefaultStrategy;

    internal SupervisorStrategy MakeSupervisorStrategy() => SupervisorStrategy() ?? Actor.SupervisorStrategy.DefaultStrategy;

    /// <summary>Before the first message, not after a restart (unless <see cref="PostRestart"/> calls it).</summary>
    protected virtual void PreStart()
    {
    }

    /// <summary>After the last message.</summary>
    protected virtual void PostStop()
    {
    }

    /// <summary>On the failed instance: stops the children and calls <see cref="PostStop"/>.</summary>
    /// <param name="reason">The failure.</param>
    /// <param name="message">What was handled when it happened; null if nothing was.</param>
    protected virtual void PreRestart(Exception reason, object message)
    {
        foreach (var child in _context.GetChildren().ToList())
        {
            _context.Unwatch(child);
            _context.Stop(child);
        }
        PostStop();
    }

    /// <summary>On the new instance: calls <see cref="PreStart"/>.</summary>
    protected virtual void PostRestart(Exception reason) => PreStart();

    public virtual void AroundPreStart() => PreStart();

    public virtual void AroundPostStop() => PostStop();

    public virtual void AroundPreRestart(Exception cause, object message) => PreRestart(cause, message);

    public virtual void AroundPostRestart(Exception cause, object message) => PostRestart(cause);
}
