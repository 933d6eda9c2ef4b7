using System.Diagnostics;
using System.Numerics;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Actor;

/// <summary>
/// The default scheduler: one thread around a <see cref="TimerWheel"/>. The thread starts with the first timer and sleeps
/// until the next slot that holds one, so an idle system costs nothing.
/// </summary>
public sealed class HashedWheelTimerScheduler : SchedulerBase, IDateTimeOffsetNowTimeProvider, IDisposable
{
    /// <summary>Nobody waits for longer; sums of it do not overflow.</summary>
    private static readonly TimeSpan _farAway = TimeSpan.FromDays(365_000);

    private readonly TimerWheel _wheel;
    private readonly TimeSpan _shutdownTimeout;
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private readonly object _sleep = new();
    // In ticks of a TimeSpan: until when the thread sleeps; it is woken for what is earlier. The first timer is, and starts it.
    private long _sleepsUntil = long.MaxValue;
    // Guarded by _sleep.
    private Thread _thread;
    private volatile bool _stopped;

    /// <exception cref="ArgumentOutOfRangeException">akka.scheduler.tick-duration or ticks-per-wheel is out of range.</exception>
    public HashedWheelTimerScheduler(Config scheduler, ILoggingAdapter log)
        : base(scheduler, log)
    {
        var slots = scheduler.GetInt("akka.scheduler.ticks-per-wheel", 512);
        if (slots is < 1 or > 1 << 30)
            throw new ArgumentOutOfRangeException(nameof(scheduler), slots, "akka.scheduler.ticks-per-wheel must be 1 to 2^30");
        var tick = scheduler.GetTimeSpan("akka.scheduler.tick-duration", TimeSpan.FromMilliseconds(10));
        if (tick < TimeSpan.FromMilliseconds(1))
            throw new ArgumentOutOfRangeException(nameof(scheduler), tick, "akka.scheduler.tick-duration must be at least 1ms");
        _shutdownTimeout = scheduler.GetTimeSpan("akka.scheduler.shutdown-timeout", TimeSpan.FromSeconds(5));
        _wheel = new TimerWheel(tick, (int)BitOperations.RoundUpToPowerOf2((uint)slots));
    }

    protected override DateTimeOffset TimeNow => DateTimeOffset.UtcNow;

    public override TimeSpan MonotonicClock => Stopwatch.GetElapsedTime(0);

    public override TimeSpan HighResMonotonicClock => Stopwatch.GetElapsedTime(0);

    /// <summary>Timers waiting, for tests.</summary>
    internal int Waiting => _wheel.Count;

    private TimeSpan Elapsed => Stopwatch.GetElapsedTime(_startedAt);

    protected override void InternalScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Schedule(new TellTimer(receiver, message, sender), delay, TimeSpan.Zero, cancelable);

    protected override void InternalScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Schedule(new TellTimer(receiver, message, sender), initialDelay, interval, cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        Schedule(new ActionTimer(action), delay, TimeSpan.Zero, cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        Schedule(new RunnableTimer(action), delay, TimeSpan.Zero, cancelable);

    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Schedule(new ActionTimer(action), initialDelay, interval, cancelable);

    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        Schedule(new RunnableTimer(action), initialDelay, interval, cancelable);

    /// <summary>Stops the thread; timers that still wait never run.</summary>
    public void Dispose()
    {
        Thread thread;
        lock (_sleep)
        {
            _stopped = true;
            thread = _thread;
            Monitor.Pulse(_sleep);
        }
        // An action may be what stops the system, and must not wait for itself.
        if (thread != null && thread != Thread.CurrentThread && !thread.Join(_shutdownTimeout))
            Log?.Warning("The scheduler did not stop within {0}: an action that it runs does not end", _shutdownTimeout);
    }

    private void Schedule(ScheduledTimer timer, TimeSpan delay, TimeSpan interval, ICancelable cancelable)
    {
        if (_stopped) throw new SchedulerException("The scheduler has been shut down");
        timer.Deadline = Elapsed + (delay < _farAway ? delay : _farAway);
        timer.Interval = interval < _farAway ? interval : _farAway;
        timer.Cancelable = cancelable;
        switch (cancelable)
        {
            case null:
                break;
            // Linked to the cancelable before it is in the wheel, so that it cannot miss the request; checked again below.
            case Cancelable ours:
                if (!ours.Add(timer)) return;
                break;
            default:
                if (cancelable.IsCancellationRequested) return;
                break;
        }
        var time = _wheel.Add(timer);
        if (timer.IsCancelled) timer.Unlink();
        WakeBefore(time);
    }

    private void WakeBefore(TimeSpan time)
    {
        if (time.Ticks >= Interlocked.Read(ref _sleepsUntil)) return;
        lock (_sleep)
        {
            if (_thread != null || _stopped)
            {
                Monitor.Pulse(_sleep);
                return;
            }
            _thread = new Thread(RunTimers) { IsBackground = true, Name = "akka-scheduler" };
            _thread.Start();
        }
    }

    private void RunTimers()
    {
        var due = new List<ScheduledTimer>();
        while (SleepUntilNext())
        {
            _wheel.TakeDue(Elapsed, due);
            foreach (var timer in due)
            {
                if (_stopped) return;
                Run(timer);
            }
            due.Clear();
        }
    }

    /// <returns>false when stopped.</returns>
    private bool SleepUntilNext()
    {
        lock (_sleep)
        {
            while (!_stopped)
            {
                // Before the wheel is asked: whoever adds a timer after that sees a sleeper, and wakes it once it really sleeps.
                Interlocked.Exchange(ref _sleepsUntil, long.MaxValue);
                var next = _wheel.NextTime();
                var rest = next - Elapsed;
                if (rest <= TimeSpan.Zero) break;
                Interlocked.Exchange(ref _sleepsUntil, next?.Ticks ?? long.MaxValue);
                Monitor.Wait(_sleep, rest == null ? Timeout.Infinite : (int)Math.Min(Math.Ceiling(rest.Value.TotalMilliseconds), 60_000));
            }
            // Awake, and asks the wheel again before it sleeps: nobody needs to wake it.
            Interlocked.Exchange(ref _sleepsUntil, long.MinValue);
            return !_stopped;
        }
    }

    private void Run(ScheduledTimer timer)
    {
        if (timer.IsCancelled) return;
        try
        {
            timer.Run();
        }
        catch (Exception e)
        {
            // Whoever scheduled it is gone; the other timers must not suffer.
            Log?.Error(e, "A scheduled action failed");
        }
        if (timer.Interval > TimeSpan.Zero) Repeat(timer);
        else (timer.Cancelable as Cancelable)?.Remove(timer);
    }

    private void Repeat(ScheduledTimer timer)
    {
        // At a fixed rate, but what a pause made it miss is not made up for.
        var now = Elapsed;
        timer.Deadline += timer.Interval;
        if (timer.Deadline < now) timer.Deadline = now + timer.Interval;
        _wheel.Add(timer);
        if (timer.IsCancelled) timer.Unlink();
    }
}
