using System.Collections.Concurrent;

namespace TiKvActors.Storage.Stores;

/// <summary>Notices a call into an engine that does not come back. Thread-safe.</summary>
internal sealed class CallWatch : IDisposable
{
    private readonly ConcurrentDictionary<long, long> _started = new();
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly Action<TimeSpan> _stuck;
    private readonly ITimer _timer;
    private long _last;

    /// <param name="stuck">
    /// Called with the age of the oldest call, on a timer's thread, again and again while one is older than the limit.
    /// </param>
    public CallWatch(TimeSpan limit, TimeProvider time, Action<TimeSpan> stuck)
    {
        _limit = limit;
        _time = time;
        _stuck = stuck;
        _timer = time.CreateTimer(_ => Look(), null, limit / 4, limit / 4);
    }

    /// <returns>For <see cref="End"/>.</returns>
    public long Begin()
    {
        var call = Interlocked.Increment(ref _last);
        _started[call] = _time.GetTimestamp();
        return call;
    }

    public void End(long call) => _started.TryRemove(call, out _);

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        var oldest = TimeSpan.Zero;
        foreach (var (_, started) in _started)
        {
            var age = _time.GetElapsedTime(started);
            if (age > oldest) oldest = age;
        }

        if (oldest >= _limit) _stuck(oldest);
    }
}
