using System.Text;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;

namespace TiKvActors.Storage.Tests;

public sealed class DataEngineTests : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public void Rows_and_region_states_of_one_batch_are_there_after_reopening()
    {
        using (var batch = _store.Engines.Data.NewBatch())
        {
            batch.Put(ColumnFamily.Default, "a"u8, "1"u8);
            batch.Put(ColumnFamily.Lock, "a"u8, "locked"u8);
            batch.Put(ColumnFamily.Write, "a"u8, "written"u8);
            batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = TestStore.RegionOf(7, "", "") });
            batch.PutApplyState(7, new RaftApplyState
            {
                AppliedIndex = 12,
                TruncatedState = new RaftTruncatedState { Index = 5, Term = 5 }
            });
            _store.Engines.Data.Write(batch);
        }
        _store.Reopen();

        var data = _store.Engines.Data;
        using var snapshot = data.NewSnapshot();
        Assert.Equal("1"u8.ToArray(), snapshot.Get(ColumnFamily.Default, "a"u8));
        Assert.Equal("locked"u8.ToArray(), snapshot.Get(ColumnFamily.Lock, "a"u8));
        Assert.Equal("written"u8.ToArray(), snapshot.Get(ColumnFamily.Write, "a"u8));
        Assert.Null(snapshot.Get(ColumnFamily.Default, "b"u8));
        Assert.Equal(12ul, data.ReadApplyState(7)?.AppliedIndex);
        Assert.Equal(12ul, snapshot.ReadApplyState(7)?.AppliedIndex);
        Assert.Equal(PeerState.Normal, snapshot.ReadRegionState(7)?.State);
        Assert.Null(data.ReadRegionState(8));
    }

    [Fact]
    public void Region_states_are_listed_by_id_and_can_be_forgotten()
    {
        Write(batch =>
        {
            foreach (var id in new ulong[] { 300, 2, 70_000 })
                batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = TestStore.RegionOf(id, "", "") });
            batch.PutRegionState(new RegionLocalState { State = PeerState.Tombstone, Region = TestStore.RegionOf(9, "", "") });
        });
        _store.Reopen();
        Assert.Equal([2, 9, 300, 70_000], _store.Engines.Data.ReadRegionStates().Select(s => s.Region.Id));
        Write(batch => batch.DeleteRegionState(9));
        Assert.Equal([2, 300, 70_000], _store.Engines.Data.ReadRegionStates().Select(s => s.Region.Id));
    }

    [Fact]
    public void A_snapshot_does_not_see_later_writes()
    {
        Write(batch => batch.Put(ColumnFamily.Default, "a"u8, "old"u8));
        using var before = _store.Engines.Data.NewSnapshot();
        Write(batch =>
        {
            batch.Put(ColumnFamily.Default, "a"u8, "new"u8);
            batch.Put(ColumnFamily.Default, "b"u8, "new"u8);
        });
        using var after = _store.Engines.Data.NewSnapshot();
        Assert.Equal("old"u8.ToArray(), before.Get(ColumnFamily.Default, "a"u8));
        Assert.Equal("a", KeysIn(before, "", ""));
        Assert.Equal("a b", KeysIn(after, "", ""));
    }

    [Theory]
    [InlineData("", "", "a b bb c z")]
    [InlineData("b", "c", "b bb")]
    [InlineData("b", "", "b bb c z")]
    [InlineData("", "bb", "a b")]
    [InlineData("d", "y", "")]
    [InlineData("c", "b", "")]
    public void A_cursor_stays_in_its_range_in_both_directions(string start, string end, string expected)
    {
        Write(batch =>
        {
            foreach (var key in new[] { "a", "b", "bb", "c", "z" })
                batch.Put(ColumnFamily.Default, TestStore.Bytes(key), TestStore.Bytes(key));
            // Neighbours in the engine that are no rows.
            batch.PutRegionState(new RegionLocalState { Region = TestStore.RegionOf(1, "", "") });
        });
        using var snapshot = _store.Engines.Data.NewSnapshot();
        Assert.Equal(expected, KeysIn(snapshot, start, end));
        Assert.Equal(string.Join(' ', expected.Split(' ').Reverse()), KeysIn(snapshot, start, end, reverse: true));
    }

    [Fact]
    public void A_cursor_seeks_to_the_next_and_to_the_previous_key()
    {
        Write(batch =>
        {
            foreach (var key in new[] { "b", "d", "f" }) batch.Put(ColumnFamily.Default, TestStore.Bytes(key), "v"u8);
        });
        using var snapshot = _store.Engines.Data.NewSnapshot();
        using var cursor = snapshot.OpenCursor(ColumnFamily.Default, "b"u8, "f"u8);
        string At() => cursor.Valid ? Encoding.UTF8.GetString(cursor.Key) : "end";
        cursor.Seek("c"u8);
        Assert.Equal("d", At());
        cursor.Seek("e"u8);
        Assert.Equal("end", At());
        cursor.SeekForPrev("c"u8);
        Assert.Equal("b", At());
        cursor.SeekForPrev("z"u8);
        Assert.Equal("d", At());
        cursor.SeekForPrev("a"u8);
        Assert.Equal("end", At());
    }

    [Fact]
    public void Deleting_a_range_leaves_its_end_and_other_families()
    {
        Write(batch =>
        {
            foreach (var key in new[] { "a", "b", "c", "d" })
            {
                batch.Put(ColumnFamily.Default, TestStore.Bytes(key), "v"u8);
                batch.Put(ColumnFamily.Lock, TestStore.Bytes(key), "v"u8);
            }
        });
        Write(batch => batch.DeleteRange(ColumnFamily.Default, "b"u8, "d"u8));
        _store.Reopen();
        using (var snapshot = _store.Engines.Data.NewSnapshot())
        {
            Assert.Equal("a d", KeysIn(snapshot, "", ""));
            Assert.Equal("a b c d", KeysIn(snapshot, "", "", family: ColumnFamily.Lock));
        }
        Write(batch => batch.DeleteRange(ColumnFamily.Default, ""u8, ""u8));
        Write(batch => batch.DeleteRange(ColumnFamily.Lock, "b"u8, "b"u8));
        Assert.Throws<ArgumentException>(() => Write(batch => batch.DeleteRange(ColumnFamily.Default, "b"u8, "a"u8)));
        using (var snapshot = _store.Engines.Data.NewSnapshot())
        {
            Assert.Equal("", KeysIn(snapshot, "", ""));
            Assert.Equal("a b c d", KeysIn(snapshot, "", "", family: ColumnFamily.Lock));
        }
    }

    [Fact]
    public void Long_keys_are_kept_as_they_are()
    {
        var key = Enumerable.Range(0, 9_000).Select(i => (byte)i).ToArray();
        Write(batch => batch.Put(ColumnFamily.Default, key, "long"u8));
        using (var snapshot = _store.Engines.Data.NewSnapshot()) Assert.Equal("long"u8.ToArray(), snapshot.Get(ColumnFamily.Default, key));
        Write(batch => batch.Delete(ColumnFamily.Default, key));
        using (var snapshot = _store.Engines.Data.NewSnapshot()) Assert.Null(snapshot.Get(ColumnFamily.Default, key));
    }

    [Fact]
    public void Sync_goes_to_the_disk_once_for_what_was_written()
    {
        var data = _store.Engines.Data;
        var before = data.Syncs;
        Write(batch => batch.Put(ColumnFamily.Default, "a"u8, "1"u8));
        Write(batch => batch.Put(ColumnFamily.Default, "b"u8, "1"u8));
        Assert.Equal(before, data.Syncs);
        data.Sync();
        data.Sync();
        Assert.Equal(before + 1, data.Syncs);
        Write(batch => batch.Put(ColumnFamily.Default, "c"u8, "1"u8));
        data.Sync();
        Assert.Equal(before + 2, data.Syncs);
    }

    [Fact]
    public void A_failed_write_changes_nothing_and_is_thrown()
    {
        _store.FailPoints.Set(FailPoints.DataWrite, () => throw new IOException("no space"));
        Assert.Throws<IOException>(() => Write(batch => batch.Put(ColumnFamily.Default, "a"u8, "1"u8)));
        _store.FailPoints.Clear(FailPoints.DataWrite);
        using var snapshot = _store.Engines.Data.NewSnapshot();
        Assert.Null(snapshot.Get(ColumnFamily.Default, "a"u8));
    }

    [Fact]
    public void A_save_point_takes_back_a_part_of_a_batch()
    {
        Write(batch =>
        {
            batch.Put(ColumnFamily.Default, "a"u8, "1"u8);
            batch.SetSavePoint();
            batch.Put(ColumnFamily.Default, "b"u8, "1"u8);
            batch.RollbackToSavePoint();
            batch.Put(ColumnFamily.Default, "c"u8, "1"u8);
        });
        using var snapshot = _store.Engines.Data.NewSnapshot();
        Assert.Equal("a c", KeysIn(snapshot, "", ""));
    }

    [Fact]
    public void A_damaged_record_is_an_error_with_file_and_key()
    {
        using (var batch = _store.Engines.Data.NewBatch())
        {
            batch.Writes.Put(Keys.RegionState(3), new byte[] { 0xFF, 0xFF }, _store.Engines.Data.Handle(ColumnFamily.Raft));
            _store.Engines.Data.Write(batch);
        }
        var error = Assert.Throws<CorruptionException>(() => _store.Engines.Data.ReadRegionState(3));
        Assert.Contains(Path.Combine(_store.Directory, "data") + " (raft)", error.Message);
        Assert.Contains("RegionLocalState", error.Message);
        Assert.Throws<CorruptionException>(() => _store.Engines.Data.ReadRegionStates());
    }

    [Fact]
    public void Replicas_with_equal_rows_have_equal_checksums_and_others_do_not()
    {
        using var other = new TestStore();
        void Fill(TestStore store, string last)
        {
            using var batch = store.Engines.Data.NewBatch();
            batch.Put(ColumnFamily.Default, "a"u8, "1"u8);
            batch.Put(ColumnFamily.Lock, "b"u8, "2"u8);
            batch.Put(ColumnFamily.Default, "c"u8, TestStore.Bytes(last));
            store.Engines.Data.Write(batch);
        }
        Fill(_store, "same");
        Fill(other, "same");
        Assert.Equal(Checksum(_store), Checksum(other));
        Assert.Equal(new { TotalKvs = 3ul, TotalBytes = 9ul }, new { Checksum(other).TotalKvs, Checksum(other).TotalBytes });
        Fill(other, "else");
        Assert.NotEqual(Checksum(_store), Checksum(other));

        // The same pair in another family is not the same.
        Fill(other, "same");
        using var batch = other.Engines.Data.NewBatch();
        batch.Delete(ColumnFamily.Lock, "b"u8);
        batch.Put(ColumnFamily.Write, "b"u8, "2"u8);
        other.Engines.Data.Write(batch);
        Assert.NotEqual(Checksum(_store), Checksum(other));
    }

    private static RangeChecksum Checksum(TestStore store)
    {
        using var snapshot = store.Engines.Data.NewSnapshot();
        return RangeChecksum.OfRegion(snapshot, ""u8, ""u8);
    }

    private static string KeysIn(
        DataSnapshot snapshot, string start, string end, bool reverse = false, ColumnFamily family = ColumnFamily.Default)
    {
        using var cursor = snapshot.OpenCursor(family, TestStore.Bytes(start), TestStore.Bytes(end));
        var keys = new List<string>();
        if (reverse)
            for (cursor.SeekToLast(); cursor.Valid; cursor.Prev()) keys.Add(Encoding.UTF8.GetString(cursor.Key));
        else
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) keys.Add(Encoding.UTF8.GetString(cursor.Key));
        return string.Join(' ', keys);
    }

    private void Write(Action<DataBatch> fill)
    {
        using var batch = _store.Engines.Data.NewBatch();
        fill(batch);
        _store.Engines.Data.Write(batch);
    }
}
