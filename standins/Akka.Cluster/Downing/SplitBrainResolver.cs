using System.Diagnostics;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster.SBR;

/// <summary>Tells <see cref="StabilityWatch"/> what changes and how time passes, and downs whom it names.</summary>
internal sealed class SplitBrainResolver : UntypedActor, IWithTimers
{
    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }

    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context);
    private readonly SplitBrainResolverSettings _settings;
    private readonly StabilityWatch _watch;
    private bool _wasWaiting;

    public SplitBrainResolver(SplitBrainResolverSettings settings, DowningStrategy strategy)
    {
        _settings = settings;
        _watch = new StabilityWatch(strategy, settings.DowningStableAfter, settings.DownAllWhenUnstable);
    }

    public ITimerScheduler Timers { get; set; }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    protected override void PreStart()
    {
        _log.Info(
            "SBR started. Config: strategy [{0}], stable-after [{1}], down-all-when-unstable [{2}]", _settings.DowningStrategy,
            _settings.DowningStableAfter, _settings.DownAllWhenUnstable);
        // Often enough that stable-after is what it says, also where it is short.
        var interval = TimeSpan.FromMilliseconds(Math.Clamp(_settings.DowningStableAfter.TotalMilliseconds / 10, 50, 1000));
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, interval);
        _cluster.SubscribeToState(Self);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Membership.MembershipState state:
                _watch.Update(state, Now);
                ReportWaiting();
                break;
            case Tick:
                foreach (var node in _watch.Decide(Now))
                {
                    _log.Warning("SBR is downing [{0}]", node);
                    _cluster.Down(node.Address);
                }
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void ReportWaiting()
    {
        if (_watch.IsWaiting && !_wasWaiting)
            _log.Info(
                "SBR found unreachable members, waiting for stable-after = {0} before taking a downing decision",
                _settings.DowningStableAfter);
        else if (_wasWaiting && !_watch.IsWaiting) _log.Info("SBR: nobody is unreachable any more for whom this node would have to decide");
        _wasWaiting = _watch.IsWaiting;
    }
}
