using Akka.Actor;

namespace Akka.Routing;

/// <summary>Where a router sends a message.</summary>
public class Routee
{
    /// <summary>Nowhere: the message is a dead letter.</summary>
    public static readonly Routee NoRoutee = new();

    public virtual void Send(object message, IActorRef sender)
    {
    }

    public virtual Task<object> Ask(object message, TimeSpan? timeout) =>
        Task.FromException<object>(new NotSupportedException($"{GetType().Name} cannot be asked"));

    public static Routee FromActorRef(IActorRef actorRef) => new ActorRefRoutee(actorRef);
}

public class ActorRefRoutee : Routee
{
    public ActorRefRoutee(IActorRef actor) => Actor = actor;

    public IActorRef Actor { get; }

    public override void Send(object message, IActorRef sender) => Actor.Tell(message, sender);

    public override Task<object> Ask(object message, TimeSpan? timeout) => Actor.Ask(message, timeout);

    protected bool Equals(ActorRefRoutee other) => Equals(Actor, other.Actor);

    public override bool Equals(object obj) => obj is ActorRefRoutee other && Equals(other);

    public override int GetHashCode() => Actor.GetHashCode();
}

public class ActorSelectionRoutee : Routee
{
    public ActorSelectionRoutee(ActorSelection actor) => Selection = actor;

    public ActorSelection Selection { get; }

    public override void Send(object message, IActorRef sender) => Selection.Tell(message, sender);

    public override Task<object> Ask(object message, TimeSpan? timeout) => Selection.Ask(message, timeout);

    protected bool Equals(ActorSelectionRoutee other) => Equals(Selection, other.Selection);

    public override bool Equals(object obj) => obj is ActorSelectionRoutee other && Equals(other);

    public override int GetHashCode() => Selection.GetHashCode();
}

public class SeveralRoutees : Routee
{
    private readonly Routee[] _routees;

    public SeveralRoutees(Routee[] routees) => _routees = routees;

    public override void Send(object message, IActorRef sender)
    {
        foreach (var routee in _routees) routee.Send(message, sender);
    }
}
