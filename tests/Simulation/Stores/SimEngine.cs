using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Simulation.Stores;

/// <summary>
/// A data engine that was opened on a <see cref="DataDisk"/>. Nothing can be done with it any more once its process has ended.
/// </summary>
internal sealed class SimEngine(DataDisk disk, FailPoints failPoints, int chunkBytes, Action<bool, Func<string>> check) : IDataEngine
{
    // Regions for which a snapshot is being staged.
    private readonly HashSet<ulong> _staging = [];

    public FailPoints FailPoints => failPoints;

    public bool IsClosed { get; set; }

    /// <summary>After a batch with the applied index or the state of these regions, and these rows.</summary>
    public Action<IReadOnlyList<ulong>, IReadOnlyList<byte[]>>? Written { get; set; }

    public IDataBatch NewBatch() => new Batch();

    public void Write(IDataBatch batch)
    {
        CheckOpen();
        failPoints.Hit(FailPoints.DataWrite);
        var ops = ((Batch)batch).Ops;
        var state = disk.State;
        foreach (var op in ops) state = op.Change(state);
        disk.Write(state);
        Written?.Invoke(
            [.. ops.Where(o => o.RegionId != 0).Select(o => o.RegionId).Distinct()],
            [.. ops.Where(o => o.Put is not null).Select(o => o.Put!)]);
        failPoints.Hit(FailPoints.DataWritten);
    }

    public void Sync()
    {
        CheckOpen();
        failPoints.Hit(FailPoints.DataSync);
        disk.Sync();
    }

    public IDataSnapshot NewSnapshot()
    {
        CheckOpen();
        return new Snapshot(disk.State);
    }

    public RegionLocalState? ReadRegionState(ulong regionId) => Read().Regions.GetValueOrDefault(regionId);

    public RaftApplyState? ReadApplyState(ulong regionId) => Read().Applied.GetValueOrDefault(regionId);

    public ApplyingSnapshot? ReadApplyingSnapshot(ulong regionId) => Read().Applying.GetValueOrDefault(regionId);

    public IReadOnlyList<RegionLocalState> ReadRegionStates() => [.. Read().Regions.Values];

    public IStagedSnapshot BeginStaged(ulong regionId, ulong index, ulong term)
    {
        CheckOpen();
        check(
            !_staging.Contains(regionId),
            () => $"two snapshots of region {regionId} are being staged: the second one deletes the first one's folder");
        check(
            disk.State.Regions.GetValueOrDefault(regionId)?.State != PeerState.Applying,
            () => $"a snapshot of region {regionId} is being staged, and the one that is being installed is deleted");
        foreach (var old in disk.Staging.Keys.Where(f => f.RegionId == regionId).ToList()) disk.DeleteStaged(old);
        disk.Staging[(regionId, index, term)] = new DataDisk.Staged();
        failPoints.Hit(FailPoints.StagingBegun);
        _staging.Add(regionId);
        return new StagedRows(this, (regionId, index, term), disk.Staging[(regionId, index, term)]);
    }

    public IStagedSnapshot? FindStaged(ulong regionId, ulong index, ulong term)
    {
        CheckOpen();
        return disk.Staging.TryGetValue((regionId, index, term), out var staged) && staged.IsComplete
            ? new StagedRows(this, (regionId, index, term), staged)
            : null;
    }

    public void DeleteStagedBut(IReadOnlySet<ulong> regionIds)
    {
        CheckOpen();
        foreach (var old in disk.Staging.Keys.Where(f => !regionIds.Contains(f.RegionId)).ToList()) disk.DeleteStaged(old);
    }

    public IRegionSnapshotReader OpenRegionSnapshot(ulong regionId) =>
        new RegionSnapshotReader(NewSnapshot(), "raft", chunkBytes, regionId);

    private DataState Read()
    {
        CheckOpen();
        return disk.State;
    }

    private void CheckOpen()
    {
        if (IsClosed) throw new ObjectDisposedException("the data engine of an ended process");
    }

    /// <param name="RegionId">Not 0: the applied index or the state of this region is changed.</param>
    /// <param name="Put">A row's value.</param>
    private readonly record struct Op(Func<DataState, DataState> Change, ulong RegionId, byte[]? Put = null);

    private sealed class Batch : IDataBatch
    {
        private readonly Stack<(int Count, long Bytes)> _savePoints = new();

        public List<Op> Ops { get; } = [];

        public long PutBytes { get; private set; }

        public void Put(ColumnFamily family, ReadOnlySpan<byte> regionKey, ReadOnlySpan<byte> value)
        {
            var (key, bytes) = (ByteString.CopyFrom(regionKey), value.ToArray());
            Ops.Add(new Op(s => s.With(family, s[family].With(key, bytes)), 0, bytes));
            PutBytes += regionKey.Length + value.Length;
        }

        public void Delete(ColumnFamily family, ReadOnlySpan<byte> regionKey)
        {
            var key = ByteString.CopyFrom(regionKey);
            Ops.Add(new Op(s => s.With(family, s[family].Without(key)), 0));
        }

