using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster.Membership;
using Akka.Event;

namespace Akka.Cluster;

/// <summary>
/// The shell around <see cref="ClusterMembership"/>: clock, timers, messages to other nodes, and what happens to the system when
/// its membership ends. Its children publish events, exchange heartbeats and decide about downing.
/// </summary>
internal sealed class ClusterDaemon : UntypedActor, IMembershipOutput
{
    public const string Name = "cluster";

    public sealed record JoinTo(Address Address) : INoSerializationVerificationNeeded;

    public sealed record JoinSeeds(ImmutableList<Address> Seeds) : INoSerializationVerificationNeeded;

    public sealed record Leave(Address Address) : INoSerializationVerificationNeeded;

    public sealed record Down(Address Address) : INoSerializationVerificationNeeded;

    /// <summary>Everything here that needs the cluster has ended.</summary>
    public sealed class ExitingCompleted : INoSerializationVerificationNeeded
    {
        public static readonly ExitingCompleted Instance = new();
    }

    /// <summary>An actor that runs the callback once.</summary>
    public sealed record AddListener(Props Props) : INoSerializationVerificationNeeded;

    private enum Due
    {
        Gossip,
        GossipAgain,
        Leader,
        Observe
    }

    private sealed record Tick(Due Due) : INoSerializationVerificationNeeded;

    private readonly Cluster _cluster;
    private readonly ClusterMembership _membership;
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context);
    private readonly IActorRef _self = Context.Self;
    private readonly ActorSystem _system = Context.System;
    private readonly IActorRef _publisher;
    private readonly Dictionary<Address, IActorRef> _peers = new();
    private readonly List<ICancelable> _timers = [];

    public ClusterDaemon(Cluster cluster)
    {
        _cluster = cluster;
        var settings = cluster.Settings;
        _membership = new ClusterMembership(
            cluster.SelfUniqueAddress, settings.Roles, settings.AppVersion, settings.ForMembership(), this, Random.Shared);
        _publisher = Context.ActorOf(OnSameDispatcher(Props.Create(() => new ClusterEventPublisher(cluster))), "publisher");
        var heartbeats = Context.ActorOf(OnSameDispatcher(Props.Create(() => new ClusterHeartbeats(cluster))), ClusterHeartbeats.Name);
        _publisher.Tell(new ClusterEventPublisher.SubscribeToState(heartbeats));
        Repeat(settings.GossipInterval, Due.Gossip);
        Repeat(settings.LeaderActionsInterval, Due.Leader);
        Repeat(settings.UnreachableNodesReaperInterval, Due.Observe);
    }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    private static long UnixMilliseconds => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    public static Props PropsFor(Cluster cluster) =>
        Props.Create(() => new ClusterDaemon(cluster)).WithDispatcher(cluster.Settings.UseDispatcher).WithDeploy(Deploy.Local);

    /// <summary>A node whose cluster part has failed cannot go on as a member as if nothing were.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(e =>
    {
        _log.Error(e, "A part of the cluster failed, this node's membership ends");
        _membership.End();
        return Directive.Stop;
    });

    protected override void PreStart()
    {
        // Not in the constructor: it asks for the cluster, which is being made.
        if (_cluster.DowningProvider.DowningActorProps is { } downing) Context.ActorOf(OnSameDispatcher(downing), "downingProvider");
        if (!_cluster.Settings.SeedNodes.IsEmpty) _self.Tell(new JoinSeeds(_cluster.Settings.SeedNodes));
    }

    protected override void PostStop()
    {
        foreach (var timer in _timers) timer.Cancel();
        _cluster.HasEnded();
        if (_membership.HasEnded && _cluster.Settings.RunCoordinatedShutdownWhenDown)
        {
            // Where this is the end of leaving it runs already.
            _ = CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClusterDowningReason.Instance);
        }
    }

    protected override void OnReceive(object message)
    {
        try
        {
            Handle(message);
        }
        catch (Exception e)
        {
            // What this node has said cannot be made anew by a restart: the others know it by that.
            _log.Error(e, "The cluster failed at a {0}, this node's membership ends", message.GetType());
            _membership.End();
        }
    }

    private void Handle(object message)
    {
        switch (message)
        {
            case IClusterMessage received:
                _membership.Handle(received, Now, UnixMilliseconds);
                break;
            case Tick tick:
                OnTick(tick.Due);
                break;
            case JoinTo join:
                _membership.JoinTo(join.Address, Now);
                break;
            case JoinSeeds join:
                _membership.JoinSeedNodes(join.Seeds, Now);
                break;
            case Leave leave:
                _membership.Leave(leave.Address);
                break;
            case Down down:
                _membership.Down(down.Address);
                break;
            case ExitingCompleted:
                _membership.ExitingCompleted();
                break;
            case ClusterEventPublisher.Subscribe or ClusterEventPublisher.Unsubscribe or ClusterEventPublisher.SubscribeToState
                or ClusterEventPublisher.SendCurrentClusterState:
                _publisher.Forward(message);
                break;
            case AddListener listener:
                Context.ActorOf(OnSameDispatcher(listener.Props));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    void IMembershipOutput.Send(Address to, IClusterMessage message)
    {
        if (!_peers.TryGetValue(to, out var peer))
        {
            if (_peers.Count > 1000) _peers.Clear();
            peer = _peers[to] = ((ExtendedActorSystem)_system).Provider.ResolveActorRef(new RootActorPath(to) / Self.Path.Elements);
        }
        peer.Tell(message, _self);
    }

    void IMembershipOutput.Publish(MembershipState state) => _publisher.Tell(state);

    void IMembershipOutput.ForgetHeartbeats(Address address) => _cluster.FailureDetector.Remove(address);

    void IMembershipOutput.BeginExiting()
    {
        _cluster.IsExiting();
        _ = CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClusterLeavingReason.Instance);
    }

    void IMembershipOutput.ShutDown() => Context.Stop(Self);

    void IMembershipOutput.JoiningFailed() =>
        _ = CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClusterJoinUnsuccessfulReason.Instance);

    void IMembershipOutput.Log(LogLevel level, string message)
    {
        if (level != LogLevel.InfoLevel || _cluster.Settings.LogInfo)
            _log.Log(level, null, $"Cluster Node [{_cluster.SelfAddress}] - {message}");
    }

    private void OnTick(Due due)
    {
        switch (due)
        {
            case Due.Gossip:
                _membership.GossipTick();
                if (!_membership.IsGossipUrgent) break;
                var interval = _cluster.Settings.GossipInterval;
                _system.Scheduler.ScheduleTellOnce(interval / 3, _self, new Tick(Due.GossipAgain), _self);
                _system.Scheduler.ScheduleTellOnce(interval * 2 / 3, _self, new Tick(Due.GossipAgain), _self);
                break;
            case Due.GossipAgain:
                if (_membership.IsGossipUrgent) _membership.GossipTick();
                break;
            case Due.Leader:
                _membership.JoinTick(Now);
                _membership.LeaderTick(Now, UnixMilliseconds);
                break;
            case Due.Observe:
                _membership.Observe(node => _cluster.FailureDetector.IsAvailable(node.Address));
                break;
        }
    }

    private void Repeat(TimeSpan interval, Due due)
    {
        var first = _cluster.Settings.PeriodicTasksInitialDelay > interval ? _cluster.Settings.PeriodicTasksInitialDelay : interval;
        _timers.Add(_system.Scheduler.ScheduleTellRepeatedlyCancelable(first, interval, _self, new Tick(due), _self));
    }

    private Props OnSameDispatcher(Props props) => props.WithDispatcher(_cluster.Settings.UseDispatcher);
}
