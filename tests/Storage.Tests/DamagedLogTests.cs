using TiKvActors.Storage.Journal;
using TiKvActors.Storage.Stores;

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
        var error = Assert.Throws<CorruptionException>(() => _copy.Reopen());
        Assert.StartsWith($"corruption in {log}: offset ", error.Message);
        Assert.Contains("checksum mismatch", error.Message);
        // Nothing is held by the failed attempt.
        JournalEngineTests.CopyFolder(Path.Combine(_store.Directory, "raft"), Path.Combine(_copy.Directory, "raft"), overwrite: true);
        _copy.Reopen();
        Assert.Equal(10, Numbers(_copy).Count());
    }

    /// <summary>
    /// What a write that was under way when the power failed may leave on disk: any of its pages, and anything in the others.
    /// </summary>
    [Theory]
    [InlineData("zeros")]
    [InlineData("garbage")]
    [InlineData("holes")]
    public async Task A_last_record_of_which_anything_is_left_is_cut_off_and_reported(string what)
    {
        await AppendTen();
        var synced = new FileInfo(CopiedLog("raft")).Length;
        await AppendAsync(11, 100_000);
        var log = CopiedLog("raft");
        var tail = Bytes(log)[(int)synced..];
        var random = new Random(1);
        if (what == "zeros") Array.Clear(tail);
        if (what == "garbage") random.NextBytes(tail);
        if (what == "holes") Array.Clear(tail, 0, 8192);
        Overwrite(log, synced, tail);
        _copy.Reopen();
        Assert.Equal(Enumerable.Range(1, 10).Select(n => (long)n), Numbers(_copy));
        Assert.Contains($"{log} ended in a write that was never acknowledged (offset {synced} of {synced + tail.Length}", Assert.Single(
            _copy.Engines.LogDamages));
        _copy.Reopen();
        Assert.Empty(_copy.Engines.LogDamages);
    }

    /// <summary>Also in the last record, which was acknowledged.</summary>
    [Theory]
    [InlineData(200, 1)]
    [InlineData(100_000, 97)]
    public async Task A_flipped_bit_anywhere_in_the_journals_log_is_found_and_refused(int lastBytes, int step)
    {
        await AppendTen();
        await AppendAsync(11, lastBytes);
        var log = CopiedLog("raft");
        var whole = Bytes(log);
        for (var at = 0; at < whole.Length; at += step)
        {
            var flipped = whole.ToArray();
            flipped[at] ^= (byte)(1 << at % 8);
            await File.WriteAllBytesAsync(log, flipped);
            var refusal = Assert.Throws<CorruptionException>(() => WriteAheadLog.CutTornEnd(Path.GetDirectoryName(log)!));
            Assert.StartsWith($"corruption in {log}: offset ", refusal.Message);
        }
    }

    /// <summary>The limit: two wrong bits in the last record look like a write that was under way.</summary>
    [Fact]
    public async Task More_than_one_wrong_bit_in_the_last_record_is_taken_for_a_torn_end()
    {
        await AppendTen();
        var last = new FileInfo(CopiedLog("raft")).Length;
        await AppendAsync(11, 200);
        var log = CopiedLog("raft");
        Flip(log, last + 30);
        Assert.Equal(last, WriteAheadLog.CutTornEnd(Path.GetDirectoryName(log)!)!.Offset);
    }

    [Fact]
    public async Task An_older_log_of_the_journal_has_no_torn_end()
    {
        await AppendTen();
        var log = CopiedLog("raft");
        Resize(log, new FileInfo(log).Length - 3);
        var next = Path.Combine(Path.GetDirectoryName(log)!, "000099.log");
        await File.WriteAllBytesAsync(next, []);
        Assert.Contains("000099.log follows", Assert.Throws<CorruptionException>(() => _copy.Reopen()).Message);
    }

    [Fact]
    public async Task Logs_with_records_of_all_sizes_are_read_as_rocksdb_wrote_them()
    {
        var random = new Random(2);
        for (var n = 1; n <= 200; n++) await AppendAsync(n, random.Next(n % 10 == 0 ? 200_000 : 2_000));
        // Around the end of a block, where a header just fits or does not.
        for (var n = 201; n <= 300; n++) await AppendAsync(n, 32_700 - random.Next(40));
        Assert.Null(WriteAheadLog.FindDamage(Path.Combine(_store.Directory, "raft")));
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
        Resize(log, new FileInfo(log).Length / 2 - 3);
        _copy.Reopen();
        var applied = _copy.Engines.Data.ReadApplyState(7)?.AppliedIndex ?? 0;
        Assert.InRange(applied, 1ul, 9ul);
        Assert.StartsWith($"{log} cannot be read from offset ", Assert.Single(_copy.Engines.LogDamages));
        using var snapshot = _copy.Engines.Data.NewSnapshot();
        for (ulong i = 1; i <= 10; i++)
            Assert.Equal(i <= applied, snapshot.Get(ColumnFamily.Default, TestStore.Bytes($"key {i:00}")) is not null);
    }

    private static IEnumerable<long> Numbers(TestStore store) =>
        store.Engines.Journal.ReadEvents("a", 1, long.MaxValue, long.MaxValue).Select(e => e.SequenceNr);

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

    private static byte[] Bytes(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void Overwrite(string file, long position, byte[] bytes)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.Position = position;
        stream.Write(bytes);
    }

    private async Task AppendTen()
    {
        for (var n = 1L; n <= 10; n++) await AppendAsync(n, 200);
    }

    private Task AppendAsync(long n, int bytes) =>
        _store.Engines.Journal.AppendAsync("a", [(n, JournalRecords.Encode(new StoredEvent(n, 1, "", "", "", 0, new byte[bytes])))]);

    /// <summary>The files as a crash would leave them, without a clean close.</summary>
    private string CopiedLog(string engine)
    {
        JournalEngineTests.CopyFolder(_store.Directory, _copy.Directory, overwrite: true);
        return Directory.GetFiles(Path.Combine(_copy.Directory, engine), "*.log").OrderBy(f => new FileInfo(f).Length).Last();
    }
}
