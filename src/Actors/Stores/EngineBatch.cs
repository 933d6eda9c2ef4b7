using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Stores;

/// <summary>A batch for the data engine, for the entries of many regions.</summary>
internal sealed class EngineBatch : IRegionBatch, IDisposable
{
    private readonly IDataEngine _engine;
    private readonly MetaBatch _meta;

    // What this batch would make of the regions' states; RocksDB's batches cannot be read.
    private readonly Dictionary<ulong, RegionLocalState> _states = [];

    public EngineBatch(IDataEngine engine)
    {
        _engine = engine;
        Writes = engine.NewBatch();
        _meta = new MetaBatch(engine, Writes);
    }

    public IDataBatch Writes { get; }

    public IMetaRows Meta => _meta;

    public void Put(string cf, ByteString key, ByteString value) => Writes.Put(Family(cf), key.Span, value.Span);

    public void Delete(string cf, ByteString key) => Writes.Delete(Family(cf), key.Span);

    public void DeleteRange(string cf, ByteString startKey, ByteString endKey) =>
        Writes.DeleteRange(Family(cf), startKey.Span, endKey.Span);

    public void DeleteData(Region region) => Writes.DeleteData(region);

    public void PutRegionState(RegionLocalState state)
    {
        _states[state.Region.Id] = state;
        Writes.PutRegionState(state);
    }

    public void PutApplyState(ulong regionId, RaftApplyState state) => Writes.PutApplyState(regionId, state);

    public RegionLocalState? ReadRegionState(ulong regionId) =>
        _states.TryGetValue(regionId, out var state) ? state : _engine.ReadRegionState(regionId);

    public void Clear()
    {
        _states.Clear();
        _meta.Clear();
        Writes.Clear();
    }

    public void Dispose() => Writes.Dispose();

    private static ColumnFamily Family(string cf)
    {
        var known = ColumnFamilies.TryParse(cf, out var family);
        Invariant.Check(known, $"a log entry names column family {cf}, which the gateway should have refused");
        return family;
    }
}
