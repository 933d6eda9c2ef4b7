using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

/// <summary>The newest entries of the log: a ring without holes, with its size in bytes.</summary>
internal sealed class EntryCache(ulong firstIndex)
{
    private Entry[] _ring = new Entry[16];
    private int _head;

    /// <summary>Index of the oldest entry held; one past the log's end if none is.</summary>
    public ulong FirstIndex { get; private set; } = firstIndex;

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    public ulong NextIndex => FirstIndex + (ulong)Count;

    public Entry this[ulong index] => _ring[(_head + (int)(index - FirstIndex)) & (_ring.Length - 1)];

    /// <summary>What an entry counts in every limit: its payload and what it takes beside that.</summary>
    public static long SizeOf(Entry entry) => entry.Data.Length + entry.Context.Length + 48;

    public void Append(Entry entry)
    {
        Invariant.Check(entry.Index == NextIndex, $"appending entry {entry.Index} after {NextIndex - 1}");
        if (Count == _ring.Length) Grow();
        _ring[(_head + Count) & (_ring.Length - 1)] = entry;
        Count++;
        Bytes += SizeOf(entry);
    }

    public void RemoveFrom(ulong index)
    {
        while (Count > 0 && NextIndex > index)
        {
            Count--;
            Forget((_head + Count) & (_ring.Length - 1));
        }
        if (Count == 0) FirstIndex = Math.Min(FirstIndex, index);
    }

    public void RemoveFirst()
    {
        Forget(_head);
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
        FirstIndex++;
    }

    public void Reset(ulong firstIndex)
    {
        _ring = new Entry[16];
        (_head, Count, Bytes, FirstIndex) = (0, 0, 0, firstIndex);
    }

    /// <summary>
    /// Entries from <paramref name="first"/> to <paramref name="last"/>, cut at <paramref name="maxBytes"/> but not before the first.
    /// </summary>
    public List<Entry> Slice(ulong first, ulong last, long maxBytes)
    {
        var entries = new List<Entry>();
        for (var index = first; index <= last; index++)
        {
            var entry = this[index];
            maxBytes -= SizeOf(entry);
            if (maxBytes < 0 && entries.Count > 0) break;
            entries.Add(entry);
        }
        return entries;
    }

    private void Forget(int slot)
    {
        Bytes -= SizeOf(_ring[slot]);
        _ring[slot] = null!;
    }

    private void Grow()
    {
        var larger = new Entry[_ring.Length * 2];
        for (var i = 0; i < Count; i++) larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
        (_ring, _head) = (larger, 0);
    }
}
