using System.Diagnostics;
using Akka.Actor;

namespace Akka.Pattern;

/// <summary>
/// Stops calling what keeps failing. Closed: calls go through, and maxFailures failures (or calls over their time) in a row open it.
/// Open: calls fail at once with <see cref="OpenCircuitException"/> until the reset timeout is over. Half open: one call goes
/// through; its success closes the breaker, its failure opens it again, for longer where there is an exponential back-off.
/// Safe for threads.
/// </summary>
public class CircuitBreaker
{
    private readonly Lock _lock = new();
    private readonly List<Action> _onOpen = [];
    private readonly List<Action> _onHalfOpen = [];
    private readonly List<Action> _onClose = [];
    // Changed only under the lock, read by every call without it.
    private volatile State _state;
    private Exception _lastCaught;

    public CircuitBreaker(IScheduler scheduler, int maxFailures, TimeSpan callTimeout, TimeSpan resetTimeout)
        : this(scheduler, maxFailures, callTimeout, resetTimeout, TimeSpan.FromDays(36500), 1.0)
    {
    }

    public CircuitBreaker(
        IScheduler scheduler, int maxFailures, TimeSpan callTimeout, TimeSpan resetTimeout, TimeSpan maxResetTimeout,
        double exponentialBackoffFactor)
        : this(scheduler, maxFailures, callTimeout, resetTimeout, maxResetTimeout, exponentialBackoffFactor, 0)
    {
    }

    /// <param name="maxFailures">in a row; the last of them opens the breaker.</param>
    /// <param name="callTimeout">a call that takes longer has failed; zero or infinite: no limit.</param>
    /// <param name="exponentialBackoffFactor">
    /// by which the reset timeout grows with every failed try, up to maxResetTimeout; at least 1.
    /// </param>
    /// <param name="randomFactor">0 to 1: by up to this share the reset timeout is longer.</param>
    public CircuitBreaker(
        IScheduler scheduler, int maxFailures, TimeSpan callTimeout, TimeSpan resetTimeout, TimeSpan maxResetTimeout,
        double exponentialBackoffFactor, double randomFactor)
    {
        if (exponentialBackoffFactor < 1.0) throw new ArgumentException("factor must be >= 1.0", nameof(exponentialBackoffFactor));
        if (randomFactor is < 0 or > 1) throw new ArgumentException("randomFactor must be between 0.0 and 1.0", nameof(randomFactor));
        Scheduler = scheduler;
        MaxFailures = maxFailures;
        CallTimeout = callTimeout;
        ResetTimeout = resetTimeout;
        MaxResetTimeout = maxResetTimeout;
        ExponentialBackoffFactor = exponentialBackoffFactor;
        RandomFactor = randomFactor;
        _state = new State(Phase.Closed, resetTimeout);
    }

    private enum Phase
    {
        Closed,
        Open,
        HalfOpen
    }

    /// <summary>One stay in a phase. A result that belongs to an earlier stay changes nothing.</summary>
    private sealed class State(Phase phase, TimeSpan resetTimeout)
    {
        public readonly Phase Phase = phase;

        /// <summary>Before the random share; the next one when this stay ends in failure.</summary>
        public readonly TimeSpan ResetTimeout = resetTimeout;
        public long Failures;

        /// <summary>Half open: the one call has been let through.</summary>
        public int Tried;

        /// <summary>Open: a stopwatch's time at which it ends.</summary>
        public long OpenUntil;
    }

    public IScheduler Scheduler { get; }

    public int MaxFailures { get; }

    public TimeSpan CallTimeout { get; }

    public TimeSpan ResetTimeout { get; }

    public TimeSpan MaxResetTimeout { get; }

    public double ExponentialBackoffFactor { get; }

    public double RandomFactor { get; }

    public long CurrentFailureCount => Interlocked.Read(ref _state.Failures);

    public Exception LastCaughtException => Volatile.Read(ref _lastCaught);

    public bool IsClosed => _state.Phase == Phase.Closed;

    public bool IsOpen => _state.Phase == Phase.Open;

    public bool IsHalfOpen => _state.Phase == Phase.HalfOpen;

    public static CircuitBreaker Create(IScheduler scheduler, int maxFailures, TimeSpan callTimeout, TimeSpan resetTimeout) =>
        new(scheduler, maxFailures, callTimeout, resetTimeout);

    public CircuitBreaker WithExponentialBackoff(TimeSpan maxResetTimeout) =>
        new(Scheduler, MaxFailures, CallTimeout, ResetTimeout, maxResetTimeout, 2.0, RandomFactor);

    public CircuitBreaker WithRandomFactor(double randomFactor) =>
        new(Scheduler, MaxFailures, CallTimeout, ResetTimeout, MaxResetTimeout, ExponentialBackoffFactor, randomFactor);

    /// <summary>The callback runs on the thread that caused the change.</summary>
    public CircuitBreaker OnOpen(Action callback) => Add(_onOpen, callback);

    public CircuitBreaker OnHalfOpen(Action callback) => Add(_onHalfOpen, callback);

