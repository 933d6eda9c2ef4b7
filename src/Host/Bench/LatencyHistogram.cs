using System.Numerics;

namespace TiKvActors.Host.Bench;

/// <summary>
/// Latencies in buckets whose width grows with the value: 32 buckets for each power of two, so a percentile is at most 3 % off.
/// Any thread: one for all clients of a load, because 15 KB for each of thousands would be what the load generator's collections are about.
/// </summary>
public sealed class LatencyHistogram
{
    private const int SubBucketBits = 5;
    private const int SubBuckets = 1 << SubBucketBits;

    private readonly long[] _counts = new long[(64 - SubBucketBits) * SubBuckets];

    private long _count;
    private long _maxTicks;

    public long Count => Volatile.Read(ref _count);

    public TimeSpan Max => TimeSpan.FromTicks(Volatile.Read(ref _maxTicks));

    public void Record(TimeSpan latency)
    {
        Interlocked.Increment(ref _counts[Index((ulong)Math.Max(0, latency.Ticks))]);
        Interlocked.Increment(ref _count);
        long max;
        do max = Volatile.Read(ref _maxTicks);
        while (latency.Ticks > max && Interlocked.CompareExchange(ref _maxTicks, latency.Ticks, max) != max);
    }

    /// <summary>
    /// The latency that this share (0 to 1) of the recorded ones does not exceed; zero if nothing was recorded.
    /// Call it when nobody records any more.
    /// </summary>
    public TimeSpan Percentile(double share)
    {
        var rank = (long)Math.Ceiling(Math.Clamp(share, 0, 1) * Count);
        if (rank == 0) return TimeSpan.Zero;
        for (var i = 0; i < _counts.Length; i++)
        {
            rank -= _counts[i];
            if (rank <= 0) return TimeSpan.FromTicks(Math.Min((long)HighestOf(i), Max.Ticks));
        }

        return Max;
    }

    /// <summary>Values below <see cref="SubBuckets"/> have a bucket each; above, the leading bits after the first choose it.</summary>
    private static int Index(ulong ticks)
    {
        if (ticks < SubBuckets) return (int)ticks;
        var shift = BitOperations.Log2(ticks) - SubBucketBits;
        return (shift << SubBucketBits) + (int)(ticks >> shift);
    }

    private static ulong HighestOf(int index)
    {
        if (index < 2 * SubBuckets) return (ulong)index;
        var shift = (index >> SubBucketBits) - 1;
        var leading = (ulong)(index - (shift << SubBucketBits));
        return ((leading + 1) << shift) - 1;
    }
}
