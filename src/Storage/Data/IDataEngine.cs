using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Storage.Data;

/// <summary>
/// What deciding code sees of a store's data engine. <see cref="DataEngine"/> is the one on a disk; the simulation has a model of it that
/// loses what was not synced. What a member promises and throws stands there.
/// </summary>
public interface IDataEngine
{
    FailPoints FailPoints { get; }

    /// <inheritdoc cref="DataEngine.NewBatch"/>
    IDataBatch NewBatch();

    /// <inheritdoc cref="DataEngine.Write"/>
    void Write(IDataBatch batch);

    /// <inheritdoc cref="DataEngine.Sync"/>
    void Sync();

    /// <inheritdoc cref="DataEngine.NewSnapshot"/>
    IDataSnapshot NewSnapshot();

    /// <inheritdoc cref="DataEngine.ReadRegionState"/>
    RegionLocalState? ReadRegionState(ulong regionId);

    /// <inheritdoc cref="DataEngine.ReadRegionState"/>
    RaftApplyState? ReadApplyState(ulong regionId);

    /// <inheritdoc cref="DataEngine.ReadApplyingSnapshot"/>
    ApplyingSnapshot? ReadApplyingSnapshot(ulong regionId);

    /// <inheritdoc cref="DataEngine.ReadRegionStates"/>
    IReadOnlyList<RegionLocalState> ReadRegionStates();

    /// <summary>Begins to stage a snapshot's rows; what an earlier attempt at any snapshot of this region left behind is deleted.</summary>
    IStagedSnapshot BeginStaged(ulong regionId, ulong index, ulong term);

    /// <summary>One that was completed before, by this run or an earlier one; null if there is none.</summary>
    IStagedSnapshot? FindStaged(ulong regionId, ulong index, ulong term);

    /// <summary>Deletes what is staged for regions other than the given ones: after a restart nothing else refers to it.</summary>
    void DeleteStagedBut(IReadOnlySet<ulong> regionIds);

    /// <summary>The rows of a region as of now, in chunks of bounded size.</summary>
    /// <exception cref="InvalidOperationException">The region has no state here, or is not Normal.</exception>
    IRegionSnapshotReader OpenRegionSnapshot(ulong regionId);
}

/// <inheritdoc cref="DataBatch"/>
public interface IDataBatch : IDisposable
{
    /// <inheritdoc cref="DataBatch.PutBytes"/>
    long PutBytes { get; }

    void Put(ColumnFamily family, ReadOnlySpan<byte> regionKey, ReadOnlySpan<byte> value);

    void Delete(ColumnFamily family, ReadOnlySpan<byte> regionKey);

    /// <inheritdoc cref="DataBatch.DeleteRange"/>
    void DeleteRange(ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end);

    void PutRegionState(RegionLocalState state);

    void PutApplyState(ulong regionId, RaftApplyState state);

    void PutApplyingSnapshot(ulong regionId, ApplyingSnapshot snapshot);

    void DeleteApplyingSnapshot(ulong regionId);

    void DeleteApplyState(ulong regionId);

    /// <inheritdoc cref="DataBatch.SetSavePoint"/>
    void SetSavePoint();

    /// <inheritdoc cref="DataBatch.RollbackToSavePoint"/>
    void RollbackToSavePoint();

    /// <inheritdoc cref="DataBatch.PopSavePoint"/>
    void PopSavePoint();

    void Clear();
}

public static class DataBatchExtensions
{
    /// <summary>Deletes the rows in the region's range, in every family that holds such a region's rows.</summary>
    public static void DeleteData(this IDataBatch batch, Protocol.Metapb.Region region)
    {
        foreach (var family in ColumnFamilies.Of(region.Id)) batch.DeleteRange(family, region.StartKey.Span, region.EndKey.Span);
    }
}

/// <inheritdoc cref="DataSnapshot"/>
public interface IDataSnapshot : IDisposable
{
    /// <inheritdoc cref="DataSnapshot.Get(ColumnFamily, ReadOnlySpan{byte})"/>
    byte[]? Get(ColumnFamily family, ReadOnlySpan<byte> regionKey);

    /// <inheritdoc cref="DataSnapshot.OpenCursor"/>
    IRangeCursor OpenCursor(ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, bool fillCache = true);

    /// <inheritdoc cref="DataEngine.ReadRegionState"/>
    RegionLocalState? ReadRegionState(ulong regionId);

    /// <inheritdoc cref="DataEngine.ReadRegionState"/>
    RaftApplyState? ReadApplyState(ulong regionId);
}

/// <inheritdoc cref="RangeCursor"/>
public interface IRangeCursor : IDisposable
{
    /// <inheritdoc cref="RangeCursor.Valid"/>
    bool Valid { get; }

    /// <inheritdoc cref="RangeCursor.Key"/>
    ReadOnlySpan<byte> Key { get; }

    /// <inheritdoc cref="RangeCursor.Value"/>
    ReadOnlySpan<byte> Value { get; }

    void SeekToFirst();

    void SeekToLast();

    /// <inheritdoc cref="RangeCursor.Seek"/>
    void Seek(ReadOnlySpan<byte> regionKey);

    void Next();

    void Prev();
}
