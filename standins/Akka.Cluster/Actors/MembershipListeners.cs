using Akka.Actor;
using Akka.Event;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster;

/// <summary>Runs a callback once this node is Up.</summary>
internal sealed class OnMemberUp : UntypedActor
{
    private readonly Cluster _cluster;
    private readonly Action _callback;

    public OnMemberUp(Cluster cluster, Action callback) => (_cluster, _callback) = (cluster, callback);

    protected override void PreStart() => _cluster.Subscribe(Self, SubscriptionInitialStateMode.InitialStateAsEvents, typeof(MemberUp));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        if (message is not MemberUp up || up.Member.UniqueAddress != _cluster.SelfUniqueAddress) return;
        Callback.Run(_callback, Logging.GetLogger(Context), nameof(Cluster.RegisterOnMemberUp));
        Context.Stop(Self);
    }
}

/// <summary>Completes a task once this node is leaving, or has no reason to.</summary>
internal sealed class LeaveBeforeShutdown : UntypedActor
{
    private readonly Cluster _cluster;
    private readonly TaskCompletionSource<Done> _done;

    public LeaveBeforeShutdown(Cluster cluster, TaskCompletionSource<Done> done) => (_cluster, _done) = (cluster, done);

    protected override void PreStart() =>
        _cluster.Subscribe(Self, SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(IMemberEvent));

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        _done.TrySetResult(Done.Instance);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case CurrentClusterState state:
                var self = state.Members.FirstOrDefault(m => m.UniqueAddress == _cluster.SelfUniqueAddress);
                if (self is { Status: MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up }) _cluster.Leave(self.Address);
                else Context.Stop(Self);
                break;
            case MemberLeft or MemberExited or MemberDowned or MemberRemoved
                when ((IMemberEvent)message).Member.UniqueAddress == _cluster.SelfUniqueAddress:
                Context.Stop(Self);
                break;
        }
    }
}

internal static class Callback
{
    public static void Run(Action callback, ILoggingAdapter log, string where)
    {
        try
        {
            callback();
        }
        catch (Exception e)
        {
            log.Error(e, "A callback of {0} failed", where);
        }
    }
}
