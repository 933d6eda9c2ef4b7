using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster.Tools.Singleton;

public interface IClusterSingletonData
{
}

public enum ClusterSingletonState
{
    Start = 0,
    AcquiringLease = 1,
    Oldest = 2,
    Younger = 3,
    BecomingOldest = 4,
    WasOldest = 5,
    HandingOver = 6,
    TakeOver = 7,
    Stopping = 8,
    End = 9
}

/*
   One on every member of the role; that of the oldest runs the singleton.

                    the oldest, and nobody older can run one
     Start ------------------------------------------------------> Oldest <---------------------------+
       |                                                              |                               |
       +--> Younger --- the oldest now ---> BecomingOldest            | this node exits               | all older ones have
                                              |   asks all older ones | or is asked                   | handed over or are gone
                                              +-----------------------------------------------------+
                                                                      v
                                WasOldest --- asked ---> HandingOver (the singleton stops) ---> End
     Down or removed itself: Stopping (if it runs one), then the manager ends.

   A node begins only when every member that was ever older has said that it runs none and will run none, or was removed and the
   removal margin is over. One that has handed over says so for all that were older than itself.
*/
/// <summary>Runs an actor on one member of the cluster, the oldest, and hands it over when that leaves.</summary>
public sealed class ClusterSingletonManager : FSM<ClusterSingletonState, IClusterSingletonData>
{
    private const string RetryTimer = "hand-over-retry";

