using RocksDbSharp;
using TiKvActors.Storage.Journal;

namespace TiKvActors.Storage.Tests;

/// <summary>What a power failure or a bad disk leaves of a write-ahead log: a torn end is normal, damage before it is not.</summary>
public sealed class DamagedLogTests : IDisposable
{
    private readonly TestStore _store = new();
    private readonly TestStore _copy = new(open: false);

    public void Dispose()
    {
        _store.Dispose();
        _copy.Dispose();
    }

    [Fact]
    public async Task A_torn_end_of_the_journals_log_loses_only_the_last_record()
    {
        await AppendTen();
        var log = CopiedLog("raft");
        Resize(log, new FileInfo(log).Length - 3);
        _copy.Reopen();
        Assert.Equal(Enumerable.Range(1, 9).Select(n => (long)n), Numbers(_copy));
        Assert.Equal(9, _copy.Engines.Journal.ReadHighestSequenceNr("a"));
    }

    [Fact]
    public async Task Damage_within_the_journals_log_is_refused()
    {
        await AppendTen();
        var log = CopiedLog("raft");
        Flip(log, new FileInfo(log).Length / 2);
        var error = Assert.Throws<RocksDbException>(() => _copy.Reopen());
        Assert.StartsWith("Corruption:", error.Message);
        // Nothing is held by the failed attempt.
        JournalEngineTests.CopyFolder(Path.Combine(_store.Directory, "raft"), Path.Combine(_copy.Directory, "raft"), overwrite: true);
        _copy.Reopen();
        Assert.Equal(10, Numbers(_copy).Count());
    }

    [Fact]
    public void A_torn_end_of_the_data_engines_log_leaves_a_prefix_with_its_applied_index()
    {
        for (ulong i = 1; i <= 10; i++)
        {
            using var batch = _store.Engines.Data.NewBatch();
            batch.Put(ColumnFamily.Default, TestStore.Bytes($"key {i:00}"), new byte[100]);
            batch.PutApplyState(7, new Protocol.RaftServerpb.RaftApplyState { AppliedIndex = i });
            _store.Engines.Data.Write(batch);
        }
        var log = CopiedLog("data");
        Resize(log, new FileInfo(log).Length / 2);
        _copy.Reopen();
        var applied = _copy.Engines.Data.ReadApplyState(7)?.AppliedIndex ?? 0;
        Assert.InRange(applied, 1ul, 9ul);
        using var snapshot = _copy.Engines.Data.NewSnapshot();
        for (ulong i = 1; i <= 10; i++) Assert.Equal(i <= applied, snapshot.Get(ColumnFamily.Default, TestStore.Bytes($"key {i:00}")) is not null);
    }

    private static IEnumerable<long> Numbers(TestStore store) => store.Engines.Journal.ReadEvents("a", 1, long.MaxValue, long.MaxValue).Select(e => e.SequenceNr);

    private static void Resize(string file, long length)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.SetLength(length);
    }

    private static void Flip(string file, long position)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.Position = position;
        var old = stream.ReadByte();
        stream.Position = position;
        stream.WriteByte((byte)~old);
    }

    private async Task AppendTen()
    {
        for (var n = 1L; n <= 10; n++)
            await _store.Engines.Journal.AppendAsync("a", [(n, JournalRecords.Encode(new StoredEvent(n, 1, "", "", "", 0, new byte[200])))]);
    }

    /// <summary>The files as a crash would leave them, without a clean close.</summary>
    private string CopiedLog(string engine)
    {
        JournalEngineTests.CopyFolder(_store.Directory, _copy.Directory);
        return Directory.GetFiles(Path.Combine(_copy.Directory, engine), "*.log").OrderBy(f => new FileInfo(f).Length).Last();
    }
}