        public void DeleteRange(ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
        {
            var (from, to) = (start.ToArray(), end.ToArray());
            if (to.Length > 0 && from.AsSpan().SequenceCompareTo(to) > 0) throw new ArgumentException("inverted range", nameof(end));
            Ops.Add(new Op(s => s.With(family, s[family].Without(from, to)), 0));
        }

        public void PutRegionState(RegionLocalState state) =>
            Ops.Add(new Op(s => s with { Regions = s.Regions.SetItem(state.Region.Id, state) }, state.Region.Id));

        public void PutApplyState(ulong regionId, RaftApplyState state) =>
            Ops.Add(new Op(s => s with { Applied = s.Applied.SetItem(regionId, state) }, regionId));

        public void PutApplyingSnapshot(ulong regionId, ApplyingSnapshot snapshot) =>
            Ops.Add(new Op(s => s with { Applying = s.Applying.SetItem(regionId, snapshot) }, 0));

        public void DeleteApplyingSnapshot(ulong regionId) => Ops.Add(new Op(s => s with { Applying = s.Applying.Remove(regionId) }, 0));

        public void DeleteApplyState(ulong regionId) => Ops.Add(new Op(s => s with { Applied = s.Applied.Remove(regionId) }, 0));

        public void SetSavePoint() => _savePoints.Push((Ops.Count, PutBytes));

        public void RollbackToSavePoint()
        {
            var (count, bytes) = _savePoints.Pop();
            Ops.RemoveRange(count, Ops.Count - count);
            PutBytes = bytes;
        }

        public void PopSavePoint() => _savePoints.Pop();

        public void Clear()
        {
            Ops.Clear();
            PutBytes = 0;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Snapshot(DataState state) : IDataSnapshot
    {
        public byte[]? Get(ColumnFamily family, ReadOnlySpan<byte> regionKey) => state[family].Get(regionKey);

        public IRangeCursor OpenCursor(ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, bool fillCache = true) =>
            new Cursor(state[family].In(start, end).ToArray());

        public RegionLocalState? ReadRegionState(ulong regionId) => state.Regions.GetValueOrDefault(regionId);

        public RaftApplyState? ReadApplyState(ulong regionId) => state.Applied.GetValueOrDefault(regionId);

        public void Dispose()
        {
        }
    }

    private sealed class Cursor(KeyValuePair<ByteString, byte[]>[] rows) : IRangeCursor
    {
        private int _at = -1;

        public bool Valid => _at >= 0 && _at < rows.Length;

        public ReadOnlySpan<byte> Key => rows[_at].Key.Span;

        public ReadOnlySpan<byte> Value => rows[_at].Value;

        public void SeekToFirst() => _at = 0;

        public void SeekToLast() => _at = rows.Length - 1;

        public void Seek(ReadOnlySpan<byte> regionKey)
        {
            for (_at = 0; _at < rows.Length && rows[_at].Key.Span.SequenceCompareTo(regionKey) < 0;) _at++;
        }

        public void Next() => _at++;

        public void Prev() => _at--;

        public void Dispose()
        {
        }
    }

    /// <summary>Works on the folder by its name, as table files do: who deletes it takes it from everybody.</summary>
    private sealed class StagedRows(SimEngine engine, (ulong RegionId, ulong Index, ulong Term) folder, DataDisk.Staged staged)
        : IStagedSnapshot
    {
        private readonly DataDisk _disk = engine.Disk;
        private readonly bool _isPull = !staged.IsComplete;

        public bool IsComplete { get; private set; } = staged.IsComplete;

        public ulong NextChunk { get; private set; }

        public void Add(SnapshotChunk chunk)
        {
            engine.CheckOpen();
            if (chunk.Index < NextChunk) return;
            if (chunk.Index > NextChunk || IsComplete)
                throw new ArgumentOutOfRangeException(nameof(chunk), chunk.Index, $"chunk {NextChunk} is next");
            staged.Chunks.Add(chunk);
            NextChunk++;
            engine.FailPoints.Hit(FailPoints.ChunkStaged);
            if (!chunk.Last) return;
            if (!_disk.Staging.TryGetValue(folder, out var there)) throw new DirectoryNotFoundException($"staging folder {folder}");
            // Whoever writes the mark, it stands in the folder that is there now.
            there.IsComplete = true;
            IsComplete = true;
            engine.FailPoints.Hit(FailPoints.SnapshotStaged);
        }

        public void Ingest()
        {
            foreach (var family in ColumnFamilies.OfData)
            {
                engine.CheckOpen();
                List<KeyValue> rows = [.. staged.Chunks.Where(c => c.Family == family).SelectMany(c => c.Rows)];
                if (rows.Count == 0) continue;
                _disk.Ingest(family, rows);
                engine.FailPoints.Hit(FailPoints.FamilyIngested);
            }
        }

        public void Delete()
        {
            if (!engine.IsClosed) _disk.DeleteStaged(folder);
        }

        public void Dispose()
        {
            if (_isPull) engine._staging.Remove(folder.RegionId);
        }
    }

    private DataDisk Disk => disk;
}
