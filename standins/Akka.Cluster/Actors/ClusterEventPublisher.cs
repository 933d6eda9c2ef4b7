using Akka.Actor;
using Akka.Cluster.Membership;
using Akka.Event;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster;

/// <summary>Tells subscribers what changes, each once and in order, and what was before they subscribed.</summary>
internal sealed class ClusterEventPublisher : UntypedActor
{
    public sealed record Subscribe(IActorRef Subscriber, SubscriptionInitialStateMode Mode, IReadOnlyList<Type> To)
        : INoSerializationVerificationNeeded;

    /// <param name="To">null: everything.</param>
    public sealed record Unsubscribe(IActorRef Subscriber, Type To) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    /// <summary>For the cluster's own actors: every state, as it is.</summary>
    public sealed record SubscribeToState(IActorRef Subscriber) : INoSerializationVerificationNeeded;

    public sealed record SendCurrentClusterState(IActorRef Receiver) : INoSerializationVerificationNeeded;

    private readonly Cluster _cluster;
    private readonly EventStream _events = new(false);
    private readonly HashSet<IActorRef> _stateSubscribers = [];
    private readonly MembershipState _nothing;
    private MembershipState _state;

    public ClusterEventPublisher(Cluster cluster)
    {
        _cluster = cluster;
        _state = _nothing = new MembershipState(Gossip.Empty, cluster.SelfUniqueAddress);
    }

    protected override void PostStop()
    {
        Publish(_nothing);
        _events.Publish(ClusterShuttingDown.Instance);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case MembershipState state:
                Publish(state);
                break;
            case Subscribe subscribe:
                Begin(subscribe);
                break;
            case SubscribeToState subscribe:
                _stateSubscribers.Add(subscribe.Subscriber);
                Context.Watch(subscribe.Subscriber);
                subscribe.Subscriber.Tell(_state);
                break;
            case Unsubscribe { To: null } unsubscribe:
                _events.Unsubscribe(unsubscribe.Subscriber);
                break;
            case Unsubscribe unsubscribe:
                _events.Unsubscribe(unsubscribe.Subscriber, unsubscribe.To);
                break;
            case SendCurrentClusterState send:
                send.Receiver.Tell(ClusterEvents.Picture(_state));
                break;
            case Terminated terminated:
                _stateSubscribers.Remove(terminated.ActorRef);
                _events.Unsubscribe(terminated.ActorRef);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Publish(MembershipState state)
    {
        var before = _state;
        _state = state;
        // Who hears of a change finds it in Cluster.State already.
        _cluster.Show(state);
        foreach (var subscriber in _stateSubscribers) subscriber.Tell(state);
        foreach (var happened in ClusterEvents.Between(before, state)) _events.Publish(happened);
    }

    private void Begin(Subscribe subscribe)
    {
        if (subscribe.Mode == SubscriptionInitialStateMode.InitialStateAsSnapshot)
        {
            subscribe.Subscriber.Tell(ClusterEvents.Picture(_state));
        }
        else
        {
            foreach (var happened in ClusterEvents.Between(_nothing, _state))
                if (subscribe.To.Any(type => type.IsInstanceOfType(happened))) subscribe.Subscriber.Tell(happened);
        }
        foreach (var type in subscribe.To) _events.Subscribe(subscribe.Subscriber, type);
        // A subscriber that ends is forgotten.
        Context.Watch(subscribe.Subscriber);
    }
}
