using Akka.Event;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Committed entries of many regions into batches of the data engine: rows and the applied index that covers them are in one batch
/// (invariant 3). Not thread-safe; a write may wait for the disk.
/// </summary>
/// <param name="tell">To the peer: <see cref="Applier.Applied"/> or <see cref="Applier.Failed"/>.</param>
/// <param name="flushLater">
/// Call <see cref="Write"/> behind everything that waits already: that is how entries of many regions come into one batch.
/// </param>
internal sealed class EntryApplier<TPeer>(
    IDataEngine engine, int batchBytes, Action<TPeer, object> tell, Action flushLater, ILoggingAdapter log) : IDisposable
{
    private sealed class Region(TPeer peer, RegionApplier applier)
    {
        public TPeer Peer => peer;

        public RegionApplier Applier => applier;

        public List<ApplyEffect> Effects { get; set; } = [];

        /// <summary>Has something in the open batch.</summary>
        public bool IsDirty { get; set; }

        /// <summary>A failed region applies nothing more until it is registered anew.</summary>
        public bool HasFailed { get; set; }
    }

    private readonly Dictionary<ulong, Region> _regions = [];
    private readonly List<Region> _dirty = [];
    private readonly EngineBatch _batch = new(engine);
    private bool _flushing;

    public void Dispose() => _batch.Dispose();

    /// <summary>Everything of an earlier incarnation was unregistered before.</summary>
    public void Register(TPeer peer, RegionApplier applier) => _regions[applier.Region.Id] = new Region(peer, applier);

    /// <summary>Nothing more of the region is applied after it.</summary>
    public void Unregister(ulong regionId)
    {
        WriteBatch();
        _regions.Remove(regionId);
    }

    public void Apply(ulong regionId, IReadOnlyList<Entry> entries)
    {
        // A peer that stopped or failed meanwhile: its entries are applied again by its next incarnation.
        if (!_regions.TryGetValue(regionId, out var region) || region.HasFailed)
            return;
        // Handed out before the peer heard of its removal: nothing more happens, and the peer hears of nothing twice.
        if (region.Applier.IsRemoved)
            return;
        engine.FailPoints.Hit(StoreFailPoints.BeforeApplication);
        // Should these entries fail, the rows that are in the batch already are written with the index that covers them (invariant 3).
        if (region.IsDirty)
            region.Applier.WriteApplied(_batch);
        _batch.Writes.SetSavePoint();
        try
        {
            region.Applier.Apply(entries, _batch, region.Effects);
            _batch.Writes.PopSavePoint();
        }
        catch (Exception e)
        {
            // This region alone is damaged; what others have in the batch is written. The batch also remembers what it read and put: nobody
            // may find there what was rolled back.
            _batch.Writes.RollbackToSavePoint();
            Fail(region, e);
            WriteBatch();
            _batch.Clear();
            return;
        }

        if (!region.IsDirty)
        {
            region.IsDirty = true;
            _dirty.Add(region);
        }

        if (_batch.Writes.PutBytes >= batchBytes)
        {
            WriteBatch();
        }
        else if (!_flushing)
        {
            _flushing = true;
            flushLater();
        }
    }

    public void Write()
    {
        _flushing = false;
        WriteBatch();
    }

    private void WriteBatch()
    {
        if (_dirty.Count == 0)
            return;
        try
        {
            foreach (var region in _dirty)
            {
                if (!region.HasFailed)
                    region.Applier.WriteApplied(_batch);
            }

            engine.FailPoints.Hit(StoreFailPoints.BeforeApplierWrite);
            engine.Write(_batch.Writes);
            engine.FailPoints.Hit(StoreFailPoints.ApplierWritten);
            // The new regions' peers sync what they promise: a loss of power must not leave the promise without the region.
            if (_dirty.Any(r => r.Effects.Any(e => e is ApplyEffect.Split { Created.Count: > 0 })))
                engine.Sync();
            foreach (var region in _dirty)
            {
                if (region.HasFailed)
                    continue;
                var applier = region.Applier;
                tell(region.Peer, new Applier.Applied(applier.AppliedIndex, region.Effects, applier.WrittenKeys, applier.WrittenBytes));
                region.Effects = [];
            }
        }
        catch (Exception e)
        {
            foreach (var region in _dirty)
                Fail(region, e);
        }

        foreach (var region in _dirty)
            region.IsDirty = false;
        _dirty.Clear();
        _batch.Clear();
    }

    private void Fail(Region region, Exception cause)
    {
        if (region.HasFailed)
            return;
        region.HasFailed = true;
        log.ApplyFailed(region.Applier.Region.Id, region.Applier.PeerId, region.Applier.AppliedIndex, cause);
        tell(region.Peer, new Applier.Failed(cause));
    }
}
