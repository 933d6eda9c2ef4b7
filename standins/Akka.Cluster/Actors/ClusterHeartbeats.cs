using Akka.Actor;
using Akka.Cluster.Membership;

namespace Akka.Cluster;

/// <summary>
/// Asks those that follow in the ring whether they are there, tells the failure detector of their answers, and answers others.
/// </summary>
internal sealed class ClusterHeartbeats : UntypedActor
{
    public const string Name = "heartbeats";

    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }

    /// <summary>From here on the absence of an answer counts.</summary>
    private sealed record ExpectFirst(UniqueAddress Node) : INoSerializationVerificationNeeded;

    private readonly Cluster _cluster;
    private readonly HeartbeatRing _ring;
    private readonly Dictionary<Address, IActorRef> _peers = new();
    private readonly ICancelable _ticks;
    private long _sequence;

    public ClusterHeartbeats(Cluster cluster)
    {
        _cluster = cluster;
        var settings = cluster.Settings;
        _ring = new HeartbeatRing(cluster.SelfUniqueAddress, settings.MonitoredByNrOfMembers);
        var delay = settings.PeriodicTasksInitialDelay > settings.HeartbeatInterval
            ? settings.PeriodicTasksInitialDelay
            : settings.HeartbeatInterval;
        _ticks = Context.System.Scheduler.ScheduleTellRepeatedlyCancelable(delay, settings.HeartbeatInterval, Self, Tick.Instance, Self);
    }

    protected override void PostStop()
    {
        _ticks.Cancel();
        foreach (var node in _ring.Receivers) _cluster.FailureDetector.Remove(node.Address);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick:
                SendHeartbeats();
                break;
            case Heartbeat heartbeat:
                PeerAt(heartbeat.From).Tell(new HeartbeatRsp(_cluster.SelfUniqueAddress, heartbeat.Sequence), Self);
                break;
            case HeartbeatRsp response:
                // An answer of another incarnation says nothing about this one.
                if (_ring.Receivers.Contains(response.From)) _cluster.FailureDetector.Heartbeat(response.From.Address);
                break;
            case ExpectFirst expect:
                if (_ring.Receivers.Contains(expect.Node) && !_cluster.FailureDetector.IsMonitoring(expect.Node.Address))
                    _cluster.FailureDetector.Heartbeat(expect.Node.Address);
                break;
            case MembershipState state:
                foreach (var node in _ring.Update(state))
                {
                    // Another incarnation at the address may be watched already.
                    if (!_ring.Receivers.Any(n => n.Address == node.Address)) _cluster.FailureDetector.Remove(node.Address);
                    _peers.Remove(node.Address);
                }
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void SendHeartbeats()
    {
        _sequence++;
        foreach (var node in _ring.Receivers)
        {
            if (!_cluster.FailureDetector.IsMonitoring(node.Address))
                Context.System.Scheduler.ScheduleTellOnce(
                    _cluster.Settings.HeartbeatExpectedResponseAfter, Self, new ExpectFirst(node), Self);
            PeerAt(node.Address).Tell(new Heartbeat(_cluster.SelfAddress, _sequence), Self);
        }
    }

    private IActorRef PeerAt(Address address)
    {
        if (_peers.TryGetValue(address, out var peer)) return peer;
        // Whoever asks is remembered; not for ever.
        if (_peers.Count > 1000) _peers.Clear();
        return _peers[address] = ((ExtendedActorSystem)Context.System).Provider
            .ResolveActorRef(new RootActorPath(address) / Self.Path.Elements);
    }
}
