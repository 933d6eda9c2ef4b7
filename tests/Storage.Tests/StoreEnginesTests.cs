using System.Diagnostics;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Storage.Tests;

public sealed class StoreEnginesTests : IDisposable
{
    private readonly TestStore _store = new(open: false);

    public void Dispose() => _store.Dispose();

    [Fact]
    public void A_new_directory_is_nobodys_and_keeps_the_identity_that_it_is_given()
    {
        Assert.Null(_store.Reopen().Ident);
        Assert.Null(_store.Reopen().Ident);
        _store.Engines.SetIdent(Ident());
        Assert.Equal(Ident(), _store.Engines.Ident);
        Assert.Equal(Ident(), _store.Reopen().Ident);
        _store.Engines.SetIdent(Ident());
        Assert.Throws<ArgumentException>(() => _store.Engines.SetIdent(new StoreIdent { ClusterId = 1 }));
    }

    [Theory]
    [InlineData(78, null, null, "cluster 77", "cluster 78")]
    [InlineData(null, 4, null, "store 3", "store 4")]
    [InlineData(null, null, APIVersion.V1Ttl, "API mode v2", "API mode v1ttl")]
    public void Another_identity_is_refused_with_both_values(int? cluster, int? store, APIVersion? api, string found, string expected)
    {
        _store.Reopen().SetIdent(Ident());
        var asked = new ExpectedIdentity((ulong?)cluster, (ulong?)store, api);
        var later = Assert.Throws<IdentityMismatchException>(() => _store.Engines.CheckIdent(asked));
        _store.Close();
        _store.Options = _store.Options with { Expected = asked };
        var error = Assert.Throws<IdentityMismatchException>(() => _store.Reopen());
        Assert.Equal(later.Message, error.Message);
        Assert.Contains(found, error.Message);
        Assert.Contains(expected, error.Message);
        Assert.Contains(_store.Directory, error.Message);

        _store.Options = _store.Options with { Expected = new ExpectedIdentity(77, 3, APIVersion.V2) };
        Assert.Equal(Ident(), _store.Reopen().Ident);
    }

    [Fact]
    public void Setting_another_identity_is_refused()
    {
        _store.Reopen().SetIdent(Ident());
        var other = Ident();
        other.StoreId = 9;
        Assert.Contains("store 9", Assert.Throws<IdentityMismatchException>(() => _store.Engines.SetIdent(other)).Message);
        Assert.Equal(3ul, _store.Engines.Ident?.StoreId);
    }

    [Fact]
    public void A_newer_format_is_refused_with_both_versions()
    {
        _store.Reopen().SetIdent(Ident());
        _store.Close();
        WriteIdentityFile(new StoreIdentity { FormatVersion = 2, Ident = Ident() });
        var error = Assert.Throws<NewerFormatException>(() => _store.Reopen());
        Assert.Contains("format version 2", error.Message);
        Assert.Contains("up to 1", error.Message);

        WriteIdentityFile(new StoreIdentity { FormatVersion = 1, Ident = Ident() });
        _store.Reopen();
    }

    [Fact]
    public void A_damaged_or_missing_identity_is_corruption()
    {
        _store.Reopen().SetIdent(Ident());
        _store.Close();
        var file = Path.Combine(_store.Directory, "identity");
        File.WriteAllBytes(file, [0xFF]);
        Assert.Contains(file, Assert.Throws<CorruptionException>(() => _store.Reopen()).Message);
        File.WriteAllBytes(file, []);
        Assert.Contains("no format version", Assert.Throws<CorruptionException>(() => _store.Reopen()).Message);
        File.Delete(file);
        Assert.Contains("was it deleted?", Assert.Throws<CorruptionException>(() => _store.Reopen()).Message);
    }

    [Fact]
    public void An_engine_of_another_store_is_noticed()
    {
        _store.Reopen().SetIdent(Ident());
        _store.Close();
        using var other = new TestStore();
        other.Engines.SetIdent(new StoreIdent { ClusterId = 77, StoreId = 5, ApiVersion = APIVersion.V2 });
        other.Close();
        var raft = Path.Combine(_store.Directory, "raft");
        Directory.Delete(raft, true);
        Assert.Contains("is missing", Assert.Throws<CorruptionException>(() => _store.Reopen()).Message);
        Directory.Move(Path.Combine(other.Directory, "raft"), raft);
        var error = Assert.Throws<IdentityMismatchException>(() => _store.Reopen());
        Assert.Contains("5 of cluster 77", error.Message);
        Assert.Contains("3 of cluster 77", error.Message);
    }

