using Google.Protobuf;

namespace TiKvActors.Client.Regions;

/// <summary>
/// The regions that the client knows, sorted and without overlaps, and those that it doubts: what it knew last of ranges that it knows
/// nothing of now, for as long as PD cannot be asked. Any thread; a reader sees one consistent picture.
/// </summary>
internal sealed class RegionCache
{
    private readonly Lock _writing = new();
    private volatile CachedRegion[] _byStart = [];
    private volatile CachedRegion[] _doubted = [];

    public int Count => _byStart.Length;

    /// <returns>Null if the key is in no known region.</returns>
    public CachedRegion? Find(ByteString requestKey) => Find(_byStart, requestKey);

    /// <inheritdoc cref="Find(ByteString)"/>
    public CachedRegion? FindDoubted(ByteString requestKey) => Find(_doubted, requestKey);

    private static CachedRegion? Find(CachedRegion[] regions, ByteString requestKey)
    {
        var index = LastStartingAtOrBefore(regions, requestKey.Span);
        return index >= 0 && regions[index].Contains(requestKey) ? regions[index] : null;
    }

    /// <summary>The region of the keys just below <paramref name="end"/>; empty = the end of all keys.</summary>
    public CachedRegion? FindBelow(ByteString end) => FindBelow(_byStart, end);

    /// <inheritdoc cref="FindBelow(ByteString)"/>
    public CachedRegion? FindDoubtedBelow(ByteString end) => FindBelow(_doubted, end);

    private static CachedRegion? FindBelow(CachedRegion[] regions, ByteString end)
    {
        var index = regions.Length - 1;
        if (!end.IsEmpty)
        {
            index = LastStartingAtOrBefore(regions, end.Span);
            if (index >= 0 && regions[index].Start.Span.SequenceEqual(end.Span))
                index--;
        }
        return index >= 0 && regions[index].ContainsBelow(end) ? regions[index] : null;
    }

    /// <summary>Puts a region in place of all that it overlaps, unless one of these is newer.</summary>
    /// <returns>False if a newer one is known.</returns>
    public bool Insert(CachedRegion region)
    {
        lock (_writing)
        {
            var overlapping = _byStart.Where(known => Overlap(known, region)).ToList();
            if (overlapping.Any(known => IsNewer(known, region)))
                return false;
            _byStart = With(_byStart, region);
            _doubted = [.. _doubted.Where(doubted => !Overlap(doubted, region))];
            return true;
        }
    }

    /// <summary>Doubts exactly this picture of a region; a newer one stays.</summary>
    public void Drop(CachedRegion region)
    {
        lock (_writing)
        {
            if (!_byStart.Contains(region))
                return;
            _byStart = [.. _byStart.Where(known => known != region)];
            _doubted = With(_doubted, region);
        }
    }

    private static CachedRegion[] With(CachedRegion[] regions, CachedRegion region) =>
        [.. regions.Where(known => !Overlap(known, region)).Append(region).OrderBy(r => r.Start, ByteStringOrder.Instance)];

    private static bool Overlap(CachedRegion a, CachedRegion b) => StartsBefore(a.Start, b.End) && StartsBefore(b.Start, a.End);

    private static bool StartsBefore(ByteString start, ByteString end) => end.IsEmpty || start.Span.SequenceCompareTo(end.Span) < 0;

    /// <summary>
    /// Versions of overlapping regions can be compared: every split gives all its regions a higher one than their origin had.
    /// </summary>
    private static bool IsNewer(CachedRegion known, CachedRegion other)
    {
        var (a, b) = (known.Region.RegionEpoch, other.Region.RegionEpoch);
        return a.Version > b.Version || (known.Region.Id == other.Region.Id && a.Version == b.Version && a.ConfVer > b.ConfVer);
    }

    private static int LastStartingAtOrBefore(CachedRegion[] regions, ReadOnlySpan<byte> key)
    {
        int low = 0, high = regions.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (regions[middle].Start.Span.SequenceCompareTo(key) <= 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return high;
    }
}