    public CircuitBreaker OnClose(Action callback) => Add(_onClose, callback);

    /// <exception cref="OpenCircuitException">the call was not made.</exception>
    /// <exception cref="TimeoutException">the call took longer than <see cref="CallTimeout"/>; it goes on unobserved.</exception>
    public Task<T> WithCircuitBreaker<T>(Func<Task<T>> body) => WithCircuitBreaker<T, Func<Task<T>>>(body, static run => run());

    public async Task<T> WithCircuitBreaker<T, TState>(TState state, Func<TState, Task<T>> body)
    {
        var stay = Enter();
        T result;
        try
        {
            result = await InTime(body(state)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Failed(stay, e);
            throw;
        }
        Succeeded(stay);
        return result;
    }

    public Task WithCircuitBreaker(Func<Task> body) => WithCircuitBreaker(body, static run => run());

    public async Task WithCircuitBreaker<TState>(TState state, Func<TState, Task> body)
    {
        var stay = Enter();
        try
        {
            await InTime(body(state)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Failed(stay, e);
            throw;
        }
        Succeeded(stay);
    }

    public void WithSyncCircuitBreaker(Action body) => WithSyncCircuitBreaker(() =>
    {
        body();
        return Done.Instance;
    });

    /// <summary>Runs the call on the calling thread; one over its time has failed, but its result still counts for the caller.</summary>
    public T WithSyncCircuitBreaker<T>(Func<T> body)
    {
        var stay = Enter();
        var startedAt = Stopwatch.GetTimestamp();
        T result;
        try
        {
            result = body();
        }
        catch (Exception e)
        {
            Failed(stay, e);
            throw;
        }
        if (IsLimited && Stopwatch.GetElapsedTime(startedAt) > CallTimeout)
            Failed(stay, new TimeoutException($"The call took longer than {CallTimeout}"));
        else Succeeded(stay);
        return result;
    }

    /// <summary>Counts a success that the breaker did not see.</summary>
    public void Succeed() => Succeeded(_state);

    /// <summary>Counts a failure that the breaker did not see.</summary>
    public void Fail() => Failed(_state, new UserCalledFailException());

    private bool IsLimited => CallTimeout > TimeSpan.Zero;

    private CircuitBreaker Add(List<Action> callbacks, Action callback)
    {
        lock (_lock) callbacks.Add(callback);
        return this;
    }

    private Task<T> InTime<T>(Task<T> call) => call.IsCompleted || !IsLimited ? call : call.WaitAsync(CallTimeout);

    private Task InTime(Task call) => call.IsCompleted || !IsLimited ? call : call.WaitAsync(CallTimeout);

    private State Enter()
    {
        var state = _state;
        return state.Phase switch
        {
            Phase.Closed => state,
            Phase.HalfOpen when Interlocked.Exchange(ref state.Tried, 1) == 0 => state,
            Phase.HalfOpen => throw new OpenCircuitException(LastCaughtException),
            _ => throw new OpenCircuitException(LastCaughtException, RemainingOf(state))
        };
    }

    private static TimeSpan RemainingOf(State open)
    {
        var remaining = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), open.OpenUntil);
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }

    private void Succeeded(State stay)
    {
        switch (stay.Phase)
        {
            case Phase.Closed:
                if (Interlocked.Read(ref stay.Failures) != 0) Interlocked.Exchange(ref stay.Failures, 0);
                break;
            case Phase.HalfOpen:
                Change(stay, new State(Phase.Closed, ResetTimeout), _onClose);
                break;
        }
    }

    private void Failed(State stay, Exception cause)
    {
        Volatile.Write(ref _lastCaught, cause);
        switch (stay.Phase)
        {
            case Phase.Closed:
                if (Interlocked.Increment(ref stay.Failures) >= MaxFailures) Open(stay, ResetTimeout);
                break;
            case Phase.HalfOpen:
                Open(stay, Longer(stay.ResetTimeout));
                break;
        }
    }

    private TimeSpan Longer(TimeSpan timeout) =>
        timeout >= MaxResetTimeout / ExponentialBackoffFactor ? MaxResetTimeout : timeout * ExponentialBackoffFactor;

    private void Open(State from, TimeSpan resetTimeout)
    {
        var stay = RandomFactor > 0 ? resetTimeout * (1 + (Random.Shared.NextDouble() * RandomFactor)) : resetTimeout;
        var open = new State(
            Phase.Open, resetTimeout) { OpenUntil = Stopwatch.GetTimestamp() + (long)(stay.TotalSeconds * Stopwatch.Frequency) };
        if (Change(from, open, _onOpen))
            Scheduler.Advanced.ScheduleOnce(stay, () => Change(open, new State(Phase.HalfOpen, resetTimeout), _onHalfOpen));
    }

    private bool Change(State from, State to, List<Action> callbacks)
    {
        Action[] toCall;
        lock (_lock)
        {
            if (_state != from) return false;
            _state = to;
            toCall = [.. callbacks];
        }
        foreach (var callback in toCall) callback();
        return true;
    }
}
