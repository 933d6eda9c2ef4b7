using TiKvActors.Storage.Journal;

namespace TiKvActors.Storage.Tests;

/// <summary>The journal below Akka.Persistence: what is on disk, and when.</summary>
public sealed class JournalEngineTests : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Events_are_there_after_reopening_by_id_and_number()
    {
        await Append("region/1/2", 1, 2, 3);
        await Append("region/1/22", 1);
        _store.Reopen();
        var journal = _store.Engines.Journal;
        Assert.Equal([1, 2, 3], Numbers("region/1/2"));
        Assert.Equal([1], Numbers("region/1/22"));
        Assert.Equal([2], Numbers("region/1/2", 2, 2));
        Assert.Empty(Numbers("region/1/2", 4, 9));
        Assert.Empty(Numbers("nobody"));
        Assert.Equal(3, journal.ReadHighestSequenceNr("region/1/2"));
        Assert.Equal(0, journal.ReadHighestSequenceNr("nobody"));
        var stored = journal.ReadEvents("region/1/2", 2, 2, long.MaxValue).Single();
        Assert.Equal(new StoredEvent(2, 1000, "manifest", "adapter", "writer", 12345, default), stored with { Payload = default });
        Assert.Equal(TestStore.Bytes("region/1/2 2"), stored.Payload.ToArray());
    }

    [Fact]
    public async Task Reading_stops_at_the_byte_limit_but_gives_at_least_one()
    {
        await Append("a", 1, 2, 3);
        var journal = _store.Engines.Journal;
        Assert.Single(journal.ReadEvents("a", 1, 3, 0 + 1));
        Assert.Equal(2, journal.ReadEvents("a", 1, 3, 4).Count);
        Assert.Equal(3, journal.ReadEvents("a", 1, 3, 7).Count);
    }

    [Fact]
    public async Task Deleting_keeps_the_highest_number_also_when_nothing_is_left()
    {
        await Append("a", 1, 2, 3, 4);
        await Append("b", 1, 2);
        await _store.Engines.Journal.DeleteEventsToAsync("a", 2);
        Assert.Equal([3, 4], Numbers("a"));
        _store.Reopen();
        Assert.Equal([3, 4], Numbers("a"));
        Assert.Equal(4, _store.Engines.Journal.ReadHighestSequenceNr("a"));

        await _store.Engines.Journal.DeleteEventsToAsync("a", long.MaxValue);
        _store.Reopen();
        Assert.Empty(Numbers("a"));
        Assert.Equal(4, _store.Engines.Journal.ReadHighestSequenceNr("a"));
        Assert.Equal([1, 2], Numbers("b"));

        await Append("a", 5);
        _store.Reopen();
        Assert.Equal([5], Numbers("a"));
        Assert.Equal(5, _store.Engines.Journal.ReadHighestSequenceNr("a"));
        // An earlier deletion again takes nothing back.
        await _store.Engines.Journal.DeleteEventsToAsync("a", 1);
        Assert.Equal(5, _store.Engines.Journal.ReadHighestSequenceNr("a"));
        await _store.Engines.Journal.DeleteEventsToAsync("nobody", 1);
    }

    [Fact]
    public async Task Purging_removes_an_id_altogether()
    {
        await Append("a", 1, 2);
        await Append("b", 1);
        await _store.Engines.Journal.SaveSnapshotAsync("a", 2, JournalRecords.Encode(new StoredSnapshot(2, 1, "", 0, default)));
        await _store.Engines.Journal.DeleteEventsToAsync("a", 1);
        await _store.Engines.Journal.PurgeAsync("a");
        await _store.Engines.Journal.PurgeAsync("a");
        for (var i = 0; i < 2; i++)
        {
            Assert.Empty(Numbers("a"));
            Assert.Equal(0, _store.Engines.Journal.ReadHighestSequenceNr("a"));
            Assert.Null(_store.Engines.Journal.ReadSnapshot("a", 0, long.MaxValue, _ => true));
            Assert.Equal([1], Numbers("b"));
            _store.Reopen();
        }
        await Append("a", 1);
        Assert.Equal([1], Numbers("a"));
    }

    [Fact]
    public async Task A_deletion_that_a_purge_overtakes_writes_nothing()
    {
        await Append("a", 1, 2, 3);
        var journal = _store.Engines.Journal;
        var purge = Task.CompletedTask;
        _store.FailPoints.Set(FailPoints.JournalDeletion, () => purge = journal.PurgeAsync("a"));
        await journal.DeleteEventsToAsync("a", 2);
        await purge;
        _store.FailPoints.Clear(FailPoints.JournalDeletion);
        _store.Close();
        using (var raft = OpenRaft()) Assert.Null(raft.Get(Keys.Head(1)));
    }

    [Fact]
    public async Task A_head_that_was_left_behind_hides_nothing_of_the_next_with_the_number()
    {
        _store.Close();
        using (var raft = OpenRaft()) raft.Put(Keys.Head(1), JournalRecords.Encode(new JournalHead(2, 2)));
        _store.Reopen();
        await Append("a", 1, 2, 3);
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal([1, 2, 3], Numbers("a"));
            Assert.Equal(3, _store.Engines.Journal.ReadHighestSequenceNr("a"));
            _store.Reopen();
        }
    }

    [Fact]
    public async Task Every_acknowledged_batch_was_synced_by_RocksDB()
    {
        var journal = _store.Engines.Journal;
        var before = journal.Statistics;
        for (var i = 1; i <= 10; i++) await Append("a", i);
        var after = journal.Statistics;
        Assert.Equal(10, after.Batches - before.Batches);
        Assert.Equal(10, after.Syncs - before.Syncs);
        Assert.Equal(10, after.Events - before.Events);
        Assert.Equal(10, after.Requests - before.Requests);
    }

    [Fact]
    public async Task A_copy_of_the_files_taken_after_an_acknowledgement_holds_the_event()
    {
        // What kill -9 would leave: the files as they are, with nothing flushed by a clean close.
        using var killed = new TestStore(open: false);
        for (var i = 1; i <= 20; i++) await Append("a", i);
        CopyFolder(_store.Directory, killed.Directory);
        killed.Reopen();
        Assert.Equal(Enumerable.Range(1, 20).Select(i => (long)i), killed.Engines.Journal.ReadEvents("a", 1, long.MaxValue, long.MaxValue)
            .Select(e => e.SequenceNr));
    }

    [Fact]
    public async Task A_failed_write_fails_the_journal_until_the_store_reopens()
    {
        await Append("a", 1);
        _store.FailPoints.Set(FailPoints.JournalCommit, () => throw new IOException("no space left"));
        await Assert.ThrowsAsync<JournalFailedException>(() => Append("a", 2));
        var failure = await _store.Engines.Journal.Failed.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Contains("no space left", failure.Message);
        _store.FailPoints.Clear(FailPoints.JournalCommit);
        await Assert.ThrowsAsync<JournalFailedException>(() => Append("b", 1));
        await Assert.ThrowsAsync<JournalFailedException>(() => _store.Engines.Journal.Settled());
        _store.Reopen();
        Assert.Equal([1], Numbers("a"));
        await Append("a", 2);
        Assert.Equal([1, 2], Numbers("a"));
        Assert.False(_store.Engines.Journal.Failed.IsCompleted);
    }

    [Fact]
    public async Task A_damaged_record_is_an_error_with_file_and_key()
    {
        await Append("a", 1);
        await _store.Engines.Journal.AppendAsync("a", [(2, [9, 9])]);
        var error = Assert.Throws<CorruptionException>(() => Numbers("a"));
        Assert.Contains("record version 9", error.Message);
        Assert.Contains(Path.Combine(_store.Directory, "raft"), error.Message);
        await _store.Engines.Journal.AppendAsync("b", [(1, [1, 0xE8])]);
        Assert.Contains("does not end", Assert.Throws<CorruptionException>(() => Numbers("b")).Message);
        await _store.Engines.Journal.AppendAsync("c", [(1, [1, 0, 50, 0])]);
        Assert.Contains("a text of 50 bytes", Assert.Throws<CorruptionException>(() => Numbers("c")).Message);
    }

    [Fact]
    public async Task Ten_thousand_ids_have_their_own_events()
    {
        var ids = Enumerable.Range(0, 10_000).Select(i => $"region/{i}/{i + 1}").ToArray();
        await Task.WhenAll(ids.Select((id, i) => Append(id, Enumerable.Range(1, 1 + i % 3).Select(n => (long)n).ToArray())));
        _store.Reopen();
        Assert.All(ids.Select((id, i) => (id, i)), x => Assert.Equal(1 + x.i % 3, _store.Engines.Journal.ReadHighestSequenceNr(x.id)));
    }

    [Fact]
    public async Task Snapshots_are_found_by_bounds_newest_first()
    {
        var journal = _store.Engines.Journal;
        foreach (var n in new long[] { 2, 5, 9 })
            await journal.SaveSnapshotAsync(
                "a", n, JournalRecords.Encode(new StoredSnapshot(n, 7, "m", n * 100, TestStore.Bytes($"state {n}"))));
        _store.Reopen();
        journal = _store.Engines.Journal;
        Assert.Equal(9, journal.ReadSnapshot("a", 0, long.MaxValue, _ => true)?.SequenceNr);
        Assert.Equal(5, journal.ReadSnapshot("a", 0, 8, _ => true)?.SequenceNr);
        Assert.Equal(2, journal.ReadSnapshot("a", 0, long.MaxValue, s => s.Timestamp < 400)?.SequenceNr);
        Assert.Null(journal.ReadSnapshot("a", 6, 8, _ => true));
        await journal.DeleteSnapshotsAsync("a", 0, 5, _ => true);
        _store.Reopen();
        Assert.Null(_store.Engines.Journal.ReadSnapshot("a", 0, 8, _ => true));
        Assert.Equal(
            "state 9", System.Text.Encoding.UTF8.GetString(_store.Engines.Journal.ReadSnapshot("a", 0, 9, _ => true)!.Value.Payload.Span));
    }

    internal static void CopyFolder(string from, string to, bool overwrite = false)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.GetDirectories(from)) CopyFolder(folder, Path.Combine(to, Path.GetFileName(folder)), overwrite);
        foreach (var file in Directory.GetFiles(from))
            if (Path.GetFileName(file) is not ("LOCK" or "pid"))
                File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite);
    }

    // Below the journal, while it is closed.
    private RocksDbSharp.RocksDb OpenRaft() =>
        RocksDbSharp.RocksDb.Open(new RocksDbSharp.DbOptions(), Path.Combine(_store.Directory, "raft"));

    private Task Append(string id, params long[] numbers) => _store.Engines.Journal.AppendAsync(id, numbers
        .Select(n => (n, JournalRecords.Encode(
            new StoredEvent(n, 1000, "manifest", "adapter", "writer", 12345, TestStore.Bytes($"{id} {n}"))))).ToArray());

    private IEnumerable<long> Numbers(string id, long from = 1, long to = long.MaxValue) =>
        _store.Engines.Journal.ReadEvents(id, from, to, long.MaxValue).Select(e => e.SequenceNr);
}
