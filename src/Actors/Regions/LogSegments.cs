using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// Where the entries of an append-only journal are: which event holds which indices, and how many bytes. An event whose first entry
/// overlaps earlier ones has overwritten that suffix.
/// </summary>
internal sealed class LogSegments
{
    // Ascending and adjacent in index, ascending in sequence number.
    private readonly List<Segment> _segments = [];

    /// <param name="SequenceNr">The event's number in the journal.</param>
    internal readonly record struct Segment(ulong FirstIndex, ulong LastIndex, long SequenceNr, long Bytes);

    public long TotalBytes { get; private set; }

    public int Count => _segments.Count;

    public void Append(IReadOnlyList<Entry> entries, long sequenceNr)
    {
        if (entries.Count == 0)
            return;
        CutFrom(entries[0].Index);
        long bytes = 0;
        foreach (var entry in entries)
            bytes += SizeOf(entry);
        Invariant.Check(_segments.Count == 0 || (_segments[^1].LastIndex + 1 == entries[0].Index && _segments[^1].SequenceNr < sequenceNr),
            $"journal event {sequenceNr} begins at entry {entries[0].Index}, "
                + $"which leaves a hole after {(_segments.Count == 0 ? 0 : _segments[^1].LastIndex)}");
        _segments.Add(new Segment(entries[0].Index, entries[^1].Index, sequenceNr, bytes));
        TotalBytes += bytes;
    }

    public static long SizeOf(Entry entry) => entry.Data.Length + entry.Context.Length + 32;

    /// <summary>
    /// The highest event that may be deleted when the log is truncated up to <paramref name="index"/>: the one before the event that
    /// holds the first entry kept, or <paramref name="lastDurable"/> if none is kept.
    /// </summary>
    public long DeletableTo(ulong index, long lastDurable)
    {
        var kept = Find(index + 1);
        return kept < 0 ? lastDurable : _segments[kept].SequenceNr - 1;
    }

    public void TruncateTo(ulong index)
    {
        var drop = 0;
        while (drop < _segments.Count && _segments[drop].LastIndex <= index)
            TotalBytes -= _segments[drop++].Bytes;
        _segments.RemoveRange(0, drop);
        if (_segments.Count > 0 && _segments[0].FirstIndex <= index)
            Shrink(0, index + 1, _segments[0].LastIndex);
    }

    public void Clear()
    {
        _segments.Clear();
        TotalBytes = 0;
    }

    /// <returns>The events that hold the indices, both inclusive; null if the first is not there.</returns>
    public (long FromSequenceNr, long ToSequenceNr)? Locate(ulong firstIndex, ulong lastIndex)
    {
        var first = Find(firstIndex);
        if (first < 0)
            return null;
        var last = Find(Math.Min(lastIndex, _segments[^1].LastIndex));
        return (_segments[first].SequenceNr, _segments[last].SequenceNr);
    }

    /// <returns>
    /// The highest index up to which the log can be dropped so that about <paramref name="bytes"/> of it stay; 0 if it is smaller.
    /// </returns>
    public ulong IndexKeeping(long bytes)
    {
        long kept = 0;
        for (var i = _segments.Count - 1; i >= 0; i--)
        {
            kept += _segments[i].Bytes;
            if (kept > bytes)
                return _segments[i].LastIndex;
        }

        return 0;
    }

    private void CutFrom(ulong index)
    {
        while (_segments.Count > 0 && _segments[^1].FirstIndex >= index)
        {
            TotalBytes -= _segments[^1].Bytes;
            _segments.RemoveAt(_segments.Count - 1);
        }

        if (_segments.Count > 0 && _segments[^1].LastIndex >= index)
            Shrink(_segments.Count - 1, _segments[^1].FirstIndex, index - 1);
    }

    // Bytes of a part are estimated: the policy that uses them needs no more.
    private void Shrink(int at, ulong first, ulong last)
    {
        var whole = _segments[at];
        var bytes = whole.Bytes * (long)(last - first + 1) / (long)(whole.LastIndex - whole.FirstIndex + 1);
        TotalBytes -= whole.Bytes - bytes;
        _segments[at] = whole with { FirstIndex = first, LastIndex = last, Bytes = bytes };
    }

    private int Find(ulong index)
    {
        int low = 0, high = _segments.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (_segments[middle].LastIndex < index)
                low = middle + 1;
            else if (_segments[middle].FirstIndex > index)
                high = middle - 1;
            else
                return middle;
        }

        return -1;
    }
}