    private readonly Props _singletonProps;
    private readonly object _terminationMessage;
    private readonly ClusterSingletonManagerSettings _settings;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context);
    private readonly TimeSpan _removalMargin;
    private readonly TaskCompletionSource<Done> _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    // Members that have been Up: one of them may run the singleton as long as it is here.
    private readonly Dictionary<UniqueAddress, Member> _others = new();
    private MembersByAge _members;
    private bool _isExiting;

    /// <exception cref="ArgumentException">This member does not have the role.</exception>
    public ClusterSingletonManager(Props singletonProps, object terminationMessage, ClusterSingletonManagerSettings settings)
    {
        if (settings.Role != null && !_cluster.SelfRoles.Contains(settings.Role))
            throw new ArgumentException(
                $"This cluster member [{_cluster.SelfAddress}] doesn't have the role [{settings.Role}]", nameof(settings));
        SingletonDefaults.AddTo(Context.System);
        (_singletonProps, _terminationMessage, _settings) = (singletonProps, terminationMessage, settings);
        _removalMargin = settings.RemovalMargin == TimeSpan.Zero ? _cluster.DowningProvider.DownRemovalMargin : settings.RemovalMargin;
        HandOverWhenExiting();
        When(ClusterSingletonState.Start, e => e.FsmEvent is CurrentClusterState state ? Begin(state) : null);
        foreach (var state in Enum.GetValues<ClusterSingletonState>()) When(state, Handle);
        OnTransition((from, to) => _log.Info("ClusterSingletonManager state change [{0} -> {1}]", from, to));
        StartWith(ClusterSingletonState.Start, new Hosting(null));
        Initialize();
    }

    /// <param name="Singleton">null: none, or one that has ended by itself. It is not started again.</param>
    private sealed record Hosting(IActorRef Singleton) : IClusterSingletonData;

    private sealed record HandingOver(IActorRef Singleton, UniqueAddress To) : IClusterSingletonData;

    private sealed class SelfExiting : INoSerializationVerificationNeeded
    {
        public static readonly SelfExiting Instance = new();
    }

    private sealed class Retry : INoSerializationVerificationNeeded
    {
        public static readonly Retry Instance = new();
    }

    private sealed record MarginOver(UniqueAddress Node) : INoSerializationVerificationNeeded;

    private UniqueAddress SelfNode => _cluster.SelfUniqueAddress;

    private IActorRef Singleton => (StateData as Hosting)?.Singleton;

    /// <summary>Poison pills end the singleton.</summary>
    public static Props Props(Props singletonProps, ClusterSingletonManagerSettings settings) =>
        Props(singletonProps, PoisonPill.Instance, settings);

    /// <param name="terminationMessage">What the singleton gets to stop itself, when it is handed over.</param>
    public static Props Props(Props singletonProps, object terminationMessage, ClusterSingletonManagerSettings settings) =>
        Actor.Props.Create(() => new ClusterSingletonManager(singletonProps, terminationMessage, settings))
            .WithDispatcher(Dispatch.Dispatchers.InternalDispatcherId).WithDeploy(Deploy.Local);

    public static Config DefaultConfig() => SingletonDefaults.Config;

    protected override void PreStart() =>
        _cluster.Subscribe(Self, SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(IMemberEvent));

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        _handedOver.TrySetResult(Done.Instance);
        base.PostStop();
    }

    private void HandOverWhenExiting()
    {
        var (self, cluster, handedOver) = (Self, _cluster, _handedOver.Task);
        CoordinatedShutdown.Get(Context.System).AddTask(CoordinatedShutdown.PhaseClusterExiting, "wait-singleton-exiting", () =>
        {
            if (cluster.IsTerminated || cluster.SelfMember.Status == MemberStatus.Down) return Task.FromResult(Done.Instance);
            self.Tell(SelfExiting.Instance, ActorRefs.NoSender);
            return handedOver;
        });
    }

    private State<ClusterSingletonState, IClusterSingletonData> Begin(CurrentClusterState state)
    {
        _members = MembersByAge.Of(state, _settings.Role);
        foreach (var member in state.Members) Remember(member);
        return Settle();
    }

    private State<ClusterSingletonState, IClusterSingletonData> Handle(Event<IClusterSingletonData> happened)
    {
        switch (happened.FsmEvent)
        {
            case IMemberEvent changed:
                return Follow(changed);
            case SelfExiting:
                return Exit();
            case MarginOver over:
                _others.Remove(over.Node);
                return Settle();
            case Retry:
                foreach (var older in Older()) AskToHandOver(older);
                return Stay();
            case HandOverToMe asked:
                return HandOverTo(asked);
            case HandOverInProgress:
                return Stay();
            case HandOverDone done:
                return HearOf(done);
            case Terminated terminated:
                return SingletonEnded(terminated.ActorRef);
            default:
                return null;
        }
    }

    private State<ClusterSingletonState, IClusterSingletonData> Follow(IMemberEvent changed)
    {
        var member = changed.Member;
        // When this node's membership ends it is told of everybody's removal: nobody else has gone.
        if (!_cluster.IsMember && changed is MemberRemoved || member.UniqueAddress == SelfNode && changed is MemberDowned or MemberRemoved)
            return StopNow();
        if (changed is MemberRemoved) ForgetAfterMargin(member.UniqueAddress);
        else Remember(member);
        if (_members == null) return Stay();
        _members = _members.After(changed);
        return member.UniqueAddress == SelfNode && changed is MemberExited ? Exit() : Settle();
    }

    private void Remember(Member member)
    {
        if (member.UniqueAddress != SelfNode && (_settings.Role == null || member.HasRole(_settings.Role))
            && member.UpNumber != Member.NoUpNumber)
            _others[member.UniqueAddress] = member;
    }

    private void ForgetAfterMargin(UniqueAddress node)
    {
        if (!_others.ContainsKey(node)) return;
        if (_removalMargin == TimeSpan.Zero) _others.Remove(node);
        else SetTimer("removal-margin " + node, new MarginOver(node), _removalMargin);
    }

    /// <summary>From now on this node begins nothing.</summary>
    private State<ClusterSingletonState, IClusterSingletonData> Exit()
    {
        _isExiting = true;
        if (_members == null) return End();
        _members = _members.Without(SelfNode);
        return Settle();
    }

    /// <summary>What follows from the members as they are.</summary>
    private State<ClusterSingletonState, IClusterSingletonData> Settle()
    {
        var isOldest = !_isExiting && _members?.Oldest?.UniqueAddress == SelfNode;
        switch (StateName)
        {
            case ClusterSingletonState.Start when _members == null:
                return Stay();
            case ClusterSingletonState.Start or ClusterSingletonState.Younger or ClusterSingletonState.BecomingOldest:
                if (_isExiting) return End();
                if (!isOldest) return StateName == ClusterSingletonState.Younger ? Stay() : LeaveTimer(GoTo(ClusterSingletonState.Younger));
                if (!Older().Any()) return LeaveTimer(BeOldest());
                return StateName == ClusterSingletonState.BecomingOldest ? Stay() : BecomeOldest();
            case ClusterSingletonState.Oldest when !isOldest:
                return _members.Oldest == null ? HandOver(null) : GoTo(ClusterSingletonState.WasOldest);
            case ClusterSingletonState.WasOldest:
                return isOldest ? GoTo(ClusterSingletonState.Oldest) : _members.Oldest == null ? HandOver(null) : Stay();
            default:
                return Stay();
        }
    }

    private State<ClusterSingletonState, IClusterSingletonData> BeOldest()
    {
        _log.Info("Singleton manager starting singleton actor [{0}/{1}]", Self.Path, _settings.SingletonName);
        return GoTo(ClusterSingletonState.Oldest)
            .Using(new Hosting(Context.Watch(Context.ActorOf(_singletonProps, _settings.SingletonName))));
    }

    private State<ClusterSingletonState, IClusterSingletonData> BecomeOldest()
    {
        foreach (var older in Older()) AskToHandOver(older);
        SetTimer(RetryTimer, Retry.Instance, _settings.HandOverRetryInterval, repeat: true);
        return GoTo(ClusterSingletonState.BecomingOldest);
    }

    private State<ClusterSingletonState, IClusterSingletonData> LeaveTimer(State<ClusterSingletonState, IClusterSingletonData> next)
    {
        CancelTimer(RetryTimer);
        return next;
    }

    private IEnumerable<Member> Older()
    {
        var self = _members.Members.First(m => m.UniqueAddress == SelfNode);
        return _others.Values.Where(m => m.IsOlderThan(self));
    }

    private void AskToHandOver(Member older) => ManagerAt(older.UniqueAddress).Tell(new HandOverToMe(SelfNode, older.UniqueAddress), Self);

    private IActorRef ManagerAt(UniqueAddress node) =>
        ((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(new RootActorPath(node.Address) / Self.Path.Elements);

    private State<ClusterSingletonState, IClusterSingletonData> HandOverTo(HandOverToMe asked)
    {
        if (asked.To != SelfNode)
        {
            ManagerAt(asked.From).Tell(new HandOverDone(asked.To, false), Self);
            return Stay();
        }
        switch (StateName)
        {
            case ClusterSingletonState.Oldest or ClusterSingletonState.WasOldest:
                return HandOver(asked.From);
            case ClusterSingletonState.HandingOver:
                ManagerAt(asked.From).Tell(new HandOverInProgress(SelfNode), Self);
                return Stay().Using(((HandingOver)StateData) with { To = asked.From });
            case ClusterSingletonState.End:
                ManagerAt(asked.From).Tell(new HandOverDone(SelfNode, StateData is HandingOver), Self);
                return Stay();
            default:
                // It may yet run here. Who asks has news that will come here too, or asks again.
                return Stay();
        }
    }

    /// <param name="to">null: nobody is there to take it.</param>
    private State<ClusterSingletonState, IClusterSingletonData> HandOver(UniqueAddress to)
    {
        if (Singleton == null) return HandedOver(to);
        if (to != null) ManagerAt(to).Tell(new HandOverInProgress(SelfNode), Self);
        _log.Info("Stopping the singleton, to hand it over to [{0}]", to?.Address);
        Singleton.Tell(_terminationMessage, Self);
        return GoTo(ClusterSingletonState.HandingOver).Using(new HandingOver(Singleton, to));
    }

    private State<ClusterSingletonState, IClusterSingletonData> HandedOver(UniqueAddress to)
    {
        if (to != null) ManagerAt(to).Tell(new HandOverDone(SelfNode, true), Self);
        _handedOver.TrySetResult(Done.Instance);
        return GoTo(ClusterSingletonState.End).Using(new HandingOver(null, to));
    }

    private State<ClusterSingletonState, IClusterSingletonData> HearOf(HandOverDone done)
    {
        if (_others.Remove(done.Of, out var member) && done.WasLast)
            foreach (var older in _others.Values.Where(m => m.IsOlderThan(member)).ToList()) _others.Remove(older.UniqueAddress);
        return Settle();
    }

    private State<ClusterSingletonState, IClusterSingletonData> SingletonEnded(IActorRef singleton)
    {
        switch (StateData)
        {
            case HandingOver handingOver when singleton.Equals(handingOver.Singleton):
                return HandedOver(handingOver.To);
            case Hosting hosting when singleton.Equals(hosting.Singleton):
                _log.Info("Singleton actor [{0}] was terminated", singleton.Path);
                return StateName == ClusterSingletonState.Stopping ? Stop() : Stay().Using(new Hosting(null));
            default:
                return Stay();
        }
    }

    private State<ClusterSingletonState, IClusterSingletonData> End()
    {
        _handedOver.TrySetResult(Done.Instance);
        return LeaveTimer(GoTo(ClusterSingletonState.End));
    }

    private State<ClusterSingletonState, IClusterSingletonData> StopNow()
    {
        switch (StateName)
        {
            case ClusterSingletonState.Stopping:
                return Stay();
            case ClusterSingletonState.HandingOver:
                return GoTo(ClusterSingletonState.Stopping).Using(new Hosting(((HandingOver)StateData).Singleton));
            default:
                if (Singleton == null) return Stop();
                Singleton.Tell(_terminationMessage, Self);
                return GoTo(ClusterSingletonState.Stopping);
        }
    }
}
