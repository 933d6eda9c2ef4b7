using RocksDbSharp;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Storage.Data;

/// <summary>
/// States of the regions on this store. They are written through a <see cref="DataBatch"/>, together with the data that they speak of.
/// </summary>
public sealed partial class DataEngine
{
    /// <summary>Null if the store never had a peer of the region (or its record was removed).</summary>
    /// <exception cref="CorruptionException"/>
    public RegionLocalState? ReadRegionState(ulong regionId) =>
        ReadLocal(ColumnFamily.Raft, Keys.RegionState(regionId), RegionLocalState.Parser);

    /// <inheritdoc cref="ReadRegionState"/>
    public RaftApplyState? ReadApplyState(ulong regionId) => ReadLocal(ColumnFamily.Raft, Keys.ApplyState(regionId), RaftApplyState.Parser);

    /// <summary>Beside the state Applying: what a restart finishes the snapshot's installation from.</summary>
    /// <exception cref="CorruptionException"/>
    public ApplyingSnapshot? ReadApplyingSnapshot(ulong regionId) =>
        ReadLocal(ColumnFamily.Raft, Keys.ApplyingSnapshot(regionId), ApplyingSnapshot.Parser);

    /// <summary>The states of all regions, Tombstones included, by region id.</summary>
    /// <exception cref="CorruptionException"/>
    public IReadOnlyList<RegionLocalState> ReadRegionStates()
    {
        EnterUse();
        try
        {
            var states = new List<RegionLocalState>();
            var options = new ReadOptions().SetIterateLowerBound(Keys.RegionMetaStart).SetIterateUpperBound(Keys.RegionMetaEnd);
            using var iterator = _db.NewIterator(Handle(ColumnFamily.Raft), options);
            for (iterator.SeekToFirst(); iterator.Valid(); iterator.Next())
            {
                var key = iterator.Key();
                states.Add(new RecordReader<RegionLocalState>(NameOf(ColumnFamily.Raft), key, RegionLocalState.Parser)
                    .Deserialize(iterator.GetValueSpan()));
            }
            Native.Instance.rocksdb_iter_get_error(iterator.Handle);
            return states;
        }
        finally
        {
            ExitUse();
        }
    }
}
