using Google.Protobuf;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Actors.Stores;

/// <summary>Which key ranges of a store are taken. Written by the store and its peers. Thread-safe.</summary>
internal sealed class RegionRanges
{
    // Ranges whose rows are here, and ranges of snapshots on their way. A peer that is about to be replaced by a snapshot of a narrower
    // range has both: the installation deletes the old range, so nobody else may move in before it is done. Guarded by _gate.
    private readonly Dictionary<ulong, Region> _owned = [];
    private readonly Dictionary<ulong, Region> _incoming = [];
    private readonly Lock _gate = new();

    /// <summary>Regions whose rows are here, as a copy.</summary>
    public IReadOnlyList<Region> Owned
    {
        get
        {
            lock (_gate)
                return [.. _owned.Values];
        }
    }

    /// <summary>A snapshot of the region is on its way.</summary>
    /// <returns>
    /// False if another region's range overlaps: a split that this store has not applied yet, or a peer that is not gone yet.
    /// </returns>
    public bool TryReserve(Region region)
    {
        lock (_gate)
        {
            if (Overlapping(region.Id, region.StartKey, region.EndKey) is not null)
                return false;
            _incoming[region.Id] = region;
            return true;
        }
    }

    /// <summary>No snapshot comes: what the region owns stays.</summary>
    public void CancelReservation(ulong regionId)
    {
        lock (_gate)
            _incoming.Remove(regionId);
    }

    /// <returns>Another region of this store whose range overlaps; null if there is none.</returns>
    public Region? FindOverlapping(ulong regionId, ByteString startKey, ByteString endKey)
    {
        lock (_gate)
            return Overlapping(regionId, startKey, endKey);
    }

    /// <summary>
    /// The regions' rows are here now, and only in these ranges: found on disk, installed, or parts of a split, all at once.
    /// </summary>
    public void Own(params IReadOnlyList<Region> regions)
    {
        lock (_gate)
        {
            foreach (var region in regions)
                OwnOne(region);
        }
    }

    /// <summary>Parts of a split of which the ranges were not told yet.</summary>
    /// <param name="left">What the split left to their parent; null if nothing is known of it.</param>
    /// <returns>The parts that overlap nobody, which own their ranges now.</returns>
    public IReadOnlyList<Region> OwnFree(Region? left, IEnumerable<Region> parts)
    {
        lock (_gate)
        {
            if (left is not null)
                OwnOne(left);
            var free = parts.Where(p => Overlapping(p.Id, p.StartKey, p.EndKey) is null).ToList();
            free.ForEach(OwnOne);
            return free;
        }
    }

    /// <summary>Nothing of the region is left here.</summary>
    public void Release(ulong regionId)
    {
        lock (_gate)
        {
            _owned.Remove(regionId);
            _incoming.Remove(regionId);
        }
    }

    private void OwnOne(Region region)
    {
        _owned[region.Id] = region;
        _incoming.Remove(region.Id);
    }

    private Region? Overlapping(ulong regionId, ByteString startKey, ByteString endKey) =>
        Overlapping(_owned, regionId, startKey, endKey) ?? Overlapping(_incoming, regionId, startKey, endKey);

    private static Region? Overlapping(Dictionary<ulong, Region> regions, ulong regionId, ByteString startKey, ByteString endKey)
    {
        foreach (var (id, region) in regions)
        {
            if (id != regionId && KeyRange.Overlaps(startKey, endKey, region.StartKey, region.EndKey))
                return region;
        }

        return null;
    }
}
