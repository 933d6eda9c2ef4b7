using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Stores;

/// <summary>What the data engine says about a store's peers. Reads the disk: for threads that may wait for it.</summary>
internal static class PeerStates
{
    /// <returns>Null if nothing is left to be started: a tombstone without an applied index is a destruction that was completed.</returns>
    public static PeerStart? StartOf(DataEngine engine, ulong storeId, RegionLocalState state)
    {
        var regionId = state.Region.Id;
        var apply = engine.ReadApplyState(regionId);
        if (state.State == PeerState.Tombstone && apply is null)
            return null;
        var self = state.Region.Peers.FirstOrDefault(p => p.StoreId == storeId) ?? new MetaPeer { StoreId = storeId };
        return new PeerStart(regionId, self, state, apply, engine.ReadApplyingSnapshot(regionId));
    }

    /// <summary>Regions that a split made here while nobody heard of it, because the parent's peer failed just then.</summary>
    /// <param name="known">Regions that have a peer, or will have one again.</param>
    public static IReadOnlyList<PeerStart> Unstarted(DataEngine engine, ulong storeId, IReadOnlySet<ulong> known) =>
        engine.ReadRegionStates()
            .Where(s => s.State == PeerState.Normal && !known.Contains(s.Region.Id))
            .Select(s => StartOf(engine, storeId, s))
            .OfType<PeerStart>()
            .ToList();

    /// <summary>The tombstone of a peer for which nothing is applied any more.</summary>
    /// <param name="seen">
    /// The region as its peer last saw it. The appliers may have split it since: what is deleted is the range that was left to it, not that of
    /// its new neighbours. A peer without an epoch never had data, whatever the engine holds under the region's id.
    /// </param>
    public static RegionLocalState TombstoneOf(DataEngine engine, Region seen, MetaPeer self)
    {
        var last = seen.RegionEpoch is null ? null : engine.ReadRegionState(seen.Id)?.Region;
        return RegionState.Tombstone(last ?? seen, self);
    }
}
