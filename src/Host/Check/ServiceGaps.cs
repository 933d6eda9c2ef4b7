namespace TiKvActors.Host.Check;

/// <param name="Began">Nanoseconds, as in the history.</param>
public readonly record struct ServiceGap(long Began, long Ended)
{
    public TimeSpan Length => TimeSpan.FromTicks((Ended - Began) / TimeSpan.NanosecondsPerTick);
}

/// <summary>How long nobody at all was served, from the times at which calls succeeded. Pure.</summary>
public static class ServiceGaps
{
    /// <returns>The longest <paramref name="count"/> times without a success between the two ends, the longest first.</returns>
    public static IReadOnlyList<ServiceGap> Longest(IEnumerable<long> successes, long began, long ended, int count)
    {
        var gaps = new List<ServiceGap>();
        var before = began;
        foreach (var at in successes.Where(s => s > began && s < ended).Append(ended).Order())
        {
            gaps.Add(new ServiceGap(before, at));
            before = at;
        }

        return [.. gaps.OrderByDescending(g => g.Ended - g.Began).Take(count)];
    }

    /// <returns>For each moment, how long it took until the next success; <paramref name="ended"/> counts as one.</returns>
    public static IReadOnlyList<ServiceGap> After(IEnumerable<long> moments, IReadOnlyCollection<long> successes, long ended)
    {
        var sorted = successes.Append(ended).Order().ToArray();
        return [.. moments.Where(m => m < ended).Select(m => new ServiceGap(m, sorted.First(s => s > m)))];
    }
}
