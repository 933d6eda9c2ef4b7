using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Snapshots;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Snapshots of a store's regions that other stores pull, chunk by chunk. One is open for a receiving peer; a newer one replaces it, and
/// one that nobody pulls for a while is dropped. Not thread-safe; reads the disk.
/// </summary>
/// <param name="tell">
/// To the peer: <see cref="SnapshotSource.Made"/>, <see cref="SnapshotSource.Delivered"/>; <see cref="Reader.Failed"/> if the disk fails.
/// </param>
internal sealed class SnapshotOffers<TPeer>(
    IDataEngine engine, TimeSpan patience, ulong clusterId, ulong storeId, Action<TPeer, object> tell, ILoggingAdapter log)
    : IDisposable
{
    private sealed class Offer(IRegionSnapshotReader reader, TPeer peer, TimeSpan now)
    {
        public IRegionSnapshotReader Reader => reader;

        public TPeer Peer => peer;

        public TimeSpan LastUsed { get; set; } = now;

        public bool IsComplete { get; set; }
    }

    private readonly Dictionary<(ulong RegionId, ulong ToPeer), Offer> _open = [];

    public void Dispose()
    {
        foreach (var offer in _open.Values)
            offer.Reader.Dispose();
    }

    public void Make(ulong regionId, ulong toPeer, ulong minIndex, TPeer peer, TimeSpan now)
    {
        var key = (regionId, toPeer);
        if (_open.Remove(key, out var earlier))
            earlier.Reader.Dispose();
        try
        {
            var reader = engine.OpenRegionSnapshot(regionId);
            if (reader.ApplyState.AppliedIndex < minIndex)
            {
                reader.Dispose();
                throw new InvalidOperationException(
                    $"applied entry {reader.ApplyState.AppliedIndex} is below {minIndex}, where the log begins");
            }

            _open.Add(key, new Offer(reader, peer, now));
            log.SnapshotSending(
                regionId, reader.State.Region.Peers.FirstOrDefault(p => p.Id == toPeer)?.StoreId ?? 0, reader.ApplyState.AppliedIndex);
            tell(peer, new SnapshotSource.Made(toPeer, reader.State.Region, reader.ApplyState.AppliedIndex));
        }
        catch (Exception e)
        {
            // The peer hears of it, and the leader asks again as long as the follower needs one.
            log.SnapshotSourceFailed(regionId, e.Message);
            tell(peer, DiskErrors.Is(e) ? new Reader.Failed(e) : new SnapshotSource.Made(toPeer, null, 0));
        }
    }

    public SnapshotChunkResponse Serve(SnapshotChunkRequest request, TimeSpan now)
    {
        var key = request.Key;
        var response = new SnapshotChunkResponse
        {
            Header = NodePaths.Header(clusterId, storeId, request.Header.FromStoreId),
            Key = key,
            Chunk = request.Chunk
        };
        if (!_open.TryGetValue((key.RegionId, key.ToPeer.Id), out var offer) || offer.Reader.ApplyState.AppliedIndex != key.Index)
        {
            response.Error =
                $"store {storeId} has no snapshot of region {key.RegionId} at entry {key.Index} for peer {key.ToPeer.Id} (any more)";
            return response;
        }

        offer.LastUsed = now;
        try
        {
            var chunk = offer.Reader.ReadChunk(request.Chunk);
            engine.FailPoints.Hit(StoreFailPoints.ChunkRead);
            response.Rows.AddRange(chunk.Rows);
            response.Cf = ColumnFamilies.NameOf(chunk.Family);
            response.Last = chunk.Last;
            offer.IsComplete |= chunk.Last;
        }
        catch (Exception e)
        {
            log.SnapshotSourceFailed(key.RegionId, e.Message);
            response.Error = e.Message;
            Drop((key.RegionId, key.ToPeer.Id), offer);
            if (DiskErrors.Is(e))
                tell(offer.Peer, new Reader.Failed(e));
        }

        return response;
    }

    public void DropIdle(TimeSpan now)
    {
        foreach (var (key, offer) in _open.Where(o => now - o.Value.LastUsed > patience).ToList())
            Drop(key, offer);
    }

    private void Drop((ulong RegionId, ulong ToPeer) key, Offer offer)
    {
        engine.FailPoints.Hit(StoreFailPoints.SnapshotDropped);
        _open.Remove(key);
        offer.Reader.Dispose();
        tell(offer.Peer, new SnapshotSource.Delivered(key.ToPeer, offer.IsComplete));
    }
}
