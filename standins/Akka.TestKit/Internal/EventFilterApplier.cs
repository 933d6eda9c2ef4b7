using Akka.Actor;
using Akka.Event;

namespace Akka.TestKit.Internal;

/// <summary>Which log events are meant.</summary>
internal sealed record LogFilter(string Description, Predicate<LogEvent> Matches);

/// <summary>
/// Filters that are in force together: TestEventListener asks it for every log event, in the order in which they were logged.
/// </summary>
internal sealed class FilterSet(IReadOnlyList<LogFilter> filters)
{
    private readonly SemaphoreSlim _matched = new(0);
    private int _matches;

    public int Matches => Volatile.Read(ref _matches);

    public string Description => string.Join(" or ", filters.Select(f => f.Description));

    public bool Apply(LogEvent logEvent)
    {
        if (!filters.Any(f => f.Matches(logEvent))) return false;
        Interlocked.Increment(ref _matches);
        _matched.Release();
        return true;
    }

    /// <summary>Until one more matched than was waited for, or time is up.</summary>
    public bool WaitForOne(TimeSpan timeout, CancellationToken cancellationToken) =>
        _matched.Wait(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero, cancellationToken);

    public Task<bool> WaitForOneAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        _matched.WaitAsync(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero, cancellationToken);
}

internal sealed class EventFilterApplier(TestKitBase testKit, ActorSystem system, IReadOnlyList<LogFilter> filters) : IEventFilterApplier
{
    public EventFilterFactory And => new(testKit, system, filters);

    public void ExpectOne(Action action, CancellationToken cancellationToken = default) => Expect(1, action, cancellationToken);

    public void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default) =>
        Expect(1, timeout, action, cancellationToken);

    public void Expect(int expectedCount, Action action, CancellationToken cancellationToken = default) =>
        Intercept(expectedCount, Leeway, Valued(action), cancellationToken);

    public void Expect(int expectedCount, TimeSpan timeout, Action action, CancellationToken cancellationToken = default) =>
        Intercept(expectedCount, testKit.Dilated(timeout), Valued(action), cancellationToken);

    public T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default) => Intercept(1, Leeway, func, cancellationToken);

    public T ExpectOne<T>(TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default) =>
        Intercept(1, testKit.Dilated(timeout), func, cancellationToken);

    public T Expect<T>(int expectedCount, Func<T> func, CancellationToken cancellationToken = default) =>
        Intercept(expectedCount, Leeway, func, cancellationToken);

    public T Expect<T>(int expectedCount, TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default) =>
        Intercept(expectedCount, testKit.Dilated(timeout), func, cancellationToken);

    public Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default) =>
        InterceptAsync(1, Leeway, actionAsync, cancellationToken);

    public Task ExpectOneAsync(TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default) =>
        InterceptAsync(1, testKit.Dilated(timeout), action, cancellationToken);

    public Task ExpectAsync(int expectedCount, Func<Task> actionAsync, CancellationToken cancellationToken = default) =>
        InterceptAsync(expectedCount, Leeway, actionAsync, cancellationToken);

    public Task ExpectAsync(int expectedCount, TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default) =>
        InterceptAsync(expectedCount, testKit.Dilated(timeout), action, cancellationToken);

    public void Mute(Action action, CancellationToken cancellationToken = default)
    {
        using var muted = Mute();
        action();
    }

    public IUnmutableFilter Mute() => new Muted(system, new FilterSet(filters), Leeway);

    private TimeSpan Leeway => testKit.Dilated(testKit.TestKitSettings.TestEventFilterLeeway);

    private T Intercept<T>(int expected, TimeSpan timeout, Func<T> body, CancellationToken cancellationToken)
    {
        var set = new FilterSet(filters);
        using var muted = new Muted(system, set, Leeway);
        var result = body();
        var start = TestKitBase.Now;
        for (var seen = 0; seen < expected; seen++)
            if (!set.WaitForOne(start + timeout - TestKitBase.Now, cancellationToken))
                break;
        muted.CatchUp().Wait(Leeway, cancellationToken);
        Judge(set, expected, timeout);
        return result;
    }

    private async Task InterceptAsync(int expected, TimeSpan timeout, Func<Task> body, CancellationToken cancellationToken)
    {
        var set = new FilterSet(filters);
        using var muted = new Muted(system, set, Leeway);
        await body();
        var start = TestKitBase.Now;
        for (var seen = 0; seen < expected; seen++)
            if (!await set.WaitForOneAsync(start + timeout - TestKitBase.Now, cancellationToken))
                break;
        await muted.CatchUp().WaitAsync(Leeway, cancellationToken);
        Judge(set, expected, timeout);
    }

    private void Judge(FilterSet set, int expected, TimeSpan timeout)
    {
        var seen = set.Matches;
        if (seen != expected)
            testKit.Assertions.Fail("Expected {0} log events, but received {1} within {2}: {3}", expected, seen, timeout, set.Description);
    }

    private static Func<object> Valued(Action action) => () =>
    {
        action();
        return null;
    };

    private sealed class Muted : IUnmutableFilter
    {
        private readonly ActorSystem _system;
        private readonly FilterSet _filters;
        private bool _unmuted;

        /// <exception cref="IllegalActorStateException">Nobody listens: TestEventListener is not among akka.loggers.</exception>
        public Muted(ActorSystem system, FilterSet filters, TimeSpan timeout)
        {
            (_system, _filters) = (system, filters);
            WaitForListener(timeout);
            system.EventStream.Publish(new TestEventListener.Mute(filters));
        }

        /// <summary>Loggers start after their system: what is published before they listen does not reach them.</summary>
        private void WaitForListener(TimeSpan timeout)
        {
            for (var end = TestKitBase.Now + timeout; !CatchUp().Wait(TimeSpan.FromMilliseconds(50));)
                if (TestKitBase.Now >= end)
                    throw new IllegalActorStateException("EventFilter needs Akka.TestKit.TestEventListener among akka.loggers.");
        }

        /// <summary>Done when the listener has seen everything that was logged before.</summary>
        public Task CatchUp()
        {
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _system.EventStream.Publish(new TestEventListener.Mark(seen));
            return seen.Task;
        }

        public void Unmute()
        {
            if (_unmuted) return;
            _unmuted = true;
            _system.EventStream.Publish(new TestEventListener.Unmute(_filters));
        }

        public void Dispose() => Unmute();
    }
}
