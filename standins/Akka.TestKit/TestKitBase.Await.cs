namespace Akka.TestKit;

/// <summary>Bounds in time: Within, AwaitCondition, AwaitAssert.</summary>
public abstract partial class TestKitBase
{
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>When the innermost Within is over, as <see cref="Now"/> counts.</summary>
    private TimeSpan? _end;

    /// <summary>Waiting for nothing takes all of the time that remains, so the Within around it must not blame it for that.</summary>
    private bool _lastWasNoMessage;

    /// <exception cref="InvalidOperationException">Outside of Within.</exception>
    public TimeSpan Remaining => _end - Now ?? throw new InvalidOperationException("Remaining may not be called outside of Within");

    /// <summary>Within a Within what remains of it, else <c>akka.test.single-expect-default</c>.</summary>
    public TimeSpan RemainingOrDefault => RemainingOr(Dilated(TestKitSettings.SingleExpectDefault));

    public TimeSpan RemainingOrDilated(TimeSpan? duration) => duration is { } given ? Dilated(given) : RemainingOrDefault;

    public TimeSpan GetTimeoutOrDefault(TimeSpan? timeout) => RemainingOrDilated(timeout);

    protected TimeSpan RemainingOr(TimeSpan duration) => _end - Now ?? duration;

    public void Within(TimeSpan max, Action action, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(TimeSpan.Zero, max, action, null, epsilonValue, cancellationToken);

    public void Within(
        TimeSpan min, TimeSpan max, Action action, string hint = null, TimeSpan? epsilonValue = null,
        CancellationToken cancellationToken = default) =>
        Within<object>(min, max, () =>
        {
            action();
            return null;
        }, hint, epsilonValue, cancellationToken);

    public T Within<T>(TimeSpan max, Func<T> function, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(TimeSpan.Zero, max, function, null, epsilonValue, cancellationToken);

    /// <summary>Fails if the block takes less than min or more than max; expectations inside it wait no longer than what remains.</summary>
    public T Within<T>(
        TimeSpan min, TimeSpan max, Func<T> function, string hint = null, TimeSpan? epsilonValue = null,
        CancellationToken cancellationToken = default)
    {
        var bounds = Enter(min, max, hint);
        T result;
        try
        {
            result = function();
        }
        finally
        {
            _end = bounds.OuterEnd;
        }
        Leave(bounds, hint, epsilonValue);
        return result;
    }

    public Task WithinAsync(
        TimeSpan max, Func<Task> actionAsync, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        WithinAsync(TimeSpan.Zero, max, actionAsync, null, epsilonValue, cancellationToken);

    public Task WithinAsync(
        TimeSpan min, TimeSpan max, Func<Task> actionAsync, string hint = null, TimeSpan? epsilonValue = null,
        CancellationToken cancellationToken = default) =>
        WithinAsync<object>(min, max, async () =>
        {
            await actionAsync();
            return null;
        }, hint, epsilonValue, cancellationToken);

    public Task<T> WithinAsync<T>(
        TimeSpan max, Func<Task<T>> function, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        WithinAsync(TimeSpan.Zero, max, function, null, epsilonValue, cancellationToken);

    public async Task<T> WithinAsync<T>(
        TimeSpan min, TimeSpan max, Func<Task<T>> function, string hint = null, TimeSpan? epsilonValue = null,
        CancellationToken cancellationToken = default)
    {
        var bounds = Enter(min, max, hint);
        T result;
        try
        {
            result = await function();
        }
        finally
        {
            _end = bounds.OuterEnd;
        }
        Leave(bounds, hint, epsilonValue);
        return result;
    }

    public void AwaitCondition(Func<bool> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, null, null, null, cancellationToken);

    public void AwaitCondition(Func<bool> conditionIsFulfilled, TimeSpan? max, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, max, null, null, cancellationToken);

    public void AwaitCondition(
        Func<bool> conditionIsFulfilled, TimeSpan? max, string message, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, max, null, message, cancellationToken);

    /// <summary>Looks again and again; fails when time is up.</summary>
    public void AwaitCondition(
        Func<bool> conditionIsFulfilled, TimeSpan? max, TimeSpan? interval, string message = null,
        CancellationToken cancellationToken = default)
    {
        var timeout = RemainingOrDilated(max);
        for (var end = Now + timeout; !conditionIsFulfilled(); Pause(end, interval, cancellationToken))
            if (Now >= end)
            {
                _assertions.Fail("Timeout {0} expired while waiting for condition. {1}", timeout, message ?? "");
                return;
            }
    }

    public bool AwaitConditionNoThrow(
        Func<bool> conditionIsFulfilled, TimeSpan max, TimeSpan? interval = null, CancellationToken cancellationToken = default)
    {
        for (var end = Now + Dilated(max); !conditionIsFulfilled(); Pause(end, interval, cancellationToken))
            if (Now >= end)
                return false;
        return true;
    }

    public Task AwaitConditionAsync(Func<bool> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, null, null, null, cancellationToken);

    public Task AwaitConditionAsync(
        Func<bool> conditionIsFulfilled, TimeSpan? max, string message, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, max, null, message, cancellationToken);

    public Task AwaitConditionAsync(
        Func<bool> conditionIsFulfilled, TimeSpan? max, TimeSpan? interval, string message = null,
        CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(() => Task.FromResult(conditionIsFulfilled()), max, interval, message, cancellationToken);

    public Task AwaitConditionAsync(Func<Task<bool>> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, null, null, null, cancellationToken);

    public Task AwaitConditionAsync(Func<Task<bool>> conditionIsFulfilled, TimeSpan? max, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, max, null, null, cancellationToken);

    public Task AwaitConditionAsync(
        Func<Task<bool>> conditionIsFulfilled, TimeSpan? max, string message, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, max, null, message, cancellationToken);

    /// <summary>Looks again and again; fails when time is up.</summary>
    public async Task AwaitConditionAsync(
        Func<Task<bool>> conditionIsFulfilled, TimeSpan? max, TimeSpan? interval, string message = null,
        CancellationToken cancellationToken = default)
    {
        var timeout = RemainingOrDilated(max);
        for (var end = Now + timeout; !await conditionIsFulfilled(); await PauseAsync(end, interval, cancellationToken))
            if (Now >= end)
            {
                _assertions.Fail("Timeout {0} expired while waiting for condition. {1}", timeout, message ?? "");
                return;
            }
    }

    /// <summary>Tries again and again; when time is up the last failure is the test's.</summary>
    public void AwaitAssert(
        Action assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default)
    {
        for (var end = Now + RemainingOrDilated(duration); ; Pause(end, interval, cancellationToken))
        {
            try
            {
                assertion();
                return;
            }
            catch (Exception) when (Now < end)
            {
                // It may hold a little later; the last try's exception passes.
            }
        }
    }

    public Task AwaitAssertAsync(
        Action assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        AwaitAssertAsync(() =>
        {
            assertion();
            return Task.CompletedTask;
        }, duration, interval, cancellationToken);

    public async Task AwaitAssertAsync(
        Func<Task> assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default)
    {
        for (var end = Now + RemainingOrDilated(duration); ; await PauseAsync(end, interval, cancellationToken))
        {
            try
            {
                await assertion();
                return;
            }
            catch (Exception) when (Now < end)
            {
                // It may hold a little later; the last try's exception passes.
            }
        }
    }

    private (TimeSpan Start, TimeSpan Min, TimeSpan Max, TimeSpan? OuterEnd) Enter(TimeSpan min, TimeSpan max, string hint)
    {
        var start = Now;
        var remaining = RemainingOr(TimeSpan.MaxValue);
        _assertions.AssertTrue(remaining >= min, "Required min time {0} not possible, only {1} left. {2}", min, remaining, hint ?? "");
        _lastWasNoMessage = false;
        var dilated = Dilated(max);
        var allowed = dilated < remaining ? dilated : remaining;
        var outerEnd = _end;
        _end = start + allowed;
        return (start, min, allowed, outerEnd);
    }

    private void Leave((TimeSpan Start, TimeSpan Min, TimeSpan Max, TimeSpan? OuterEnd) bounds, string hint, TimeSpan? epsilon)
    {
        var elapsed = Now - bounds.Start;
        if (elapsed < bounds.Min) _assertions.Fail("Block took {0}, should have at least been {1}. {2}", elapsed, bounds.Min, hint ?? "");
        if (!_lastWasNoMessage && elapsed > bounds.Max + (epsilon ?? TimeSpan.Zero))
            _assertions.Fail("Block took {0}, exceeding {1}. {2}", elapsed, bounds.Max, hint ?? "");
    }

    private static void Pause(TimeSpan end, TimeSpan? interval, CancellationToken cancellationToken)
    {
        cancellationToken.WaitHandle.WaitOne(PauseLength(end, interval));
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static Task PauseAsync(TimeSpan end, TimeSpan? interval, CancellationToken cancellationToken) =>
        Task.Delay(PauseLength(end, interval), cancellationToken);

    private static TimeSpan PauseLength(TimeSpan end, TimeSpan? interval)
    {
        var left = end - Now;
        var pause = interval ?? _pollInterval;
        return left <= TimeSpan.Zero ? TimeSpan.Zero : pause < left ? pause : left;
    }
}
