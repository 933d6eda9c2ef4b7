using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace Akka.Cluster;

public interface IClusterActorRefProvider : IRemoteActorRefProvider
{
}

/// <summary>akka.actor.provider = cluster: remoting, with a system that may be a member.</summary>
public class ClusterActorRefProvider : RemoteActorRefProvider, IClusterActorRefProvider
{
    public ClusterActorRefProvider(string systemName, Settings settings, EventStream eventStream)
        : base(systemName, settings, eventStream) =>
        settings.InjectTopLevelFallback(
            ConfigurationFactory.FromResource("Akka.Cluster.Configuration.Cluster.conf", typeof(ClusterActorRefProvider).Assembly));

    protected override IActorRef CreateRemoteWatcher(ActorSystemImpl system)
    {
        // It takes part from the start, also where the application never asks for it.
        Cluster.Get(system);
        var detector = CreateRemoteWatcherFailureDetector(system);
        return system.SystemActorOf(
            RemoteSettings.ConfigureDispatcher(Props.Create(() => new ClusterRemoteWatcher(
                detector, RemoteSettings.WatchHeartBeatInterval, RemoteSettings.WatchUnreachableReaperInterval,
                RemoteSettings.WatchHeartbeatExpectedResponseAfter)).WithDeploy(Deploy.Local)),
            "remote-watcher");
    }
}

/// <summary>
/// Of actors on members the cluster knows better than heartbeats when they are gone: when their member is removed. Others are
/// watched as without a cluster.
/// </summary>
internal sealed class ClusterRemoteWatcher : RemoteWatcher
{
    private sealed record QuarantineLater(UniqueAddress Node) : INoSerializationVerificationNeeded;

    /// <summary>A member that has left still says its goodbyes.</summary>
    private static readonly TimeSpan _quarantineAfterExit = TimeSpan.FromSeconds(5);

    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly HashSet<Address> _members = [];

    public ClusterRemoteWatcher(
        IFailureDetectorRegistry<Address> failureDetector, TimeSpan heartbeatInterval, TimeSpan unreachableReaperInterval,
        TimeSpan heartbeatExpectedResponseAfter)
        : base(failureDetector, heartbeatInterval, unreachableReaperInterval, heartbeatExpectedResponseAfter)
    {
    }

    protected override void PreStart() => _cluster.Subscribe(Self, typeof(ClusterEvent.IMemberEvent));

    protected override void PostStop()
    {
        base.PostStop();
        _cluster.Unsubscribe(Self);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.CurrentClusterState state:
                foreach (var member in state.Members) Add(member.Address);
                break;
            case ClusterEvent.MemberRemoved removed:
                Remove(removed);
                break;
            case ClusterEvent.IMemberEvent changed:
                Add(changed.Member.Address);
                break;
            case QuarantineLater later:
                Quarantine(later.Node.Address, later.Node.Uid);
                break;
            default:
                base.OnReceive(message);
                break;
        }
    }

    protected override void WatchNode(IInternalActorRef watchee)
    {
        if (!_members.Contains(watchee.Path.Address)) base.WatchNode(watchee);
    }

    private void Add(Address member)
    {
        if (member == _cluster.SelfAddress || !_members.Add(member)) return;
        UnwatchNode(member);
    }

    private void Remove(ClusterEvent.MemberRemoved removed)
    {
        var node = removed.Member.UniqueAddress;
        if (node == _cluster.SelfUniqueAddress) return;
        // When this node's own membership ends nobody else's does.
        if (!_cluster.IsMember) return;
        _members.Remove(node.Address);
        if (removed.PreviousStatus == MemberStatus.Down) Quarantine(node.Address, node.Uid);
        else Context.System.Scheduler.ScheduleTellOnce(_quarantineAfterExit, Self, new QuarantineLater(node), Self);
        PublishAddressTerminated(node.Address);
    }
}
