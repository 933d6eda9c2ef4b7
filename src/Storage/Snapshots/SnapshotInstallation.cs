using RocksDbSharp;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;

namespace TiKvActors.Storage.Snapshots;

/// <summary>
/// Puts a staged snapshot in place of a region's rows. It crosses both engines, so it goes through a recorded state:
/// <code>
/// Record   state Applying, hard state, (index, term) of the snapshot, and the rows of the range before deleted, in one batch: synced
///          - the peer resets its journal -
/// Finish   new range emptied; staged files ingested; state Normal and applied index in one batch: synced; staged files deleted
/// </code>
/// After a crash in between, the state is Applying: reset the journal again and call <see cref="Finish"/> again.
/// Both calls write the disk and belong on a thread for that.
/// </summary>
public static class SnapshotInstallation
{
    /// <summary>From here on the old rows are gone: nothing would know later that the peer's range was once larger.</summary>
    /// <param name="region">The region as in the snapshot.</param>
    public static void Record(IDataEngine engine, Protocol.Metapb.Region region, ApplyingSnapshot record)
    {
        using var batch = engine.NewBatch();
        // A region without members is an uninitialised peer's: its empty range does not mean everything.
        if (engine.ReadRegionState(region.Id) is { State: PeerState.Normal, Region: { Peers.Count: > 0 } previous })
            batch.DeleteData(previous);
        batch.PutRegionState(new RegionLocalState { State = PeerState.Applying, Region = region });
        batch.PutApplyingSnapshot(region.Id, record);
        engine.Write(batch);
        engine.FailPoints.Hit(FailPoints.SnapshotRecordWritten);
        engine.Sync();
        engine.FailPoints.Hit(FailPoints.SnapshotRecorded);
    }

    /// <param name="staged">Complete.</param>
    /// <exception cref="InvalidOperationException">The region is not in state Applying, or the staged rows are not complete.</exception>
    /// <exception cref="RocksDbException">Disk error: the peer must stop; a restart continues.</exception>
    public static void Finish(IDataEngine engine, ulong regionId, IStagedSnapshot staged)
    {
        if (engine.ReadRegionState(regionId) is not { State: PeerState.Applying, Region: { } region }
            || engine.ReadApplyingSnapshot(regionId) is not { } record)
            throw new InvalidOperationException($"region {regionId} is not in state Applying");
        if (!staged.IsComplete)
            throw new InvalidOperationException($"the snapshot of region {regionId} at index {record.Snapshot.Index} is not complete");

        using var batch = engine.NewBatch();
        batch.DeleteData(region);
        engine.Write(batch);
        engine.FailPoints.Hit(FailPoints.SnapshotCleared);

        staged.Ingest();
        engine.FailPoints.Hit(FailPoints.SnapshotIngested);

        batch.Clear();
        batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = region });
        batch.PutApplyState(regionId, new RaftApplyState { AppliedIndex = record.Snapshot.Index, TruncatedState = record.Snapshot });
        batch.DeleteApplyingSnapshot(regionId);
        engine.Write(batch);
        engine.FailPoints.Hit(FailPoints.SnapshotNormalWritten);
        engine.Sync();
        engine.FailPoints.Hit(FailPoints.SnapshotNormal);
        staged.Delete();
    }
}
