using System.Collections.Concurrent;
using Google.Protobuf;
using RocksDbSharp;
using TiKvActors.Protocol;
using TiKvActors.Storage.Snapshots;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Storage.Data;

/// <summary>
/// The rows of all regions on a store and the regions' states: RocksDB in data/, with TiKV's column families. Writes go to the write-ahead
/// log without waiting for the disk (the Raft log can repeat them); <see cref="Sync"/> makes everything written so far durable.
/// Thread-safe.
/// </summary>
public sealed partial class DataEngine : IDataEngine
{
    private readonly UseGate _gate;
    private readonly RocksDb _db;
    private readonly ColumnFamilyHandle[] _families;
    private readonly FailPoints _failPoints;
    private readonly string _path;
    private readonly ConcurrentBag<ReadOptions> _readOptions = [];
    private readonly Lock _syncGate = new();
    private readonly CallWatch _watch;
    private readonly TaskCompletionSource<DataEngineFailedException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DataEngineFailedException? _failure;
    private long _writes;
    private long _syncedWrites;
    private long _syncs;

    internal DataEngine(string path, string stagingFolder, SharedBlockCache cache, StoreEnginesOptions options)
    {
        _path = path;
        _failPoints = options.FailPoints;
        _gate = new UseGate($"data engine {path}");
        StagingFolder = stagingFolder;
        SnapshotChunkBytes = options.Settings.SnapshotChunkBytes;
        var settings = options.Settings.Data;
        var families = ColumnFamilies.Physical;
        var named = new RocksDbSharp.ColumnFamilies(EngineOptions.Family(settings, cache));
        foreach (var family in families.Where(f => f != ColumnFamily.Default))
            named.Add(ColumnFamilies.NameOf(family), EngineOptions.Family(settings, cache));
        // After a power failure the unsynced end of the log may be torn; everything before it is a consistent state, from which Raft
        // repeats the rest. If it is older than what Raft still has, the peers concerned notice: their applied index is below their
        // truncated one.
        LogDamage = WriteAheadLog.FindDamage(path);
        _db = EngineOptions.Open(EngineOptions.Database(settings).SetWalRecoveryMode(Recovery.PointInTime), path, named);
        _watch = new CallWatch(options.Settings.DataWriteTimeout, options.Time, age => Fail(new DataEngineFailedException(
            $"a write to the data engine {path} has taken {age.TotalSeconds:0.#} s "
                + $"(limit {options.Settings.DataWriteTimeout.TotalSeconds:0.#} s): does the disk hang?",
            null)));
        // The meta group's rows are in the default one too.
        _families = [.. families.Append(ColumnFamily.Default).Select(f => _db.GetColumnFamily(ColumnFamilies.NameOf(f)))];
    }

    /// <summary>
    /// Completes with the first write that RocksDB fails or that does not come back in time. From then on every write fails: the store
    /// closes its engines, reopens them and recovers every peer.
    /// </summary>
    public Task<DataEngineFailedException> Failed => _failed.Task;

    /// <summary>Batches written since opening.</summary>
    public long Writes => Volatile.Read(ref _writes);

    /// <summary>Times that <see cref="Sync"/> went to the disk since opening.</summary>
    public long Syncs => Volatile.Read(ref _syncs);

    /// <summary>From where on the log could not be read when it was opened; null if all of it could.</summary>
    internal LogDamage? LogDamage { get; }

    internal string StagingFolder { get; }

    internal int SnapshotChunkBytes { get; }

    public FailPoints FailPoints => _failPoints;

    /// <summary>For <see cref="Write"/>; dispose it, or reuse it after <see cref="DataBatch.Clear"/>.</summary>
    public DataBatch NewBatch() => new(this);

    /// <summary>All of the batch or nothing. Not durable before the next <see cref="Sync"/>, but visible at once.</summary>
    /// <exception cref="RocksDbException">Disk error: the peer must stop.</exception>
    /// <exception cref="DataEngineFailedException">An earlier write failed.</exception>
    public void Write(DataBatch batch) => Change(() =>
    {
        _failPoints.Hit(FailPoints.DataWrite);
        _db.Write(batch.Writes);
        Interlocked.Increment(ref _writes);
        _failPoints.Hit(FailPoints.DataWritten);
    });

    /// <summary>Everything written before the call is durable after it. Calls that overlap share one sync.</summary>
    /// <exception cref="RocksDbException">Disk error: what is durable is unknown, the peer must stop.</exception>
    /// <exception cref="DataEngineFailedException">An earlier write failed.</exception>
    public void Sync() => Change(() =>
    {
        var wanted = Volatile.Read(ref _writes);
        lock (_syncGate)
        {
            if (_syncedWrites >= wanted) return;
            var covered = Volatile.Read(ref _writes);
            _failPoints.Hit(FailPoints.DataSync);
            Native.Instance.rocksdb_flush_wal(_db.Handle, true);
            _syncedWrites = covered;
            Interlocked.Increment(ref _syncs);
        }
    });

