using Akka.Actor;

namespace Akka.Cluster.Sharding.Coordination;

/// <summary>
/// One hand-off of one shard, child of the coordinator: waits until all regions hold back what is for the shard, lets it stop, and reports
/// <see cref="Done"/>. What is not confirmed is asked for again, since messages may be lost.
/// </summary>
internal sealed class RebalanceWorker : UntypedActor, IWithTimers
{
    private readonly string _shard;
    private readonly IActorRef _from;
    private readonly TuningParameters _tuning;

    /// <summary>Regions whose acknowledgement is due.</summary>
    private readonly HashSet<IActorRef> _remaining;

    public RebalanceWorker(string shard, IActorRef from, IEnumerable<IActorRef> regionsAndProxies, TuningParameters tuning) =>
        (_shard, _from, _remaining, _tuning) = (shard, from, regionsAndProxies.ToHashSet(), tuning);

    /// <summary>To the worker: that region is no more.</summary>
    public sealed record RegionTerminated(IActorRef Region) : INoSerializationVerificationNeeded;

    /// <param name="IsStopped">false: it took too long, and the shard may be running.</param>
    public sealed record Done(string Shard, bool IsStopped) : INoSerializationVerificationNeeded;

    private sealed class Retry : INoSerializationVerificationNeeded
    {
        public static readonly Retry Instance = new();
    }

    private sealed class TimedOut : INoSerializationVerificationNeeded
    {
        public static readonly TimedOut Instance = new();
    }

    public ITimerScheduler Timers { get; set; }

    public static Props Props(string shard, IActorRef from, IEnumerable<IActorRef> regionsAndProxies, TuningParameters tuning) =>
        Actor.Props.Create(() => new RebalanceWorker(shard, from, regionsAndProxies, tuning)).WithDeploy(Deploy.Local);

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(Retry.Instance, Retry.Instance, _tuning.RetryInterval);
        Timers.StartSingleTimer(TimedOut.Instance, TimedOut.Instance, _tuning.HandOffTimeout);
        Ask();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case BeginHandOffAck acknowledged:
                Acknowledge(acknowledged.Region);
                break;
            case RegionTerminated terminated when terminated.Region.Equals(_from):
                End(isStopped: true);
                break;
            case RegionTerminated terminated:
                Acknowledge(terminated.Region);
                break;
            case ShardStopped:
                End(isStopped: true);
                break;
            case Retry:
                Ask();
                break;
            case TimedOut:
                End(isStopped: false);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Ask()
    {
        if (_remaining.Count == 0) _from.Tell(new HandOff(_shard), Self);
        foreach (var region in _remaining) region.Tell(new BeginHandOff(_shard), Self);
    }

    private void Acknowledge(IActorRef region)
    {
        if (_remaining.Remove(region) && _remaining.Count == 0) Ask();
    }

    private void End(bool isStopped)
    {
        Context.Parent.Tell(new Done(_shard, isStopped), Self);
        Context.Stop(Self);
    }
}
