using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Dispatch;

namespace Akka.Event;

/// <summary>
/// A system's bus for events of all kinds, by type: who subscribes to a class or an interface gets what derives from it too.
/// </summary>
public class EventStream : LoggingBus
{
    private readonly bool _debug;

    // Null until the system runs.
    private IActorRef _unsubscriber;

    public EventStream(bool debug) => _debug = debug;

    public override bool Subscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        var added = base.Subscribe(subscriber, channel);
        if (added && subscriber is ActorRefWithCell)
            Volatile.Read(ref _unsubscriber)?.Tell(new EventStreamUnsubscriber.Register(subscriber), ActorRefs.NoSender);
        DebugEvent(subscriber, $"subscribing {subscriber} to channel {channel}");
        return added;
    }

    public override bool Unsubscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        var removed = base.Unsubscribe(subscriber, channel);
        DebugEvent(subscriber, $"unsubscribing {subscriber} from channel {channel}");
        return removed;
    }

    public override bool Unsubscribe(IActorRef subscriber)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        var removed = base.Unsubscribe(subscriber);
        DebugEvent(subscriber, $"unsubscribing {subscriber} from all channels");
        return removed;
    }

    /// <summary>From now on subscribers that have ended are forgotten.</summary>
    public void StartUnsubscriber(ActorSystemImpl system)
    {
        var props = Props.Create(() => new EventStreamUnsubscriber(this));
        if (system.Dispatchers.HasDispatcher(Dispatchers.InternalDispatcherId))
            props = props.WithDispatcher(Dispatchers.InternalDispatcherId);
        Volatile.Write(ref _unsubscriber, system.SystemActorOf(props, "EventStreamUnsubscriber"));
    }

    private void DebugEvent(IActorRef subscriber, string text)
    {
        // The loggers' own subscriptions would be logged by the loggers.
        if (_debug && subscriber is not MinimalLogger) Publish(new Debug(SimpleName(this), GetType(), text));
    }
}

public static class EventStreamExtensions
{
    public static bool Subscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        eventStream.Subscribe(subscriber, typeof(TChannel));

    public static bool Unsubscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        eventStream.Unsubscribe(subscriber, typeof(TChannel));
}

/// <summary>Watches the subscribers of an event stream and takes those out that have ended.</summary>
internal sealed class EventStreamUnsubscriber : UntypedActor
{
    private readonly EventStream _eventStream;

    public EventStreamUnsubscriber(EventStream eventStream) => _eventStream = eventStream;

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Register register:
                Context.Watch(register.Subscriber);
                break;
            case Terminated terminated:
                _eventStream.Unsubscribe(terminated.ActorRef);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    public sealed record Register(IActorRef Subscriber) : INoSerializationVerificationNeeded, IDeadLetterSuppression;
}
