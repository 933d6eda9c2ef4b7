using System.Diagnostics;
using System.Text;
using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace TiKvActors.StandIns.Tests.RocksDb;

/// <summary>What the recorded scenarios cannot show: handles are given back, wrong use is an exception rather than a crash.</summary>
public sealed class HandleTests : IDisposable
{
    // In memory where there is such a place: thousands of databases are opened here, and each syncs several files.
    private readonly DirectoryInfo _folder = Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory(Path.Combine("/dev/shm", "rocksdb-handles-" + Guid.NewGuid().ToString("N")))
        : Directory.CreateTempSubdirectory("rocksdb-handles-");

    public void Dispose() => _folder.Delete(true);

    [Fact]
    public void Thousands_of_opened_and_closed_databases_leave_no_files_and_no_memory_behind()
    {
        var path = Path.Combine(_folder.FullName, "db");
        void OpenAndUse()
        {
            var table = new BlockBasedTableOptions().SetBlockCache(Cache.CreateLru(64 << 10))
                .SetFilterPolicy(BloomFilterPolicy.Create(10, false)).SetFormatVersion(5);
            var family = new ColumnFamilyOptions().SetWriteBufferSize(64 << 10).SetBlockBasedTableFactory(table);
            var options = new DbOptions().SetCreateIfMissing().SetCreateMissingColumnFamilies().SetInfoLogLevel(InfoLogLevel.Fatal)
                .SetKeepLogFileNum(1);
            using var db = Database.Open(options, path, new ColumnFamilies(family) { { "raft", family } });
            using var batch = new WriteBatch();
            batch.Put("k"u8, "v"u8).Put("k"u8, "v"u8, db.GetColumnFamily("raft"));
            db.Write(batch);
            using var snapshot = db.CreateSnapshot();
            using var iterator = db.NewIterator(null, new ReadOptions().SetSnapshot(snapshot).SetIterateUpperBound("z"u8.ToArray()));
            Assert.Equal("k", iterator.SeekToFirst().StringKey());
            Assert.Equal("v", db.Get("k", db.GetColumnFamily("raft")));
        }

        for (var i = 0; i < 200; i++) OpenAndUse();
        Settle();
        var (files, bytes) = (OpenFiles(), ResidentBytes());
        for (var i = 0; i < 2_000; i++) OpenAndUse();
        Settle();
        Assert.InRange(OpenFiles(), 0, files + 5);
        // The process's size wanders by some MiB; 8 KiB a round is less than a forgotten database, cache, iterator or batch.
        Assert.InRange(ResidentBytes() - bytes, long.MinValue, 16L << 20);
    }

    [Fact]
    public void Iterators_and_snapshots_left_open_are_released_by_the_database()
    {
        var path = Path.Combine(_folder.FullName, "db");
        var options = new DbOptions().SetCreateIfMissing();
        var db = Database.Open(options, path);
        db.Put("a", "1");
        var snapshot = db.CreateSnapshot();
        var iterator = db.NewIterator(null, new ReadOptions().SetSnapshot(snapshot));
        iterator.SeekToFirst();
        db.Dispose();
        db.Dispose();
        Assert.Throws<ObjectDisposedException>(() => iterator.Valid());
        Assert.Throws<ObjectDisposedException>(() => db.Get("a"));
        Assert.Throws<ObjectDisposedException>(() => db.CreateSnapshot());
        iterator.Dispose();
        snapshot.Dispose();
        using var again = Database.Open(options, path);
        Assert.Equal("1", again.Get("a"));
    }

    [Fact]
    public void Errors_carry_the_text_of_RocksDB()
    {
        var path = Path.Combine(_folder.FullName, "db");
        using var db = Database.Open(new DbOptions().SetCreateIfMissing(), path);
        var error = Assert.Throws<RocksDbException>(() => Database.Open(new DbOptions(), path));
        Assert.StartsWith("IO error: lock hold by current process", error.Message);
        Assert.Contains(path, error.Message);
    }

