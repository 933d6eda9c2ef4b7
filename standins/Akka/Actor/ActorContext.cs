using Akka.Dispatch;

namespace Akka.Actor;

/// <summary>A behaviour; answers whether it handled the message.</summary>
public delegate bool Receive(object message);

/// <summary>The behaviour of an actor that calls Unhandled itself.</summary>
public delegate void UntypedReceive(object message);

public interface IActorRefFactory
{
    /// <exception cref="InvalidActorNameException">The name is taken or not allowed.</exception>
    IActorRef ActorOf(Props props, string name = null);

    ActorSelection ActorSelection(ActorPath actorPath);

    ActorSelection ActorSelection(string actorPath);
}

public interface ICanWatch
{
    /// <summary>Asks for a <see cref="Terminated"/> once the subject has stopped.</summary>
    IActorRef Watch(IActorRef subject);

    /// <summary>Asks for the given message once the subject has stopped. Without effect on a subject that is watched already.</summary>
    IActorRef WatchWith(IActorRef subject, object message);

    /// <summary>Afterwards no <see cref="Terminated"/> of the subject arrives, also none that was on its way.</summary>
    IActorRef Unwatch(IActorRef subject);
}

/// <summary>What an actor may use while it handles a message. Not for other threads.</summary>
public interface IActorContext : IActorRefFactory, ICanWatch
{
    IActorRef Self { get; }

    Props Props { get; }

    IActorRef Sender { get; }

    ActorSystem System { get; }

    IActorRef Parent { get; }

    MessageDispatcher Dispatcher { get; }

    TimeSpan? ReceiveTimeout { get; }

    void Become(Receive receive);

    void BecomeStacked(Receive receive);

    void UnbecomeStacked();

    /// <summary><see cref="ActorRefs.Nobody"/> if there is no child of the name.</summary>
    IActorRef Child(string name);

    IEnumerable<IActorRef> GetChildren();

    /// <summary>
    /// After this time without a message the actor gets <see cref="Actor.ReceiveTimeout"/>, again and again; null ends it.
    /// </summary>
    void SetReceiveTimeout(TimeSpan? timeout);

    /// <summary>Stops a child, or the actor itself, after the message that it is handling.</summary>
    void Stop(IActorRef child);
}

public interface IUntypedActorContext : IActorContext
{
    void Become(UntypedReceive receive);

    void BecomeStacked(UntypedReceive receive);
}

public static class ActorRefFactoryExtensions
{
    public static IActorRef ActorOf<TActor>(this IActorRefFactory factory, string name = null) where TActor : ActorBase, new() =>
        factory.ActorOf(Props.Create<TActor>(), name);

    public static ActorSelection ActorSelection(this IActorRefFactory factory, IActorRef anchorRef, string actorPath) =>
        ActorRefFactoryShared.ActorSelection(anchorRef, actorPath);
}
