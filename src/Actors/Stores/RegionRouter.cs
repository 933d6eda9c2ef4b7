using System.Collections.Concurrent;
using Akka.Actor;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Which peer of this store serves a region, and which key ranges are taken. Written by the store and its peers, read by the gateway
/// on every request. Thread-safe.
/// </summary>
internal sealed class RegionRouter
{
    private readonly ConcurrentDictionary<ulong, IActorRef> _peers = new();

    // Ranges of initialised peers, and of snapshots that are being received. Guarded by itself.
    private readonly Dictionary<ulong, Region> _ranges = [];

    public int Count => _peers.Count;

    public IReadOnlyCollection<KeyValuePair<ulong, IActorRef>> Peers => _peers;

    public IActorRef? Find(ulong regionId) => _peers.GetValueOrDefault(regionId);

    public void Add(ulong regionId, IActorRef peer) => _peers[regionId] = peer;

    public void Remove(ulong regionId, IActorRef peer) => _peers.TryRemove(new KeyValuePair<ulong, IActorRef>(regionId, peer));

    /// <summary>The region has, or is about to have, data here.</summary>
    /// <returns>False if another region's range overlaps: a split that this store has not applied yet, or a peer that is not gone yet.</returns>
    public bool TryReserve(Region region)
    {
        lock (_ranges)
        {
            if (Overlapping(region.Id, region.StartKey, region.EndKey) is not null)
                return false;
            _ranges[region.Id] = region;
            return true;
        }
    }

    /// <returns>Another region of this store whose range overlaps; null if there is none.</returns>
    public Region? FindOverlapping(ulong regionId, Google.Protobuf.ByteString startKey, Google.Protobuf.ByteString endKey)
    {
        lock (_ranges)
            return Overlapping(regionId, startKey, endKey);
    }

    /// <summary>What one range has become, all at once.</summary>
    public void Split(IReadOnlyList<Region> regions)
    {
        lock (_ranges)
        {
            foreach (var region in regions)
                _ranges[region.Id] = region;
        }
    }

    public void Release(ulong regionId)
    {
        lock (_ranges)
            _ranges.Remove(regionId);
    }

    private Region? Overlapping(ulong regionId, Google.Protobuf.ByteString startKey, Google.Protobuf.ByteString endKey)
    {
        foreach (var (id, region) in _ranges)
        {
            if (id != regionId && KeyRange.Overlaps(startKey, endKey, region.StartKey, region.EndKey))
                return region;
        }

        return null;
    }
}
