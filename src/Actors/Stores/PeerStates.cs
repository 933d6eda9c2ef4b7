using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Stores;

/// <summary>What a store finds when it is opened.</summary>
internal sealed record StoreStates(IReadOnlyList<PeerStart> Peers, IReadOnlyDictionary<ulong, Region> Tombstones);

/// <summary>After a failure of the region's peer.</summary>
/// <param name="Start">Null for an uninitialised peer, and for one whose destruction was completed.</param>
/// <param name="Unstarted">See <see cref="PeerStates.Unstarted"/>.</param>
internal sealed record FailedPeerState(ulong RegionId, PeerStart? Start, Region? Tombstone, IReadOnlyList<PeerStart> Unstarted);

/// <summary>What the data engine says about a store's peers. Reads the disk: for threads that may wait for it.</summary>
internal static class PeerStates
{
    /// <summary>
    /// At start-up, of all regions but the meta group, which is not the store's. What is staged and belongs to no interrupted installation
    /// is deleted.
    /// </summary>
    public static StoreStates ReadAll(IDataEngine engine, ulong storeId)
    {
        var peers = new List<PeerStart>();
        var tombstones = new Dictionary<ulong, Region>();
        foreach (var state in engine.ReadRegionStates().Where(s => s.Region.Id != MetaRegion.Id))
        {
            if (state.State == PeerState.Tombstone)
                tombstones[state.Region.Id] = state.Region;
            if (StartOf(engine, storeId, state) is { } start)
                peers.Add(start);
        }

        var installing = peers.Where(p => p.State!.State == PeerState.Applying).Select(p => p.RegionId);
        engine.DeleteStagedBut(installing.Append(MetaRegion.Id).ToHashSet());
        engine.FailPoints.Hit(StoreFailPoints.Loaded);
        return new StoreStates(peers, tombstones);
    }

    /// <summary>
    /// The first region's peer starts from the initial state, once: its region state, written and synced together with the applied index,
    /// is the marker that stays even when the peer is removed later (as its tombstone).
    /// </summary>
    /// <returns>Null if it was written before.</returns>
    public static PeerStart? WriteFirst(IDataEngine engine, Region region, MetaPeer self)
    {
        if (engine.ReadRegionState(region.Id) is not null)
            return null;
        var state = new RegionLocalState { State = PeerState.Normal, Region = region };
        var apply = RegionState.InitialApplyState();
        using var batch = engine.NewBatch();
        batch.PutRegionState(state);
        batch.PutApplyState(region.Id, apply);
        engine.Write(batch);
        engine.FailPoints.Hit(StoreFailPoints.FirstRegionWritten);
        engine.Sync();
        return new PeerStart(region.Id, self, state, apply);
    }

    /// <returns>Null if nothing is left to be started: a tombstone without an applied index is a destruction that was completed.</returns>
    public static PeerStart? StartOf(IDataEngine engine, ulong storeId, RegionLocalState state)
    {
        var regionId = state.Region.Id;
        var apply = engine.ReadApplyState(regionId);
        if (state.State == PeerState.Tombstone && apply is null)
            return null;
        var self = state.Region.Peers.FirstOrDefault(p => p.StoreId == storeId) ?? new MetaPeer { StoreId = storeId };
        return new PeerStart(regionId, self, state, apply, engine.ReadApplyingSnapshot(regionId));
    }

    /// <param name="known">Regions that have a peer, or will have one again.</param>
    public static FailedPeerState OfFailed(IDataEngine engine, ulong storeId, ulong regionId, IReadOnlySet<ulong> known)
    {
        // The peer will make promises in its journal, or reset it, on the strength of what is read here: a split that the appliers could
        // not sync (see EntryApplier), rows or the record of an installation that failed before its sync.
        engine.Sync();
        var state = engine.ReadRegionState(regionId);
        var start = state is null ? null : StartOf(engine, storeId, state);
        var tombstone = state is { State: PeerState.Tombstone } ? state.Region : null;
        // The meta group does not split, and other regions are not its supervisor's.
        return new FailedPeerState(regionId, start, tombstone, regionId == MetaRegion.Id ? [] : Unstarted(engine, storeId, known));
    }

    /// <summary>Regions that a split made here while nobody heard of it, because the parent's peer failed just then.</summary>
    /// <param name="known">Regions that have a peer, or will have one again.</param>
    public static IReadOnlyList<PeerStart> Unstarted(IDataEngine engine, ulong storeId, IReadOnlySet<ulong> known) =>
        engine.ReadRegionStates()
            .Where(s => s.State == PeerState.Normal && s.Region.Id != MetaRegion.Id && !known.Contains(s.Region.Id))
            .Select(s => StartOf(engine, storeId, s))
            .OfType<PeerStart>()
            .ToList();

    /// <summary>The tombstone of a peer for which nothing is applied any more.</summary>
    /// <param name="seen">
    /// The region as its peer last saw it. The appliers may have split it since: what is deleted is the range that was left to it, not that
    /// of its new neighbours. A peer without an epoch never had data, whatever the engine holds under the region's id.
    /// </param>
    public static RegionLocalState TombstoneOf(IDataEngine engine, Region seen, MetaPeer self)
    {
        var last = seen.RegionEpoch is null ? null : engine.ReadRegionState(seen.Id)?.Region;
        return RegionState.Tombstone(last ?? seen, self);
    }
}
