namespace TiKvActors.Actors;

/// <summary>Time as the cores take it: a monotonic reading with an origin of its own, and wall-clock seconds for expiry.</summary>
internal sealed class MonotonicClock(TimeProvider time)
{
    private readonly long _origin = time.GetTimestamp();

    public TimeSpan Now => time.GetElapsedTime(_origin);

    /// <summary>Seconds since 1970 UTC.</summary>
    public ulong UnixSeconds => (ulong)time.GetUtcNow().ToUnixTimeSeconds();

    public long UtcTicks => time.GetUtcNow().UtcTicks;

    public long UnixMilliseconds => time.GetUtcNow().ToUnixTimeMilliseconds();
}