    [Fact]
    public void A_directory_whose_pid_cannot_be_written_says_so_and_is_not_left_locked()
    {
        _store.Reopen();
        _store.Close();
        var pid = Path.Combine(_store.Directory, "pid");
        File.Delete(pid);
        File.CreateSymbolicLink(pid, pid);        // cannot be opened
        Assert.Contains(pid, Assert.Throws<StorageException>(() => _store.Reopen()).Message);
        File.Delete(pid);
        Directory.CreateDirectory(pid);
        Assert.Throws<StorageException>(() => _store.Reopen());
        Directory.Delete(pid);
        _store.Reopen();
    }

    [Fact]
    public void A_directory_in_use_is_refused_by_name_of_its_process()
    {
        _store.Reopen();
        var error = Assert.Throws<DirectoryInUseException>(() => StoreEngines.Open(_store.Directory));
        Assert.Contains(_store.Directory, error.Message);
        Assert.Contains($"by process {Environment.ProcessId}", error.Message);
        _store.Reopen();
    }

    [Fact]
    public void Closing_waits_for_readers_and_says_when_they_do_not_end()
    {
        _store.Options = _store.Options with { Settings = StorageSettings.Default with { CloseTimeout = TimeSpan.FromMilliseconds(100) } };
        var engines = _store.Reopen();
        var snapshot = engines.Data.NewSnapshot();
        var error = Assert.Throws<StorageException>(engines.Dispose);
        Assert.Contains("1 snapshots", error.Message);
        Assert.Throws<DirectoryInUseException>(() => StoreEngines.Open(_store.Directory));
        Assert.Null(snapshot.Get(ColumnFamily.Default, "still readable"u8));
        snapshot.Dispose();
        engines.Dispose();
        Assert.Throws<ObjectDisposedException>(() => engines.Data.NewSnapshot());
        Assert.Throws<ObjectDisposedException>(() => engines.Data.ReadRegionState(1));
        _store.Reopen();
    }

    [Fact]
    public void Stores_of_a_process_share_one_block_cache()
    {
        var cache = new SharedBlockCache(8 << 20);
        using var other = new TestStore(open: false) { Options = new StoreEnginesOptions { BlockCache = cache } };
        _store.Options = new StoreEnginesOptions { BlockCache = cache };
        foreach (var store in new[] { _store, other })
        {
            store.Reopen();
            using (var batch = store.Engines.Data.NewBatch())
            {
                for (var i = 0; i < 1_000; i++) batch.Put(ColumnFamily.Default, TestStore.Bytes($"key {i}"), new byte[100]);
                store.Engines.Data.Write(batch);
            }
            store.Engines.Data.Db.Flush(new RocksDbSharp.FlushOptions().SetWaitForFlush(true));
            var before = cache.UsedBytes;
            using var snapshot = store.Engines.Data.NewSnapshot();
            Assert.NotNull(snapshot.Get(ColumnFamily.Default, "key 500"u8));
            Assert.InRange(cache.UsedBytes, before + 1, cache.CapacityBytes);
        }
    }

    [Fact]
    public void Opening_and_closing_again_and_again_leaves_no_files_and_no_threads_behind()
    {
        for (var i = 0; i < 20; i++) _store.Reopen();
        var (files, threads) = (OpenFiles(), Threads());
        for (var i = 0; i < 150; i++) _store.Reopen();
        // One forgotten in every opening would make 150; meanwhile other tests of this process come and go.
        Assert.InRange(OpenFiles(), 0, files + 100);
        Assert.InRange(Threads(), 0, threads + 100);
    }

    [Fact]
    public void Settings_out_of_range_are_refused_by_name()
    {
        var config = Akka.Configuration.ConfigurationFactory.ParseString("tikv.storage.data.write-buffer-size = 1");
        Assert.Contains("write-buffer-size = 1", Assert.Throws<ArgumentException>(() => StorageSettings.From(config)).Message);
        config = Akka.Configuration.ConfigurationFactory.ParseString("tikv.storage.journal.replay-chunk-events = 0");
        Assert.Contains("replay-chunk-events = 0", Assert.Throws<ArgumentException>(() => StorageSettings.From(config)).Message);
        config = Akka.Configuration.ConfigurationFactory.ParseString("tikv.storage.data.write-buffer-size = 4 MiB");
        Assert.Equal(4 << 20, StorageSettings.From(config).Data.WriteBufferBytes);
        Assert.Equal(StorageSettings.Default.Raft, StorageSettings.From(config).Raft);
    }

    private static StoreIdent Ident() => new() { ClusterId = 77, StoreId = 3, ApiVersion = APIVersion.V2 };

    private static int OpenFiles() => Directory.Exists("/proc/self/fd") ? Directory.GetFiles("/proc/self/fd").Length : 0;

    private static int Threads()
    {
        using var self = Process.GetCurrentProcess();
        return self.Threads.Count;
    }

    private void WriteIdentityFile(StoreIdentity identity) =>
        File.WriteAllBytes(Path.Combine(_store.Directory, "identity"), Google.Protobuf.MessageExtensions.ToByteArray(identity));
}
