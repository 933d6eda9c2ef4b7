using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding.Coordination;
using Akka.Event;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster.Sharding.Regions;

/*
   A message for an entity goes
     - to the shard, if it is here,
     - to the region of its home, if that is known and another one,
     - into the buffer otherwise: the home is not known (the coordinator is asked until it says it),
       or the shard's last incarnation here has not ended yet.
*/
/// <summary>A node's door to the entities of one kind, and parent of the shards that live there. A proxy is one without shards.</summary>
internal sealed partial class ShardRegion : ActorBase, IWithTimers
{
    private static readonly TimeSpan _firstRegistrationDelay = TimeSpan.FromMilliseconds(100);

    private readonly string _typeName;
    // null: a proxy.
    private readonly Func<string, Props> _entityProps;
    private readonly ClusterShardingSettings _settings;
    private readonly string[] _coordinatorPath;
    private readonly IMessageExtractor _extractor;
    private readonly object _handOffStopMessage;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context);
    private readonly TaskCompletionSource<Done> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By shard; this one too.</summary>
    private readonly Dictionary<string, IActorRef> _homes = new();

    /// <summary>Where shards on the move were, as long as their new home is not known.</summary>
    private readonly Dictionary<string, IActorRef> _formerHomes = new();

    /// <summary>Those here, by shard. Those that are handed off too.</summary>
    private readonly Dictionary<string, IActorRef> _shards = new();

    private readonly HashSet<string> _handingOff = [];
    private readonly ShardBuffers _buffers;
    private CoordinatorCandidates _candidates;
    private IActorRef _coordinator;
    private TimeSpan _registrationDelay;
    private bool _isShuttingDown;
    private bool _hasWarnedOfFullBuffer;

    /// <summary>Nodes that are no members any more: a coordinator that has not heard of it yet is not believed.</summary>
    private readonly HashSet<Address> _gone = [];

    /// <summary>A coordinator may have given this region shards of which it does not know yet, until it says that there are none.</summary>
    private bool _mayHaveShards;

    public ShardRegion(
        string typeName, Func<string, Props> entityProps, ClusterShardingSettings settings, string[] coordinatorPath,
        IMessageExtractor extractor, object handOffStopMessage)
    {
        (_typeName, _entityProps, _settings, _coordinatorPath, _extractor, _handOffStopMessage) =
            (typeName, entityProps, settings, coordinatorPath, extractor, handOffStopMessage);
        _buffers = new ShardBuffers(settings.TuningParameters.BufferSize);
    }

    private sealed class Retry : INoSerializationVerificationNeeded
    {
        public static readonly Retry Instance = new();
    }

    private sealed class RegisterAgain : INoSerializationVerificationNeeded
    {
        public static readonly RegisterAgain Instance = new();
    }

    private sealed class ShutdownTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly ShutdownTimedOut Instance = new();
    }

    public ITimerScheduler Timers { get; set; }

    public static Props Props(
        string typeName, Func<string, Props> entityProps, ClusterShardingSettings settings, string[] coordinatorPath,
        IMessageExtractor extractor, object handOffStopMessage) =>
        Actor.Props.Create(() => new ShardRegion(typeName, entityProps, settings, coordinatorPath, extractor, handOffStopMessage))
            .WithDeploy(Deploy.Local);

    public static Props ProxyProps(
        string typeName, ClusterShardingSettings settings, string[] coordinatorPath, IMessageExtractor extractor) =>
        Props(typeName, null, settings, coordinatorPath, extractor, PoisonPill.Instance);

    protected override void PreStart()
    {
        _cluster.Subscribe(Self, SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(IMemberEvent));
        Timers.StartPeriodicTimer(Retry.Instance, Retry.Instance, _settings.TuningParameters.RetryInterval);
        var (self, cluster, ended) = (Self, _cluster, _ended.Task);
        CoordinatedShutdown.Get(Context.System).AddTask(CoordinatedShutdown.PhaseClusterShardingShutdownRegion, "region-shutdown", () =>
        {
            if (ended.IsCompleted || cluster.IsTerminated || cluster.SelfMember.Status == MemberStatus.Down)
                return Task.FromResult(Done.Instance);
            self.Tell(GracefulShutdown.Instance, ActorRefs.NoSender);
            return ended;
        });
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        foreach (var shard in _buffers.Shards.ToList()) DropBuffer(shard);
        _ended.TrySetResult(Done.Instance);
    }

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case CurrentClusterState state:
                _candidates = CoordinatorCandidates.Of(state, _settings.Role);
                StartRegistration();
                return true;
            case IMemberEvent happened:
                Follow(happened);
                return true;
            case Terminated terminated:
                Lose(terminated.ActorRef);
                return true;
            case RegisterAgain:
                RegisterUntilKnown();
                return true;
            case Retry:
                AskAgain();
                return true;
            case RegisterAck acknowledged:
                Follow(acknowledged.Coordinator);
                return true;
            case GracefulShutdown:
                BeginShutdown();
                return true;
            case ShutdownTimedOut:
                _log.Warning(
                    "{0}: The region could not shut down in time: {1} shards, {2} messages that wait", _typeName, _shards.Count,
                    _buffers.Count);
                Context.Stop(Self);
                return true;
            default:
                return ReceiveHomes(message) || ReceiveQuery(message) || TryDeliver(message);
        }
    }

    private void Follow(IMemberEvent happened)
    {
        if (happened.Member.UniqueAddress == _cluster.SelfUniqueAddress && happened is MemberDowned or MemberRemoved)
        {
            // Elsewhere the entities will start anew.
            Context.Stop(Self);
            return;
        }
        if (happened is MemberRemoved) _gone.Add(happened.Member.Address);
        else _gone.Remove(happened.Member.Address);
        var before = _candidates.Addresses.ToList();
        _candidates = _candidates.After(happened);
        if (_coordinator == null && !before.SequenceEqual(_candidates.Addresses)) StartRegistration();
    }

    private void Follow(IActorRef coordinator)
    {
        if (_coordinator != null && !_coordinator.Equals(coordinator)) Context.Unwatch(_coordinator);
        _coordinator = Context.Watch(coordinator);
        _mayHaveShards = _entityProps != null;
        Timers.Cancel(RegisterAgain.Instance);
        if (_isShuttingDown) _coordinator.Tell(new GracefulShutdownRequest(Self), Self);
        foreach (var shard in _buffers.Shards) AskHome(shard);
    }

    private void Lose(IActorRef ended)
    {
        if (ended.Equals(_coordinator))
        {
            _coordinator = null;
            StartRegistration();
        }
        if (_shards.FirstOrDefault(s => s.Value.Equals(ended)) is { Key: { } own }) LoseShard(own);
        Forget(_homes, ended);
        Forget(_formerHomes, ended);
    }

    private static void Forget(Dictionary<string, IActorRef> homes, IActorRef region)
    {
        foreach (var shard in homes.Where(h => h.Value.Equals(region)).Select(h => h.Key).ToList()) homes.Remove(shard);
    }

    private void StartRegistration()
    {
        _registrationDelay = _firstRegistrationDelay;
        RegisterUntilKnown();
    }

    /// <summary>Soon at first, then with longer pauses, in the end with those of the retry interval.</summary>
    private void RegisterUntilKnown()
    {
        if (_coordinator != null) return;
        Register();
        if (_registrationDelay >= _settings.TuningParameters.RetryInterval) return;
        Timers.StartSingleTimer(RegisterAgain.Instance, RegisterAgain.Instance, _registrationDelay);
        _registrationDelay *= 2;
    }

    private void Register()
    {
        object registration = _entityProps == null ? new RegisterProxy(Self) : new Register(Self, _shards.Keys.ToImmutableHashSet());
        var provider = ((ExtendedActorSystem)Context.System).Provider;
        foreach (var address in _candidates?.Addresses ?? [])
            provider.ResolveActorRef(new RootActorPath(address) / _coordinatorPath).Tell(registration, Self);
    }

    private void AskAgain()
    {
        if (_coordinator == null)
        {
            Register();
            if (_buffers.Count > 0) _log.Info("{0}: {1} messages wait, but no coordinator has answered yet", _typeName, _buffers.Count);
        }
        else
        {
            foreach (var shard in _buffers.Shards) AskHome(shard);
            if (_isShuttingDown) _coordinator.Tell(new GracefulShutdownRequest(Self), Self);
        }
        EndIfShutDown();
    }

    private void AskHome(string shard)
    {
        // Where it is known to be here, its last incarnation has to end first.
        if (!_homes.ContainsKey(shard)) _coordinator?.Tell(new GetShardHome(shard), Self);
    }

    private void BeginShutdown()
    {
        if (_isShuttingDown) return;
        _isShuttingDown = true;
        var shutdown = CoordinatedShutdown.Get(Context.System);
        if (shutdown.ShutdownReason != null)
        {
            // Before the phase ends, so that it is seen what was left.
            var limit = shutdown.Timeout(CoordinatedShutdown.PhaseClusterShardingShutdownRegion) - TimeSpan.FromSeconds(1);
            if (limit > TimeSpan.Zero) Timers.StartSingleTimer(ShutdownTimedOut.Instance, ShutdownTimedOut.Instance, limit);
        }
        _coordinator?.Tell(new GracefulShutdownRequest(Self), Self);
        EndIfShutDown();
    }

    private void EndIfShutDown()
    {
        var hasSomebodyToAsk = _candidates?.Addresses.Any() == true;
        if (_isShuttingDown && _shards.Count == 0 && (_buffers.Count == 0 && !_mayHaveShards || !hasSomebodyToAsk)) Context.Stop(Self);
    }

    private bool TryDeliver(object message)
    {
        if (_extractor.EntityId(message) is not { } id)
        {
            _log.Warning("{0}: The extractor knows no entity for a message of {1}", _typeName, message.GetType());
            return false;
        }
        var shard = id.Length == 0 ? null : _extractor.ShardId(id, message);
        if (string.IsNullOrEmpty(shard))
        {
            _log.Warning(
                "{0}: Entity [{1}] and shard [{2}] of a message of {3} must not be empty, it is dropped", _typeName, id, shard,
                message.GetType());
            Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self), Sender);
        }
        else
        {
            Deliver(shard, new Kept(message, Sender));
        }
        return true;
    }

    private void Deliver(string shard, Kept kept)
    {
        if (Destination(shard) is { } destination)
        {
            destination.Tell(kept.Message, kept.Sender);
            return;
        }
        if (!_buffers.Contains(shard)) AskHome(shard);
        if (_buffers.TryAdd(shard, kept)) return;
        if (!_hasWarnedOfFullBuffer)
            _log.Warning("{0}: Buffer is full, dropping message for shard [{1}] and what else does not fit", _typeName, shard);
        _hasWarnedOfFullBuffer = true;
        Context.System.DeadLetters.Tell(new DeadLetter(kept.Message, kept.Sender, Self), kept.Sender);
    }

    /// <summary>null: it has to wait.</summary>
    private IActorRef Destination(string shard)
    {
        if (!_homes.TryGetValue(shard, out var home)) return null;
        return home.Equals(Self) ? RunningShard(shard) : home;
    }

    private void FlushBuffer(string shard)
    {
        if (!_buffers.Contains(shard) || Destination(shard) is not { } destination) return;
        foreach (var kept in _buffers.Take(shard)) destination.Tell(kept.Message, kept.Sender);
        _hasWarnedOfFullBuffer = false;
        EndIfShutDown();
    }

    private void DropBuffer(string shard)
    {
        foreach (var kept in _buffers.Take(shard))
            Context.System.DeadLetters.Tell(new DeadLetter(kept.Message, kept.Sender, Self), kept.Sender);
    }
}