    /// <summary>
    /// The present state, unmoved by later writes. Dispose it soon: it keeps overwritten values alive, and the engine open.
    /// </summary>
    public DataSnapshot NewSnapshot()
    {
        _gate.Enter();
        try
        {
            return new DataSnapshot(this);
        }
        catch
        {
            _gate.Exit();
            throw;
        }
    }

    IDataBatch IDataEngine.NewBatch() => NewBatch();

    void IDataEngine.Write(IDataBatch batch) => Write((DataBatch)batch);

    IDataSnapshot IDataEngine.NewSnapshot() => NewSnapshot();

    IStagedSnapshot IDataEngine.BeginStaged(ulong regionId, ulong index, ulong term) => StagedSnapshot.Begin(this, regionId, index, term);

    IStagedSnapshot? IDataEngine.FindStaged(ulong regionId, ulong index, ulong term) => StagedSnapshot.Find(this, regionId, index, term);

    void IDataEngine.DeleteStagedBut(IReadOnlySet<ulong> regionIds) => StagedSnapshot.DeleteAllBut(this, regionIds);

    IRegionSnapshotReader IDataEngine.OpenRegionSnapshot(ulong regionId) => new RegionSnapshotReader(this, regionId);

    /// <summary>A RocksDB property such as rocksdb.stats or rocksdb.estimate-num-keys; null if unknown.</summary>
    public string? GetProperty(string name, ColumnFamily family = ColumnFamily.Default)
    {
        _gate.Enter();
        try
        {
            return _db.GetProperty(name, Handle(family));
        }
        finally
        {
            _gate.Exit();
        }
    }

    internal RocksDb Db => _db;

    internal ColumnFamilyHandle Handle(ColumnFamily family) => _families[(int)family];

    internal string NameOf(ColumnFamily family) => $"{_path} ({ColumnFamilies.NameOf(family)})";

    /// <summary>Options whose snapshot and bounds are left over from an earlier use: set what is read with.</summary>
    internal ReadOptions RentReadOptions() => _readOptions.TryTake(out var options) ? options : new ReadOptions();

    internal void ReturnReadOptions(ReadOptions options) => _readOptions.Add(options);

    internal void EnterUse() => _gate.Enter();

    internal void ExitUse() => _gate.Exit();

    /// <summary>
    /// Takes a table file's rows in, at once and over older ones. The file is copied, so that the same can be done again after a crash.
    /// </summary>
    internal void Ingest(ColumnFamily family, string file) =>
        Change(() => _db.IngestExternalFiles([file], new IngestExternalFileOptions(), Handle(family)));

    internal void WriteIdentity(StoreIdentity identity)
    {
        using var batch = NewBatch();
        batch.PutLocal(ColumnFamily.Default, Keys.StoreIdentity, identity);
        Write(batch);
        Sync();
    }

    internal StoreIdentity? ReadIdentity() => ReadLocal(ColumnFamily.Default, Keys.StoreIdentity, StoreIdentity.Parser);

    internal void Close(TimeSpan timeout)
    {
        if (!_gate.Close(timeout)) return;
        _watch.Dispose();
        // A clean close need not repeat the log, and unsynced writes survive a power failure right after it.
        try
        {
            if (Volatile.Read(ref _failure) is null) Native.Instance.rocksdb_flush_wal(_db.Handle, true);
        }
        finally
        {
            _db.Dispose();
        }
    }

    private void Fail(DataEngineFailedException failure)
    {
        if (Interlocked.CompareExchange(ref _failure, failure, null) is null) _failed.TrySetResult(failure);
    }

    private void Change(Action change)
    {
        _gate.Enter();
        var call = _watch.Begin();
        try
        {
            if (Volatile.Read(ref _failure) is { } failure) throw new DataEngineFailedException(failure.Message, failure);
            change();
        }
        catch (RocksDbException e)
        {
            Fail(new DataEngineFailedException($"a write to the data engine {_path} failed: {e.Message}", e));
            throw;
        }
        finally
        {
            _watch.End(call);
            _gate.Exit();
        }
    }

    private T? ReadLocal<T>(ColumnFamily family, ReadOnlySpan<byte> key, MessageParser<T> parser) where T : class, IMessage<T>, new()
    {
        _gate.Enter();
        try
        {
            return _db.Get(key, new RecordReader<T>(NameOf(family), key.ToArray(), parser), Handle(family));
        }
        finally
        {
            _gate.Exit();
        }
    }
}