    [Fact]
    public void A_filter_policy_belongs_to_one_table_options_object()
    {
        var policy = BloomFilterPolicy.Create();
        new BlockBasedTableOptions().SetFilterPolicy(policy);
        Assert.Throws<InvalidOperationException>(() => new BlockBasedTableOptions().SetFilterPolicy(policy));
    }

    [Fact]
    public void An_iterator_at_no_key_refuses_to_be_read_or_moved()
    {
        using var db = Database.Open(new DbOptions().SetCreateIfMissing(), Path.Combine(_folder.FullName, "db"));
        using var iterator = db.NewIterator();
        Assert.False(iterator.SeekToFirst().Valid());
        Assert.Throws<InvalidOperationException>(() => iterator.Next());
        Assert.Throws<InvalidOperationException>(() => iterator.Key());
    }

    [Fact]
    public void Bounds_can_be_set_again_on_the_same_options()
    {
        using var db = Database.Open(new DbOptions().SetCreateIfMissing(), Path.Combine(_folder.FullName, "db"));
        foreach (var key in new[] { "a", "b", "c", "d" }) db.Put(key, key);
        var options = new ReadOptions();
        foreach (var (from, to, expected) in new[] { ("a", "c", "ab"), ("b", "bbbbbbbbbbbbbbbbbbbbb", "b"), ("c", "z", "cd") })
        {
            using var iterator = db.NewIterator(null, options.SetIterateLowerBound(from).SetIterateUpperBound(to));
            var seen = new StringBuilder();
            for (iterator.SeekToFirst(); iterator.Valid(); iterator.Next()) seen.Append(iterator.StringKey());
            Assert.Equal(expected, seen.ToString());
        }
    }

    [Fact]
    public void A_pinned_get_hands_out_the_value_without_an_array()
    {
        using var db = Database.Open(new DbOptions().SetCreateIfMissing(), Path.Combine(_folder.FullName, "db"));
        db.Put("k"u8, "value"u8);
        Assert.Equal(5, db.Get("k"u8, new LengthOf()));
        Assert.Equal(0, db.Get("none"u8, new LengthOf()));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new LengthOf();
        for (var i = 0; i < 1_000; i++) db.Get("k"u8, reader);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    [Fact]
    public void The_log_can_be_synced_after_unsynced_writes()
    {
        var path = Path.Combine(_folder.FullName, "db");
        var options = new DbOptions().SetCreateIfMissing().EnableStatistics();
        using var db = Database.Open(options, path);
        db.Put("k"u8, "v"u8);
        Assert.Equal(0, Ticker(options, "rocksdb.wal.synced"));
        Native.Instance.rocksdb_flush_wal(db.Handle, true);
        Assert.Equal(1, Ticker(options, "rocksdb.wal.synced"));
        db.Put("k"u8, "v"u8, null, new WriteOptions().SetSync(true));
        Assert.Equal(2, Ticker(options, "rocksdb.wal.synced"));
        Assert.Equal("1", db.GetProperty("rocksdb.estimate-num-keys") is { } keys ? Math.Min(1, long.Parse(keys)).ToString() : null);
        Assert.Null(db.GetProperty("rocksdb.no-such-property"));
    }

    private static long Ticker(DbOptions options, string name) =>
        long.Parse(
            options.GetStatisticsString().Split('\n').Single(l => l.StartsWith(name + " ", StringComparison.Ordinal)).Split(" : ")[1]);

    private static void Settle()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static int OpenFiles() => Directory.Exists("/proc/self/fd") ? Directory.GetFiles("/proc/self/fd").Length : 0;

    private static long ResidentBytes()
    {
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }

    private sealed class LengthOf : ISpanDeserializer<int>
    {
        public int Deserialize(ReadOnlySpan<byte> buffer) => buffer.Length;
    }
}
