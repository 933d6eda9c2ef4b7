using Akka.Actor;

namespace Akka.Cluster.Sharding.Regions;

internal readonly record struct Kept(object Message, IActorRef Sender);

/// <summary>Messages that wait, each shard's in their order; not more than so many in all.</summary>
internal sealed class ShardBuffers(int capacity)
{
    private readonly Dictionary<string, LinkedList<Kept>> _buffers = new();

    public int Count { get; private set; }

    /// <summary>Those for which something waits.</summary>
    public IReadOnlyCollection<string> Shards => _buffers.Keys;

    public bool Contains(string shard) => _buffers.ContainsKey(shard);

    /// <returns>false: it is full.</returns>
    public bool TryAdd(string shard, Kept kept)
    {
        if (Count >= capacity) return false;
        Of(shard).AddLast(kept);
        Count++;
        return true;
    }

    /// <summary>They were counted elsewhere: there is place for them.</summary>
    public void PutFirst(string shard, IReadOnlyList<Kept> earlier)
    {
        if (earlier.Count == 0) return;
        var buffer = Of(shard);
        for (var i = earlier.Count - 1; i >= 0; i--) buffer.AddFirst(earlier[i]);
        Count += earlier.Count;
    }

    /// <summary>Takes what waits for the shard.</summary>
    public IReadOnlyCollection<Kept> Take(string shard)
    {
        if (!_buffers.Remove(shard, out var taken)) return [];
        Count -= taken.Count;
        return taken;
    }

    private LinkedList<Kept> Of(string shard)
    {
        if (!_buffers.TryGetValue(shard, out var buffer)) _buffers[shard] = buffer = new LinkedList<Kept>();
        return buffer;
    }
}
