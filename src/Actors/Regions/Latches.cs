using Google.Protobuf;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// In-memory latches by key and by key range (a latch is not a lock: nothing is persisted). A holder queues for everything that it needs at
/// once, in the order of arrival, so there is no deadlock and nobody is overtaken. A key without holders costs nothing; a range costs a
/// look at all holders, so it is for what is rare.
/// </summary>
internal sealed class Latches<T>
    where T : class
{
    private readonly Dictionary<ByteString, LinkedList<Holder>> _queues = [];
    private readonly Dictionary<T, Holder> _holders = new(ReferenceEqualityComparer.Instance);
    private readonly List<Holder> _rangeHolders = [];

    public bool Any => _holders.Count > 0;

    public bool IsHeld(ByteString key) => _queues.ContainsKey(key);

    public bool IsHeld(LatchRange range) => _rangeHolders.Any(h => h.Overlaps(range)) || _queues.Keys.Any(range.Contains);

    /// <returns>True if the owner may go on at once; false if it waits and will come out of a later <see cref="Release"/>.</returns>
    public bool Acquire(T owner, IEnumerable<ByteString> keys, IReadOnlyList<LatchRange>? ranges = null)
    {
        var holder = new Holder(owner, keys.ToHashSet(), ranges ?? []);
        foreach (var earlier in _rangeHolders)
        {
            if (holder.Keys.Any(earlier.Contains) || holder.Ranges.Any(earlier.Overlaps))
                holder.WaitFor(earlier);
        }

        if (holder.Ranges.Count > 0)
        {
            foreach (var earlier in _holders.Values)
            {
                if (earlier.Ranges.Count == 0 && earlier.Keys.Any(holder.Contains))
                    holder.WaitFor(earlier);
            }

            _rangeHolders.Add(holder);
        }

        _holders.Add(owner, holder);
        foreach (var key in holder.Keys)
        {
            if (!_queues.TryGetValue(key, out var queue))
                _queues.Add(key, queue = []);
            queue.AddLast(holder);
            if (queue.First!.Value != holder)
                holder.Waiting++;
        }

        return holder.Waiting == 0;
    }

    /// <returns>Those that may go on now.</returns>
    public List<T> Release(T owner)
    {
        var ready = new List<T>();
        if (!_holders.Remove(owner, out var holder))
            return ready;
        foreach (var key in holder.Keys)
        {
            var queue = _queues[key];
            var wasHead = queue.First!.Value == holder;
            queue.Remove(holder);
            if (queue.Count == 0)
                _queues.Remove(key);
            else if (wasHead && --queue.First!.Value.Waiting == 0)
                ready.Add(queue.First.Value.Owner);
        }

        if (holder.Ranges.Count > 0)
            _rangeHolders.Remove(holder);
        foreach (var later in holder.Followers)
        {
            if (--later.Waiting == 0)
                ready.Add(later.Owner);
        }

        return ready;
    }

    /// <summary>Everybody goes; for a peer that stops leading.</summary>
    public List<T> ReleaseAll()
    {
        var owners = _holders.Keys.ToList();
        _holders.Clear();
        _rangeHolders.Clear();
        _queues.Clear();
        return owners;
    }

    private sealed class Holder(T owner, HashSet<ByteString> keys, IReadOnlyList<LatchRange> ranges)
    {
        public T Owner { get; } = owner;

        public HashSet<ByteString> Keys { get; } = keys;

        public IReadOnlyList<LatchRange> Ranges { get; } = ranges;

        /// <summary>Those that wait for this one because of a range, on either side.</summary>
        public List<Holder> Followers { get; } = [];

        /// <summary>Queues that this holder does not head yet, and holders that it follows.</summary>
        public int Waiting { get; set; }

        public bool Contains(ByteString key) => Ranges.Any(r => r.Contains(key));

        public bool Overlaps(LatchRange range) => Keys.Any(range.Contains) || Ranges.Any(range.Overlaps);

        public void WaitFor(Holder earlier)
        {
            earlier.Followers.Add(this);
            Waiting++;
        }
    }
}

/// <param name="End">Exclusive; empty: to the end of all keys.</param>
internal readonly record struct LatchRange(ByteString Start, ByteString End)
{
    public bool Contains(ByteString key) => KeyRange.Compare(key, Start) >= 0 && (End.IsEmpty || KeyRange.Compare(key, End) < 0);

    public bool Overlaps(LatchRange other) =>
        (End.IsEmpty || KeyRange.Compare(other.Start, End) < 0) && (other.End.IsEmpty || KeyRange.Compare(Start, other.End) < 0);
}
