using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using RocksDbSharp;
using TiKvActors.Protocol;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Storage.Journal;

/// <summary>
/// Events and snapshots of all persistent actors of a store: RocksDB in raft/. Every write is synced, and all that wait share one sync
/// (<see cref="GroupCommit"/>). Thread-safe. Reads may block on the disk.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The store that opened it closes it, with a time limit: Close.")]
public sealed partial class JournalEngine
{
    private readonly UseGate _gate;
    private readonly DbOptions _options;
    private readonly RocksDb _db;
    private readonly WriteOptions _synced = new WriteOptions().SetSync(true);
    private readonly GroupCommit _commits;
    private readonly string _path;
    private readonly FailPoints _failPoints;
    private readonly TaskCompletionSource<JournalFailedException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Registering an id happens under the lock of the group commit, in the batch of the id's first record; reading is free.
    private readonly ConcurrentDictionary<string, ulong> _numbers = new();
    private readonly ConcurrentDictionary<ulong, JournalHead> _heads = new();
    private ulong _lastNumber;

    internal JournalEngine(string path, SharedBlockCache cache, StoreEnginesOptions options)
    {
        _path = path;
        _failPoints = options.FailPoints;
        _gate = new UseGate($"journal {path}");
        var settings = options.Settings.Raft;
        // Everything was synced, so only the last record may be torn; damage before it is an error, not an end.
        LogDamage = WriteAheadLog.CutTornEnd(path);
        _options = EngineOptions.Database(settings).SetWalRecoveryMode(Recovery.AbsoluteConsistency).EnableStatistics();
        _db = EngineOptions.Open(_options, path, new RocksDbSharp.ColumnFamilies(EngineOptions.Family(settings, cache)));
        try
        {
            LoadNumbers();
        }
        catch
        {
            _db.Dispose();
            throw;
        }
        ReplayChunkEvents = options.Settings.ReplayChunkEvents;
        _commits = new GroupCommit($"journal {Path.GetFileName(Path.GetDirectoryName(path))}", batch =>
        {
            _failPoints.Hit(FailPoints.JournalCommit);
            _db.Write(batch, _synced);
        }, failure => _failed.TrySetResult(failure), options.Settings.JournalWriteTimeout, options.Time);
    }

    /// <summary>
    /// Completes with the first failed or timed-out write. From then on every write fails: the store closes its engines, reopens them and
    /// recovers every peer.
    /// </summary>
    public Task<JournalFailedException> Failed => _failed.Task;

    public JournalStatistics Statistics
    {
        get
        {
            var counters = _commits.Counters;
            return new JournalStatistics(
                counters.Batches, ReadSyncs(), counters.Requests, counters.Events, counters.Bytes, counters.LargestBatch);
        }
    }

    /// <summary>The torn end of the log that was cut off when it was opened; null if there was none.</summary>
    internal LogDamage? LogDamage { get; }

    internal int ReplayChunkEvents { get; }

    /// <summary>Everything that was handed in before is durable.</summary>
    public Task Settled() => _commits.Settled();

    internal void WriteIdentity(StoreIdentity identity)
    {
        using var batch = new WriteBatch();
        batch.Put(Keys.StoreIdentity, Google.Protobuf.MessageExtensions.ToByteArray(identity));
        Use(() => _db.Write(batch, _synced));
    }

    internal StoreIdentity? ReadIdentity() =>
        Use(() => _db.Get(Keys.StoreIdentity, new RecordReader<StoreIdentity>(_path, Keys.StoreIdentity.ToArray(), StoreIdentity.Parser)));

    internal void Close(TimeSpan timeout)
    {
        if (!_commits.Close(timeout))
            throw new StorageException(
                $"journal {_path} cannot be closed: a write to the disk has not come back after {timeout.TotalSeconds:0.#} s");
        if (!_gate.Close(timeout)) return;
        _commits.Dispose();
        _db.Dispose();
    }

    private T Use<T>(Func<T> call)
    {
        _gate.Enter();
        try
        {
            return call();
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Use(Action call) => Use(() =>
    {
        call();
        return true;
    });

    private void LoadNumbers()
    {
        using var iterator = _db.NewIterator(
            null, new ReadOptions().SetIterateLowerBound(Keys.PersistenceIdsStart).SetIterateUpperBound(Keys.PersistenceIdsEnd));
        for (iterator.SeekToFirst(); iterator.Valid(); iterator.Next())
        {
            var number = JournalRecords.DecodeNumber(_path, iterator.GetKeySpan(), iterator.GetValueSpan());
            _numbers[Keys.PersistenceIdOf(iterator.GetKeySpan())] = number;
            _lastNumber = Math.Max(_lastNumber, number);
        }
        Native.Instance.rocksdb_iter_get_error(iterator.Handle);
    }

    private long ReadSyncs()
    {
        const string name = "rocksdb.wal.synced COUNT : ";
        var statistics = _options.GetStatisticsString() ?? "";
        var start = statistics.IndexOf(name, StringComparison.Ordinal);
        if (start < 0) return 0;
        var digits = statistics.AsSpan(start + name.Length);
        var end = digits.IndexOf('\n');
        return long.Parse(end < 0 ? digits : digits[..end], CultureInfo.InvariantCulture);
    }
}
