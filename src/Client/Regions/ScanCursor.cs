using Google.Protobuf;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Regions;

/// <summary>
/// Where a scan over several regions stands, and what follows a page. Forward from Start, or in reverse from End, both request keys.
/// </summary>
internal sealed class ScanCursor
{
    private readonly bool _reverse;
    private ByteString _start;
    private ByteString _end;

    /// <param name="end">Exclusive; empty = the end of all keys.</param>
    public ScanCursor(ByteString start, ByteString end, bool reverse)
    {
        (_start, _end, _reverse) = (start, end, reverse);
        IsDone = IsEmptyRange;
    }

    public bool IsDone { get; private set; }

    public ValueTask<CachedRegion> LocateAsync(RegionRouter router, Calls.Call call) =>
        _reverse ? router.LocateBelowAsync(call, _end) : router.LocateAsync(call, _start);

    /// <summary>
    /// What is left, within one region. In reverse start_key is the exclusive upper bound and end_key the inclusive lower one.
    /// </summary>
    public RawScanRequest NextPage(CachedRegion region, uint limit, bool keysOnly)
    {
        var start = _start.Span.SequenceCompareTo(region.Start.Span) >= 0 ? _start : region.Start;
        var end = RegionKeys.CompareEnds(_end.Span, region.End.Span) <= 0 ? _end : region.End;
        return new RawScanRequest
        {
            StartKey = _reverse ? end : start,
            EndKey = _reverse ? start : end,
            Reverse = _reverse,
            Limit = limit,
            KeyOnly = keysOnly,
        };
    }

    /// <summary>Fewer pairs than asked for mean that the region is exhausted, unless the response says where to resume.</summary>
    public void Advance(CachedRegion region, RawScanResponse response, uint limit)
    {
        if (!response.ResumeKey.IsEmpty)
            MoveTo(response.ResumeKey);
        else if (response.Kvs.Count >= limit)
            MoveTo(_reverse ? response.Kvs[^1].Key : After(response.Kvs[^1].Key));
        else if ((_reverse ? region.Start : region.End).IsEmpty)
            IsDone = true;
        else
            MoveTo(_reverse ? region.Start : region.End);
    }

    private bool IsEmptyRange => !_end.IsEmpty && _start.Span.SequenceCompareTo(_end.Span) >= 0;

    private void MoveTo(ByteString key)
    {
        if (_reverse)
            _end = key;
        else
            _start = key;
        IsDone = IsEmptyRange;
    }

    private static ByteString After(ByteString key)
    {
        var next = new byte[key.Length + 1];
        key.Span.CopyTo(next);
        return UnsafeByteOperations.UnsafeWrap(next);
    }
}
