using Google.Protobuf;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Actors.Placement;

/// <summary>A region as its leader last reported it. <see cref="Leader"/> is null until a leader has reported.</summary>
internal sealed record RegionInfo(Region Region, Peer? Leader, ulong Term)
{
    public ulong ApproximateSize { get; init; }

    public ulong ApproximateKeys { get; init; }

    /// <summary>Peers that the leader cannot append to yet.</summary>
    public IReadOnlyList<Peer> Pending { get; init; } = [];
}

/// <summary>
/// The regions by start key, without overlaps. Region truth lives in the regions' Raft groups: this is a picture of it, fed by
/// heartbeats that may arrive late and in any order, so a report counts only if no overlapping region is known with a newer epoch.
/// </summary>
internal sealed class RegionTable
{
    // Sorted by start key. Invariant: neighbours do not overlap; gaps are possible.
    private readonly List<RegionInfo> _byStart = [];
    private readonly Dictionary<ulong, RegionInfo> _byId = [];
    private readonly Dictionary<ulong, int> _peersByStore = [];

    public int Count => _byStart.Count;

    public IEnumerable<RegionInfo> All => _byStart;

    /// <summary>How many regions have a peer on a store.</summary>
    public int PeersOn(ulong storeId) => _peersByStore.GetValueOrDefault(storeId);

    /// <summary>Whether every key is in a region: otherwise there are regions that have not reported yet.</summary>
    public bool CoversAllKeys
    {
        get
        {
            if (_byStart.Count == 0 || !_byStart[0].Region.StartKey.IsEmpty)
                return false;
            for (var i = 0; i + 1 < _byStart.Count; i++)
            {
                if (!_byStart[i].Region.EndKey.Equals(_byStart[i + 1].Region.StartKey))
                    return false;
            }

            return _byStart[^1].Region.EndKey.IsEmpty;
        }
    }

    public RegionInfo? Find(ulong regionId) => _byId.GetValueOrDefault(regionId);

    public RegionInfo? FindByKey(ByteString key)
    {
        var index = LastStartingAtOrBefore(key);
        return index >= 0 && KeyRange.Contains(_byStart[index].Region, key) ? _byStart[index] : null;
    }

    /// <summary>The region left of the one that holds <paramref name="key"/>; null if there is none or a gap.</summary>
    public RegionInfo? FindPrevious(ByteString key)
    {
        var index = LastStartingAtOrBefore(key);
        if (index < 1 || !KeyRange.Contains(_byStart[index].Region, key))
            return null;
        var left = _byStart[index - 1];
        return left.Region.EndKey.Equals(_byStart[index].Region.StartKey) ? left : null;
    }

    /// <param name="endKey">Exclusive; empty means unbounded.</param>
    /// <param name="limit">0 or less means all.</param>
    public List<RegionInfo> Scan(ByteString startKey, ByteString endKey, int limit)
    {
        var found = new List<RegionInfo>();
        var index = Math.Max(LastStartingAtOrBefore(startKey), 0);
        for (; index < _byStart.Count && (limit <= 0 || found.Count < limit); index++)
        {
            var region = _byStart[index].Region;
            if (!endKey.IsEmpty && KeyRange.Compare(region.StartKey, endKey) >= 0)
                break;
            if (region.EndKey.IsEmpty || KeyRange.Compare(region.EndKey, startKey) > 0)
                found.Add(_byStart[index]);
        }

        return found;
    }

    /// <summary>
    /// What a report means for the table. <c>Stale</c>: a newer epoch is known and the report must be ignored.
    /// <c>Changed</c>: range or peers differ from what is known. Replaced: ids of regions whose range the reported one took over.
    /// </summary>
    public (bool Stale, bool Changed, List<ulong> Replaced) Judge(Region reported)
    {
        var replaced = new List<ulong>();
        foreach (var overlapping in Scan(reported.StartKey, reported.EndKey, 0))
        {
            if (overlapping.Region.Id == reported.Id)
                continue;
            if (overlapping.Region.RegionEpoch.Version > reported.RegionEpoch.Version)
                return (true, false, []);
            replaced.Add(overlapping.Region.Id);
        }

        if (Find(reported.Id) is not { } known)
            return (false, true, replaced);
        if (IsOlder(reported.RegionEpoch, known.Region.RegionEpoch))
            return (true, false, []);
        return (false, !reported.RegionEpoch.Equals(known.Region.RegionEpoch), replaced);
    }

    /// <summary>
    /// Puts regions that <see cref="Judge"/> did not call stale and that do not overlap one another; keeps leader and sizes of those known.
    /// All at once: the parts of a split overlap the old range of one of them.
    /// </summary>
    public void Put(params IReadOnlyList<Region> regions)
    {
        var infos = regions.Select(
            region => Find(region.Id) is { } known ? known with { Region = region } : new RegionInfo(region, null, 0)).ToList();
        foreach (var region in regions)
            Remove(region.Id);
        infos.ForEach(Insert);
    }

    public void Report(
        ulong regionId, Peer leader, ulong term, ulong approximateSize, ulong approximateKeys, IReadOnlyList<Peer>? pending = null)
    {
        var known = _byId[regionId];
        if (term < known.Term)
            return;
        var updated = known with
        {
            Leader = leader,
            Term = term,
            ApproximateSize = approximateSize,
            ApproximateKeys = approximateKeys,
            Pending = pending ?? [],
        };
        _byId[regionId] = updated;
        _byStart[LastStartingAtOrBefore(known.Region.StartKey)] = updated;
    }

    public void Remove(ulong regionId)
    {
        if (!_byId.Remove(regionId, out var known))
            return;
        _byStart.RemoveAt(LastStartingAtOrBefore(known.Region.StartKey));
        foreach (var peer in known.Region.Peers)
            _peersByStore[peer.StoreId]--;
    }

    private void Insert(RegionInfo info)
    {
        _byId.Add(info.Region.Id, info);
        foreach (var peer in info.Region.Peers)
            _peersByStore[peer.StoreId] = PeersOn(peer.StoreId) + 1;
        _byStart.Insert(LastStartingAtOrBefore(info.Region.StartKey) + 1, info);
    }

    private int LastStartingAtOrBefore(ByteString key)
    {
        int low = 0, high = _byStart.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (KeyRange.Compare(_byStart[middle].Region.StartKey, key) <= 0)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return high;
    }

    private static bool IsOlder(RegionEpoch epoch, RegionEpoch known) =>
        epoch.Version < known.Version || (epoch.Version == known.Version && epoch.ConfVer < known.ConfVer);
}
