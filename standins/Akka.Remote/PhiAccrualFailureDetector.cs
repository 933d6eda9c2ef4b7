using Akka.Configuration;
using Akka.Event;

namespace Akka.Remote;

/// <summary>
/// The detector of Hayashibara et al., "The phi accrual failure detector" (2004): how unlikely is it, given the intervals seen so
/// far, that a heartbeat is only late? phi 1 means a 10 % chance to be wrong, 2 means 1 %, and so on. The acceptable pause is added
/// to the mean, so that a garbage collection is no failure. Thread-safe.
/// </summary>
public class PhiAccrualFailureDetector : FailureDetector
{
    private readonly double _threshold;
    private readonly int _maxSampleSize;
    private readonly double _minStdDeviation;
    private readonly double _acceptablePause;
    private readonly Clock _clock;
    private readonly EventStream _eventStream;
    private volatile State _state;

    public PhiAccrualFailureDetector(double threshold, int maxSampleSize, TimeSpan minStdDeviation, TimeSpan acceptableHeartbeatPause, TimeSpan firstHeartbeatEstimate, Clock clock = null)
        : this(clock)
    {
        if (threshold <= 0) throw new ArgumentException($"threshold must be positive, is {threshold}", nameof(threshold));
        if (maxSampleSize <= 0) throw new ArgumentException($"max-sample-size must be positive, is {maxSampleSize}", nameof(maxSampleSize));
        if (minStdDeviation <= TimeSpan.Zero) throw new ArgumentException($"min-std-deviation must be positive, is {minStdDeviation}", nameof(minStdDeviation));
        if (acceptableHeartbeatPause < TimeSpan.Zero) throw new ArgumentException($"acceptable-heartbeat-pause must not be negative, is {acceptableHeartbeatPause}", nameof(acceptableHeartbeatPause));
        if (firstHeartbeatEstimate <= TimeSpan.Zero) throw new ArgumentException($"heartbeat-interval must be positive, is {firstHeartbeatEstimate}", nameof(firstHeartbeatEstimate));
        _threshold = threshold;
        _maxSampleSize = maxSampleSize;
        _minStdDeviation = minStdDeviation.TotalMilliseconds;
        _acceptablePause = acceptableHeartbeatPause.TotalMilliseconds;
        // Two made-up intervals with a wide deviation stand in until there are real ones.
        var mean = firstHeartbeatEstimate.TotalMilliseconds;
        _state = new State(Intervals.Empty.Add(mean - mean / 4, _maxSampleSize).Add(mean + mean / 4, _maxSampleSize), null);
    }

    public PhiAccrualFailureDetector(Config config, EventStream ev)
        : this(config.GetDouble("threshold"), config.GetInt("max-sample-size"), config.GetTimeSpan("min-std-deviation"), config.GetTimeSpan("acceptable-heartbeat-pause"), config.GetTimeSpan("heartbeat-interval")) =>
        _eventStream = ev;

    protected PhiAccrualFailureDetector(Clock clock) => _clock = clock ?? DefaultClock;

    /// <summary>Who is watched, for the log.</summary>
    public string Address { get; set; } = "N/A";

    public override bool IsAvailable => PhiAt(_clock()) < _threshold;

    public override bool IsMonitoring => _state.Last != null;

    internal double CurrentPhi => PhiAt(_clock());

    public override void HeartBeat()
    {
        while (true)
        {
            var (old, now) = (_state, _clock());
            var intervals = old.Intervals;
            if (old.Last is { } last && PhiAt(now) < _threshold)
            {
                // An interval that ended a failure says nothing about ordinary ones.
                intervals = intervals.Add(now - last, _maxSampleSize);
                if (now - last >= _acceptablePause / 3 * 2 && _acceptablePause > 0)
                    _eventStream?.Publish(new Warning(GetType().Name, GetType(), $"heartbeat interval is growing too large for address {Address}: {now - last} millis"));
            }
            if (Interlocked.CompareExchange(ref _state, new State(intervals, now), old) == old) return;
        }
    }

    private double PhiAt(long now)
    {
        var state = _state;
        if (state.Last is not { } last) return 0;
        return Phi(now - last, state.Intervals.Mean + _acceptablePause, Math.Max(state.Intervals.StdDeviation, _minStdDeviation));
    }

    /// <summary>-log10 of the chance that a heartbeat is later than this, by the logistic approximation of the normal distribution.</summary>
    internal static double Phi(double elapsed, double mean, double stdDeviation)
    {
        var y = (elapsed - mean) / stdDeviation;
        var e = Math.Exp(-y * (1.5976 + 0.070566 * y * y));
        return -Math.Log10(elapsed > mean ? e / (1 + e) : 1 - 1 / (1 + e));
    }

    private sealed record State(Intervals Intervals, long? Last);

    /// <summary>The last intervals in milliseconds, immutable, with running sums.</summary>
    private sealed record Intervals(System.Collections.Immutable.ImmutableQueue<double> Samples, int Count, double Sum, double SquaredSum)
    {
        public static readonly Intervals Empty = new(System.Collections.Immutable.ImmutableQueue<double>.Empty, 0, 0, 0);

        public double Mean => Sum / Count;

        public double StdDeviation => Math.Sqrt(Math.Max(0, SquaredSum / Count - Mean * Mean));

        public Intervals Add(double interval, int limit)
        {
            if (Count < limit) return new Intervals(Samples.Enqueue(interval), Count + 1, Sum + interval, SquaredSum + interval * interval);
            var rest = Samples.Dequeue(out var oldest);
            return new Intervals(rest.Enqueue(interval), Count, Sum - oldest + interval, SquaredSum - oldest * oldest + interval * interval);
        }
    }
}
