using Google.Protobuf;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// In-memory latches by key (a latch is not a lock: nothing is persisted). A holder queues on all its keys at once, so there is no
/// deadlock; it may go on when it heads every queue. A key without holders costs nothing.
/// </summary>
internal sealed class Latches<T>
    where T : class
{
    private readonly Dictionary<ByteString, LinkedList<Holder>> _queues = [];
    private readonly Dictionary<T, Holder> _holders = new(ReferenceEqualityComparer.Instance);

    public bool Any => _queues.Count > 0;

    public bool IsHeld(ByteString key) => _queues.ContainsKey(key);

    public IEnumerable<ByteString> HeldKeys => _queues.Keys;

    /// <returns>True if the owner may go on at once; false if it waits and will come out of a later <see cref="Release"/>.</returns>
    public bool Acquire(T owner, IEnumerable<ByteString> keys)
    {
        var holder = new Holder(owner, keys.ToHashSet());
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

        return ready;
    }

    /// <summary>Everybody goes; for a peer that stops leading.</summary>
    public List<T> ReleaseAll()
    {
        var owners = _holders.Keys.ToList();
        _holders.Clear();
        _queues.Clear();
        return owners;
    }

    private sealed class Holder(T owner, HashSet<ByteString> keys)
    {
        public T Owner { get; } = owner;

        public HashSet<ByteString> Keys { get; } = keys;

        /// <summary>Queues that this holder does not head yet.</summary>
        public int Waiting { get; set; }
    }
}
