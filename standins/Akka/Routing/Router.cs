using Akka.Actor;

namespace Akka.Routing;

/// <summary>A logic and the routees among which it selects. Does not change: adding a routee makes another router.</summary>
public class Router
{
    private readonly Routee[] _routees;

    public Router(RoutingLogic logic, params Routee[] routees)
    {
        RoutingLogic = logic;
        _routees = routees;
    }

    public Router(RoutingLogic logic, IActorRef routee, params IActorRef[] routees)
        : this(logic, [.. routees.Prepend(routee).Select(Routee.FromActorRef)])
    {
    }

    public RoutingLogic RoutingLogic { get; }

    public IEnumerable<Routee> Routees => _routees;

    /// <summary>Hands the message to a routee, or a <see cref="Broadcast"/> to all. From the sender's own thread.</summary>
    public virtual void Route(object message, IActorRef sender)
    {
        if (message is Broadcast) new SeveralRoutees(_routees).Send(UnWrap(message), sender);
        else Send(RoutingLogic.Select(message, _routees), message, sender);
    }

    protected virtual void Send(Routee routee, object message, IActorRef sender)
    {
        if (routee == Routee.NoRoutee) (sender as IInternalActorRef)?.Provider.DeadLetters.Tell(UnWrap(message), sender);
        else routee.Send(UnWrap(message), sender);
    }

    protected object UnWrap(object message) => message is RouterEnvelope envelope ? envelope.Message : message;

    public virtual Router WithRoutees(params Routee[] routees) => new(RoutingLogic, routees);

    public virtual Router AddRoutee(Routee routee) => new(RoutingLogic, [.. _routees, routee]);

    public Router AddRoutee(IActorRef routee) => AddRoutee(new ActorRefRoutee(routee));

    public Router AddRoutee(ActorSelection routee) => AddRoutee(new ActorSelectionRoutee(routee));

    public virtual Router RemoveRoutee(Routee routee) => new(RoutingLogic, [.. _routees.Where(r => !r.Equals(routee))]);

    public Router RemoveRoutee(IActorRef routee) => RemoveRoutee(new ActorRefRoutee(routee));

    public Router RemoveRoutee(ActorSelection routee) => RemoveRoutee(new ActorSelectionRoutee(routee));
}
