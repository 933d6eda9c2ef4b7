namespace TiKvActors.Client.Tests.Matrix;

/// <summary>
/// Time that stands still until it is moved. A timer that is due runs on the thread that moved time, and so does everything that awaits it:
/// with a transport that answers at once a whole call runs on one thread, and one that nothing moves any more hangs for certain.
/// </summary>
internal sealed class VirtualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<VirtualTimer> _timers = [];
    private long _now = 1;

    /// <summary>Whenever somebody looks at the clock or starts a timer.</summary>
    public Action? OnUse { get; set; }

    /// <summary>Timers that were made and not disposed of, fired or not.</summary>
    public int LiveTimers
    {
        get { lock (_lock) return _timers.Count; }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        OnUse?.Invoke();
        return _now;
    }

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(_now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Assert.Equal(Timeout.InfiniteTimeSpan, period);
        var timer = new VirtualTimer(this, callback, state);
        lock (_lock)
            _timers.Add(timer);
        timer.Change(dueTime, period);
        OnUse?.Invoke();
        return timer;
    }

    /// <summary>Moves to the next timer that is due and runs it. False if there is none.</summary>
    public bool TryFireNext()
    {
        VirtualTimer? next;
        lock (_lock)
        {
            next = _timers.Where(t => t.Due is not null).MinBy(t => t.Due);
            if (next is null)
                return false;
            _now = Math.Max(_now, next.Due!.Value);
        }
        next.Fire();
        return true;
    }

    /// <summary>So much time has passed without anybody's timer having run.</summary>
    public void Pass(TimeSpan time) => _now += time.Ticks;

    private sealed class VirtualTimer(VirtualTime time, TimerCallback callback, object? state) : ITimer
    {
        public long? Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime == Timeout.InfiniteTimeSpan ? null : time._now + dueTime.Ticks;
            return true;
        }

        public void Fire()
        {
            Due = null;
            callback(state);
        }

        public void Dispose()
        {
            lock (time._lock)
                time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
