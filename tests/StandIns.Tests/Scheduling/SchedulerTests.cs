using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace TiKvActors.StandIns.Tests.Scheduling;

public sealed class SchedulerTests : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private readonly HashedWheelTimerScheduler _scheduler = new(ConfigurationFactory.Empty, NoLogger.Instance);

    private IActionScheduler Actions => _scheduler;

    public void Dispose() => _scheduler.Dispose();

    [Fact]
    public void Nothing_runs_early()
    {
        const int Timers = 2000;
        var early = new ConcurrentBag<TimeSpan>();
        using var all = new CountdownEvent(Timers);
        var random = new Random(1);
        for (var i = 0; i < Timers; i++)
        {
            var delay = TimeSpan.FromMilliseconds(random.Next(300));
            var asked = Stopwatch.GetTimestamp();
            Actions.ScheduleOnce(delay, () =>
            {
                var waited = Stopwatch.GetElapsedTime(asked);
                if (waited < delay) early.Add(delay - waited);
                all.Signal();
            });
        }
        Assert.True(all.Wait(_patience));
        Assert.Empty(early);
    }

    [Fact]
    public void A_hundred_thousand_timers_run_once_each_while_as_many_are_cancelled()
    {
        const int Timers = 100_000;
        var runs = new int[2 * Timers];
        using var all = new CountdownEvent(Timers);
        var random = new Random(2);
        var cancelled = new List<ICancelable>();
        for (var i = 0; i < Timers; i++)
        {
            var (kept, dropped) = (2 * i, (2 * i) + 1);
            Actions.ScheduleOnce(TimeSpan.FromMilliseconds(random.Next(1500)), () =>
            {
                Interlocked.Increment(ref runs[kept]);
                all.Signal();
            });
            cancelled.Add(Actions.ScheduleOnceCancelable(TimeSpan.FromSeconds(60), () => Interlocked.Increment(ref runs[dropped])));
        }
        Parallel.ForEach(cancelled, c => c.Cancel());
        Assert.True(all.Wait(_patience), $"{all.CurrentCount} timers did not run");
        Assert.All(Enumerable.Range(0, Timers), i => Assert.Equal((1, 0), (runs[2 * i], runs[(2 * i) + 1])));
        // Cancelled ones are gone at once, not when their time would have come.
        Assert.Equal(0, _scheduler.Waiting);
    }

    [Fact]
    public void From_many_threads_at_once_no_timer_is_lost()
    {
        const int Threads = 8, Each = 5000;
        using var all = new CountdownEvent(Threads * Each);
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, thread =>
        {
            for (var i = 0; i < Each; i++) Actions.ScheduleOnce(TimeSpan.FromMilliseconds(i % 50), () => all.Signal());
        });
        Assert.True(all.Wait(_patience), $"{all.CurrentCount} timers did not run");
    }

    /// <summary>The thread sleeps for a timer far away; one that is nearer must wake it, again and again.</summary>
    [Fact]
    public void A_nearer_timer_wakes_the_sleeping_thread()
    {
        Actions.ScheduleOnce(TimeSpan.FromHours(1), () => { });
        for (var i = 0; i < 50; i++)
        {
            using var ran = new ManualResetEventSlim();
            Actions.ScheduleOnce(TimeSpan.FromMilliseconds(i % 3), ran.Set);
            Assert.True(ran.Wait(_patience), $"timer {i}");
        }
    }

    [Fact]
    public void A_repeated_timer_keeps_its_rate_and_ends_when_cancelled_from_inside()
    {
        using var done = new ManualResetEventSlim();
        var cancelable = new Cancelable(Actions);
        var times = new List<TimeSpan>();
        var started = Stopwatch.GetTimestamp();
        Actions.ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(20), () =>
        {
            times.Add(Stopwatch.GetElapsedTime(started));
            if (times.Count < 20) return;
            cancelable.Cancel();
            done.Set();
        }, cancelable);
        Assert.True(done.Wait(_patience));
        Assert.Equal(0, _scheduler.Waiting);
        // 19 intervals: a run may be late, and is not early by more than a tick.
        Assert.True(times[^1] >= TimeSpan.FromMilliseconds((19 * 20) - 10), $"{times[^1]}");
        Assert.Equal(20, times.Count);
    }

    [Fact]
    public void Runs_missed_in_a_pause_are_not_made_up_for()
    {
        using var done = new ManualResetEventSlim();
        var (runs, intervalsAfter) = (0, 0);
        var cancelable = new Cancelable(Actions);
        var resumed = 0L;
        Actions.ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(10), () =>
        {
            runs++;
            if (runs > 1) return;
            // The scheduler's thread is held for 30 intervals.
            Thread.Sleep(300);
            resumed = Stopwatch.GetTimestamp();
        }, cancelable);
        Actions.ScheduleOnce(TimeSpan.FromMilliseconds(350), () =>
        {
            cancelable.Cancel();
            intervalsAfter = (int)(Stopwatch.GetElapsedTime(resumed).TotalMilliseconds / 10);
            done.Set();
        });
        Assert.True(done.Wait(_patience));
        // The held one, one that was due meanwhile, and those after it.
        Assert.InRange(runs, 1, 3 + intervalsAfter);
    }

    [Fact]
    public void A_failing_action_hurts_neither_the_others_nor_itself()
    {
        using var again = new CountdownEvent(3);
        var cancelable = new Cancelable(Actions);
        Actions.ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(10), () =>
        {
            if (!again.IsSet) again.Signal();
            throw new InvalidOperationException("on purpose");
        }, cancelable);
        Assert.True(again.Wait(_patience));
        cancelable.Cancel();
    }

    [Fact]
    public void After_disposal_nothing_runs_and_nothing_is_taken()
    {
        var ran = false;
        Actions.ScheduleOnce(TimeSpan.FromMilliseconds(50), () => ran = true);
        _scheduler.Dispose();
        _scheduler.Dispose();
        Assert.Throws<SchedulerException>(() => Actions.ScheduleOnce(TimeSpan.Zero, () => { }));
        Assert.False(ran);
    }

    [Fact]
    public void The_scheduler_can_be_stopped_by_one_of_its_actions()
    {
        using var stopped = new ManualResetEventSlim();
        Actions.ScheduleOnce(TimeSpan.Zero, () =>
        {
            _scheduler.Dispose();
            stopped.Set();
        });
        Assert.True(stopped.Wait(_patience));
    }

    [Fact]
    public void The_longest_delay_and_interval_are_taken()
    {
        var cancelable = new Cancelable(Actions);
        Actions.ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.MaxValue, () => { }, cancelable);
        Actions.ScheduleOnce(TimeSpan.MaxValue, () => { });
        using var ran = new ManualResetEventSlim();
        Actions.ScheduleOnce(TimeSpan.FromMilliseconds(30), ran.Set);
        Assert.True(ran.Wait(_patience));
    }

    [Fact]
    public void A_cancelable_hands_its_request_to_tokens_made_before_and_after()
    {
        var cancelable = new Cancelable(Actions);
        var before = cancelable.Token;
        Assert.False(before.IsCancellationRequested);
        cancelable.Cancel();
        Assert.True(before.IsCancellationRequested);
        Assert.True(cancelable.Token.IsCancellationRequested);
        Assert.True(Cancelable.CreateCanceled().Token.IsCancellationRequested);
    }

    [Fact]
    public void A_linked_cancelable_is_cancelled_by_any_of_its_sources()
    {
        var (first, second) = (new Cancelable(Actions), new Cancelable(Actions));
        var linked = Cancelable.CreateLinkedCancelable(Actions, first, second);
        Assert.False(linked.IsCancellationRequested);
        second.Cancel();
        Assert.True(linked.IsCancellationRequested);
        Assert.False(first.IsCancellationRequested);
    }

    [Fact]
    public void One_cancelable_for_several_timers_cancels_them_all()
    {
        var cancelable = new Cancelable(Actions);
        for (var i = 0; i < 10; i++) Actions.ScheduleOnce(TimeSpan.FromHours(1), () => { }, cancelable);
        Assert.Equal(10, _scheduler.Waiting);
        cancelable.Cancel();
        Assert.Equal(0, _scheduler.Waiting);
    }
}
