using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>Hands what it gets on to the singleton, wherever that is; keeps it while it does not know where.</summary>
public sealed class ClusterSingletonProxy : ReceiveActor
{
    private readonly string[] _singletonPath;
    private readonly ClusterSingletonProxySettings _settings;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context);
    private readonly Queue<(object Message, IActorRef Sender)> _buffer = new();
    private MembersByAge _members;
    private IActorRef _singleton;
    private ICancelable _search;
    // An answer to an earlier question may come from where the singleton was.
    private long _question;

    /// <param name="singletonManagerPath">The same on all members, as /user/name.</param>
    public ClusterSingletonProxy(string singletonManagerPath, ClusterSingletonProxySettings settings)
    {
        _settings = settings;
        _singletonPath = (singletonManagerPath + "/" + settings.SingletonName).Split('/', StringSplitOptions.RemoveEmptyEntries);
        Receive<CurrentClusterState>(state =>
        {
            _members = MembersByAge.Of(state, settings.Role);
            LookAgain();
        });
        Receive<IMemberEvent>(Follow);
        Receive<ActorIdentity>(Found);
        Receive<Search>(_ => Ask());
        Receive<Terminated>(ended =>
        {
            if (ended.ActorRef.Equals(_singleton)) LookAgain();
        });
        ReceiveAny(HandOn);
    }

    private sealed class Search : INoSerializationVerificationNeeded
    {
        public static readonly Search Instance = new();
    }

    public static Props Props(string singletonManagerPath, ClusterSingletonProxySettings settings) =>
        Actor.Props.Create(() => new ClusterSingletonProxy(singletonManagerPath, settings))
            .WithDispatcher(Dispatch.Dispatchers.InternalDispatcherId).WithDeploy(Deploy.Local);

    public static Config DefaultConfig() => SingletonDefaults.Config;

    protected override void PreStart() =>
        _cluster.Subscribe(Self, SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(IMemberEvent));

    protected override void PostStop()
    {
        _search?.Cancel();
        _cluster.Unsubscribe(Self);
    }

    private void Follow(IMemberEvent changed)
    {
        var before = _members.Oldest;
        // While this node exits it still uses the singleton that it may have itself.
        if (changed is MemberExited && changed.Member.UniqueAddress == _cluster.SelfUniqueAddress) return;
        _members = _members.After(changed);
        if (!Equals(before, _members.Oldest)) LookAgain();
    }

    private void LookAgain()
    {
        if (_singleton != null) Context.Unwatch(_singleton);
        _singleton = null;
        _search?.Cancel();
        _search = Context.System.Scheduler.ScheduleTellRepeatedlyCancelable(
            TimeSpan.Zero, _settings.SingletonIdentificationInterval, Self, Search.Instance, Self);
        _question++;
    }

    private void Ask()
    {
        if (_singleton != null || _members?.Oldest is not { } oldest) return;
        var root = new RootActorPath(oldest.Address);
        ((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(root / _singletonPath).Tell(new Identify(_question), Self);
    }

    private void Found(ActorIdentity identity)
    {
        if (identity.MessageId is not long question)
        {
            // Somebody else's answer, for the singleton.
            HandOn(identity);
            return;
        }
        if (question != _question || identity.Subject == null || _singleton != null) return;
        _log.Info("Singleton identified at [{0}]", identity.Subject.Path);
        _search.Cancel();
        _singleton = Context.Watch(identity.Subject);
        while (_buffer.TryDequeue(out var kept)) _singleton.Tell(kept.Message, kept.Sender);
    }

    private void HandOn(object message)
    {
        if (_singleton != null)
        {
            _singleton.Forward(message);
            return;
        }
        if (_settings.BufferSize == 0)
        {
            Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self));
            return;
        }
        if (_buffer.Count == _settings.BufferSize)
        {
            var (oldest, sender) = _buffer.Dequeue();
            Context.System.DeadLetters.Tell(new DeadLetter(oldest, sender, Self));
        }
        _buffer.Enqueue((message, Sender));
    }
}
