using Akka.Event;

namespace Akka.Remote;

/// <summary>Lets one line through in a while and counts the rest, so that what others do to this system cannot flood its log. Thread-safe.</summary>
internal sealed class RateLimitedLog
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter _log;
    private readonly LogLevel _level;
    private long _next = long.MinValue;
    private long _suppressed;

    public RateLimitedLog(ILoggingAdapter log, LogLevel level)
    {
        _log = log;
        _level = level;
    }

    public void Write(string text, Exception cause = null)
    {
        var (now, next) = (Environment.TickCount64, Volatile.Read(ref _next));
        if (now < next || Interlocked.CompareExchange(ref _next, now + (long)_interval.TotalMilliseconds, next) != next)
        {
            Interlocked.Increment(ref _suppressed);
            return;
        }
        var suppressed = Interlocked.Exchange(ref _suppressed, 0);
        _log.Log(_level, cause, suppressed == 0 ? text : $"{text} ({suppressed} more like it were not logged)");
    }
}
