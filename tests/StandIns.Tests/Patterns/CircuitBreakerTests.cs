using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Pattern;

namespace TiKvActors.StandIns.Tests.Patterns;

public sealed class CircuitBreakerTests : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(60);

    private readonly HashedWheelTimerScheduler _scheduler = new(ConfigurationFactory.Empty, NoLogger.Instance);

    public void Dispose() => _scheduler.Dispose();

    private CircuitBreaker Breaker(int maxFailures = 2, TimeSpan? callTimeout = null, TimeSpan? resetTimeout = null) =>
        new(_scheduler, maxFailures, callTimeout ?? _long, resetTimeout ?? _long);

    private static Task<int> Fails() => Task.FromException<int>(new InvalidOperationException("on purpose"));

    private static Task<int> Works() => Task.FromResult(1);

    private static async Task Fail(CircuitBreaker breaker) =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => breaker.WithCircuitBreaker(Fails));

    [Fact]
    public async Task Opens_at_the_given_number_of_failures_in_a_row()
    {
        var opened = 0;
        var breaker = Breaker(maxFailures: 2).OnOpen(() => opened++);
        await Fail(breaker);
        Assert.Equal(1, await breaker.WithCircuitBreaker(Works));
        Assert.Equal(0, breaker.CurrentFailureCount);
        await Fail(breaker);
        Assert.True(breaker.IsClosed);
        await Fail(breaker);
        Assert.True(breaker.IsOpen);
        Assert.Equal(1, opened);
        Assert.IsType<InvalidOperationException>(breaker.LastCaughtException);
    }

    [Fact]
    public async Task Open_it_makes_no_call_and_says_for_how_long()
    {
        var breaker = Breaker(maxFailures: 1);
        await Fail(breaker);
        var calls = 0;
        var refusal = await Assert.ThrowsAsync<OpenCircuitException>(() => breaker.WithCircuitBreaker(() =>
        {
            calls++;
            return Works();
        }));
        Assert.Equal(0, calls);
        Assert.InRange(refusal.RemainingDuration, _long - TimeSpan.FromSeconds(30), _long);
        Assert.IsType<InvalidOperationException>(refusal.InnerException);
        Assert.Throws<OpenCircuitException>(() => breaker.WithSyncCircuitBreaker(() => calls++));
        Assert.Equal(0, calls);
    }

    [Fact]
    public async Task Half_open_it_lets_one_call_through_and_closes_when_that_succeeds()
    {
        var (halfOpened, closed) = (0, 0);
        var breaker = Breaker(maxFailures: 1, resetTimeout: TimeSpan.FromMilliseconds(20)).OnHalfOpen(() => halfOpened++)
            .OnClose(() => closed++);
        await Fail(breaker);
        await Eventually.TrueAsync(() => breaker.IsHalfOpen, "half open");
        Assert.Equal((1, 0), (halfOpened, closed));
        var gate = new TaskCompletionSource<int>();
        var tried = breaker.WithCircuitBreaker(() => gate.Task);
        await Assert.ThrowsAsync<OpenCircuitException>(() => breaker.WithCircuitBreaker(Works));
        gate.SetResult(5);
        Assert.Equal(5, await tried);
        Assert.True(breaker.IsClosed);
        Assert.Equal(1, closed);
    }

    [Fact]
    public async Task A_failed_try_opens_it_again_for_longer_up_to_the_limit()
    {
        var breaker = Breaker(maxFailures: 1, resetTimeout: TimeSpan.FromMilliseconds(20))
            .WithExponentialBackoff(TimeSpan.FromMilliseconds(50));
        // Half open by then on a busy machine: it is one more failed try.
        async Task<TimeSpan?> RemainingIfOpen()
        {
            try
            {
                return await breaker.WithCircuitBreaker<TimeSpan?>(() => throw new InvalidOperationException("tried"));
            }
            catch (OpenCircuitException e)
            {
                return e.RemainingDuration;
            }
            catch (InvalidOperationException)
            {
                return null;
            }
        }
        foreach (var (shortest, longest) in new[] { (20, 20), (40, 50), (50, 50), (50, 50) })
        {
            var began = Stopwatch.GetTimestamp();
            await Fail(breaker);
            if (await RemainingIfOpen() is { } left) Assert.InRange(left, TimeSpan.Zero, TimeSpan.FromMilliseconds(longest));
            await Eventually.TrueAsync(() => breaker.IsHalfOpen, "half open");
            // The scheduler's clock has ticks of 10 ms.
            Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromMilliseconds(shortest - 10));
        }
        await breaker.WithCircuitBreaker(Works);
        Assert.True(breaker.IsClosed);
    }

    [Fact]
    public async Task A_call_over_its_time_fails_and_counts()
    {
        var breaker = Breaker(maxFailures: 1, callTimeout: TimeSpan.FromMilliseconds(20));
        await Assert.ThrowsAsync<TimeoutException>(() => breaker.WithCircuitBreaker(() => new TaskCompletionSource<int>().Task));
        Assert.True(breaker.IsOpen);
        Assert.IsType<TimeoutException>(breaker.LastCaughtException);
    }

    [Fact]
    public async Task A_late_failure_of_an_earlier_stay_changes_nothing()
    {
        var breaker = Breaker(maxFailures: 1, resetTimeout: TimeSpan.FromMilliseconds(20));
        var late = new TaskCompletionSource<int>();
        var slow = breaker.WithCircuitBreaker(() => late.Task);
        await Fail(breaker);
        await Eventually.TrueAsync(() => breaker.IsHalfOpen, "half open");
        await breaker.WithCircuitBreaker(Works);
        Assert.True(breaker.IsClosed);
        late.SetException(new InvalidOperationException("late"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => slow);
        Assert.True(breaker.IsClosed);
        Assert.Equal(0, breaker.CurrentFailureCount);
    }

    [Fact]
    public void Failures_and_successes_can_be_told()
    {
        var breaker = Breaker(maxFailures: 2);
        breaker.Fail();
        breaker.Succeed();
        breaker.Fail();
        Assert.True(breaker.IsClosed);
        breaker.Fail();
        Assert.True(breaker.IsOpen);
        Assert.IsType<UserCalledFailException>(breaker.LastCaughtException);
    }

    [Fact]
    public void Under_threads_it_opens_once()
    {
        var opened = 0;
        var breaker = Breaker(maxFailures: 5).OnOpen(() => Interlocked.Increment(ref opened));
        Parallel.For(0, 1000, _ =>
        {
            try
            {
                breaker.WithSyncCircuitBreaker(() => throw new InvalidOperationException("on purpose"));
            }
            catch (Exception e) when (e is InvalidOperationException or OpenCircuitException)
            {
                // Either is right; how many of each depends on the threads.
            }
        });
        Assert.True(breaker.IsOpen);
        Assert.Equal(1, opened);
    }

    [Theory]
    [InlineData(0.5, 0.0)]
    [InlineData(2.0, -0.1)]
    [InlineData(2.0, 1.1)]
    public void Factors_out_of_range_are_refused(double exponential, double random) =>
        Assert.Throws<ArgumentException>(() => new CircuitBreaker(_scheduler, 1, _long, _long, _long, exponential, random));
}
