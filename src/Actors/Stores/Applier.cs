using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Writes committed entries of many regions to the data engine; a region always uses the same applier. What waits in the mailbox
/// becomes one RocksDB batch: data and applied indices together (invariant 3). Runs on its own dispatcher, because a write may
/// wait for the disk.
/// </summary>
internal sealed class Applier : UntypedActor
{
    /// <summary>A peer starts, or starts again after an installed snapshot. Everything of an earlier incarnation was unregistered before.</summary>
    public sealed record Register(IActorRef Peer, RegionApplier Applier);

    /// <summary>Nothing more of the region is applied once <see cref="Unregistered"/> has been answered.</summary>
    public sealed record Unregister(ulong RegionId);

    public sealed record Unregistered(ulong RegionId);

    public sealed record Apply(ulong RegionId, IReadOnlyList<Entry> Entries);

    /// <summary>To the peer: everything up to the index is written.</summary>
    public sealed record Applied(ulong AppliedIndex, IReadOnlyList<ApplyEffect> Effects, ulong WrittenKeys, ulong WrittenBytes);

    /// <summary>To the peer: the batch was not written, or an entry cannot be applied. The peer must stop.</summary>
    public sealed record Failed(Exception Cause);

    private sealed class Flush
    {
        public static readonly Flush Instance = new();
    }

    private sealed class Region(IActorRef peer, RegionApplier applier)
    {
        public IActorRef Peer => peer;

        public RegionApplier Applier => applier;

        public List<ApplyEffect> Effects { get; set; } = [];

        /// <summary>Has something in the open batch.</summary>
        public bool IsDirty { get; set; }

        /// <summary>A failed region applies nothing more until it is registered anew.</summary>
        public bool HasFailed { get; set; }
    }

    private readonly Dictionary<ulong, Region> _regions = [];
    private readonly List<Region> _dirty = [];
    private readonly DataEngine _engine;
    private readonly EngineBatch _batch;
    private readonly int _batchBytes;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private bool _flushing;

    public Applier(DataEngine engine, int batchBytes)
    {
        _engine = engine;
        _batch = new EngineBatch(engine);
        _batchBytes = batchBytes;
    }

    public static Props Props(DataEngine engine, int batchBytes) => Akka.Actor.Props.Create(() => new Applier(engine, batchBytes));

    protected override void PostStop() => _batch.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Apply apply:
                ApplyEntries(apply);
                break;
            case Flush:
                _flushing = false;
                Write();
                break;
            case Register register:
                _regions[register.Applier.Region.Id] = new Region(register.Peer, register.Applier);
                break;
            case Unregister unregister:
                Write();
                _regions.Remove(unregister.RegionId);
                Sender.Tell(new Unregistered(unregister.RegionId));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void ApplyEntries(Apply apply)
    {
        // A peer that stopped or failed meanwhile: its entries are applied again by its next incarnation.
        if (!_regions.TryGetValue(apply.RegionId, out var region) || region.HasFailed)
            return;
        // Should these entries fail, the rows that are in the batch already are written with the index that covers them (invariant 3).
        if (region.IsDirty)
            region.Applier.WriteApplied(_batch);
        _batch.Writes.SetSavePoint();
        try
        {
            region.Applier.Apply(apply.Entries, _batch, region.Effects);
            _batch.Writes.PopSavePoint();
        }
        catch (Exception e)
        {
            // This region alone is damaged; what others have in the batch is written.
            _batch.Writes.RollbackToSavePoint();
            Fail(region, e);
            return;
        }

        if (!region.IsDirty)
        {
            region.IsDirty = true;
            _dirty.Add(region);
        }

        if (_batch.Writes.PutBytes >= _batchBytes)
            Write();
        else if (!_flushing)
        {
            // Behind everything that waits already: that is how entries of many regions come into one batch.
            _flushing = true;
            Self.Tell(Flush.Instance);
        }
    }

    private void Write()
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

            _engine.Write(_batch.Writes);
            foreach (var region in _dirty)
            {
                if (region.HasFailed)
                    continue;
                var applier = region.Applier;
                region.Peer.Tell(new Applied(applier.AppliedIndex, region.Effects, applier.WrittenKeys, applier.WrittenBytes));
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
        _log.ApplyFailed(region.Applier.Region.Id, region.Applier.PeerId, region.Applier.AppliedIndex, cause);
        region.Peer.Tell(new Failed(cause));
    }
}
