using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Storage.Tests;

public sealed class RegionSnapshotTests : IDisposable
{
    private const ulong Region = 7;

    private readonly TestStore _sender = new(open: false);
    private readonly TestStore _receiver = new();

    public RegionSnapshotTests()
    {
        // Small chunks, so that a few rows make several.
        _sender.Options = _sender.Options with { Settings = StorageSettings.Default with { SnapshotChunkBytes = 1_000 } };
        _sender.Reopen();
        using var batch = _sender.Engines.Data.NewBatch();
        for (var i = 0; i < 200; i++) batch.Put(ColumnFamily.Default, TestStore.Bytes($"m{i:000}"), TestStore.Bytes($"value {i}"));
        for (var i = 0; i < 30; i++) batch.Put(ColumnFamily.Write, TestStore.Bytes($"m{i:000}"), TestStore.Bytes($"commit {i}"));
        batch.Put(ColumnFamily.Default, "a outside"u8, "x"u8);
        batch.Put(ColumnFamily.Default, "z outside"u8, "x"u8);
        batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = TestStore.RegionOf(Region, "m", "n") });
        batch.PutApplyState(Region, new RaftApplyState
        {
            AppliedIndex = 40,
            TruncatedState = new RaftTruncatedState { Index = 5, Term = 5 }
        });
        _sender.Engines.Data.Write(batch);
    }

    public void Dispose()
    {
        _sender.Dispose();
        _receiver.Dispose();
    }

    [Fact]
    public void Chunks_are_bounded_hold_every_row_once_and_can_be_asked_for_again()
    {
        using var reader = new RegionSnapshotReader(_sender.Engines.Data, Region);
        Assert.Equal(40ul, reader.ApplyState.AppliedIndex);
        Assert.Equal("m", reader.State.Region.StartKey.ToStringUtf8());
        var chunks = new List<SnapshotChunk>();
        do
        {
            chunks.Add(reader.ReadChunk((ulong)chunks.Count));
            Assert.Same(chunks[^1], reader.ReadChunk(chunks[^1].Index));
        }
        while (!chunks[^1].Last);
        Assert.InRange(chunks.Count, 4, 20);
        Assert.All(chunks, c => Assert.InRange(c.Rows.Sum(r => r.Key.Length + r.Value.Length), 0, 1_000 + 100));
        Assert.Equal(200, chunks.Where(c => c.Family == ColumnFamily.Default).Sum(c => c.Rows.Count));
        Assert.Equal(30, chunks.Where(c => c.Family == ColumnFamily.Write).Sum(c => c.Rows.Count));
        var keys = chunks.Where(c => c.Family == ColumnFamily.Default).SelectMany(c => c.Rows).Select(r => r.Key.ToStringUtf8()).ToArray();
        Assert.Equal(keys.Order(StringComparer.Ordinal).Distinct(), keys);
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.ReadChunk((ulong)chunks.Count));
    }

    [Fact]
    public void A_snapshot_is_of_one_moment_however_long_it_is_read()
    {
        var before = Checksum(_sender);
        using var reader = new RegionSnapshotReader(_sender.Engines.Data, Region);
        var first = reader.ReadChunk(0);
        using (var batch = _sender.Engines.Data.NewBatch())
        {
            batch.DeleteData(TestStore.RegionOf(Region, "m", "n"));
            batch.PutApplyState(Region, new RaftApplyState { AppliedIndex = 41 });
            _sender.Engines.Data.Write(batch);
        }
        Assert.Same(first, reader.ReadChunk(0));
        using var staged = Stage(reader);
        Record();
        SnapshotInstallation.Finish(_receiver.Engines.Data, Region, staged);
        Assert.Equal(before, Checksum(_receiver));
        Assert.Equal(40ul, _receiver.Engines.Data.ReadApplyState(Region)?.AppliedIndex);
    }

    [Fact]
    public void Only_a_region_in_state_normal_has_a_snapshot()
    {
        Assert.Throws<InvalidOperationException>(() => new RegionSnapshotReader(_sender.Engines.Data, 8));
        using var batch = _sender.Engines.Data.NewBatch();
        batch.PutRegionState(new RegionLocalState { State = PeerState.Tombstone, Region = TestStore.RegionOf(Region, "m", "n") });
        _sender.Engines.Data.Write(batch);
        Assert.Throws<InvalidOperationException>(() => new RegionSnapshotReader(_sender.Engines.Data, Region));
        _sender.Reopen();
    }

    [Fact]
    public void Installing_replaces_the_old_rows_and_leaves_the_neighbours()
    {
        PutOldRows();
        using var staged = StageAll();
        Record();
        SnapshotInstallation.Finish(_receiver.Engines.Data, Region, staged);
        AssertInstalled();
        _receiver.Reopen();
        AssertInstalled();
        Assert.Empty(Directory.GetDirectories(_receiver.Engines.Data.StagingFolder));
    }

    [Fact]
    public void A_region_without_rows_is_installed_too()
    {
        using (var batch = _sender.Engines.Data.NewBatch())
        {
            batch.DeleteData(TestStore.RegionOf(Region, "", ""));
            _sender.Engines.Data.Write(batch);
        }
        PutOldRows();
        using var staged = StageAll();
        Record();
        SnapshotInstallation.Finish(_receiver.Engines.Data, Region, staged);
        Assert.Equal(0ul, Checksum(_receiver).TotalKvs);
        Assert.Equal(PeerState.Normal, _receiver.Engines.Data.ReadRegionState(Region)?.State);
    }

    [Theory]
    [InlineData(FailPoints.SnapshotRecorded)]
    [InlineData(FailPoints.SnapshotCleared)]
    [InlineData(FailPoints.SnapshotIngested)]
    public void A_restart_finishes_from_wherever_it_stopped(string failPoint)
    {
        PutOldRows();
        using (var staged = StageAll())
        {
            _receiver.FailPoints.Set(failPoint, () => throw new IOException("killed here"));
            Assert.Throws<IOException>(() =>
            {
                Record();
                SnapshotInstallation.Finish(_receiver.Engines.Data, Region, staged);
            });
        }
        _receiver.FailPoints.Clear(failPoint);
        _receiver.Reopen();

        var data = _receiver.Engines.Data;
        Assert.Equal(PeerState.Applying, data.ReadRegionState(Region)?.State);
        var record = data.ReadApplyingSnapshot(Region);
        Assert.NotNull(record);
        Assert.Equal(9ul, record.HardState.Term);
        StagedSnapshot.DeleteAllBut(data, new HashSet<ulong> { Region });
        using var found = StagedSnapshot.Find(data, Region, record.Snapshot.Index, record.Snapshot.Term);
        Assert.NotNull(found);
        SnapshotInstallation.Finish(data, Region, found);
        AssertInstalled();
    }

    [Fact]
    public void Unfinished_staging_is_never_installed_and_is_cleaned_up()
    {
        using var reader = new RegionSnapshotReader(_sender.Engines.Data, Region);
        using (var staged = StagedSnapshot.Begin(_receiver.Engines.Data, Region, 40, 6))
        {
            staged.Add(reader.ReadChunk(0));
            Assert.Equal(1ul, staged.NextChunk);
            // The same chunk again, because its acknowledgement was lost.
            staged.Add(reader.ReadChunk(0));
            var second = reader.ReadChunk(1);
            Assert.Throws<ArgumentOutOfRangeException>(() => staged.Add(second with { Index = 2 }));
            Record();
            Assert.Throws<InvalidOperationException>(() => SnapshotInstallation.Finish(_receiver.Engines.Data, Region, staged));
        }
        _receiver.Reopen();
        Assert.Null(StagedSnapshot.Find(_receiver.Engines.Data, Region, 40, 6));
        StagedSnapshot.DeleteAllBut(_receiver.Engines.Data, new HashSet<ulong>());
        Assert.Empty(Directory.GetDirectories(_receiver.Engines.Data.StagingFolder));
    }

    [Fact]
    public void Nothing_is_installed_without_its_record()
    {
        using var staged = StageAll();
        Assert.Throws<InvalidOperationException>(() => SnapshotInstallation.Finish(_receiver.Engines.Data, Region, staged));
    }

    private static RangeChecksum Checksum(TestStore store)
    {
        using var snapshot = store.Engines.Data.NewSnapshot();
        return RangeChecksum.OfRegion(snapshot, "m"u8, "n"u8);
    }

    private void AssertInstalled()
    {
        Assert.Equal(Checksum(_sender), Checksum(_receiver));
        var data = _receiver.Engines.Data;
        Assert.Equal(PeerState.Normal, data.ReadRegionState(Region)?.State);
        Assert.Equal(40ul, data.ReadApplyState(Region)?.AppliedIndex);
        Assert.Equal(6ul, data.ReadApplyState(Region)?.TruncatedState.Term);
        Assert.Null(data.ReadApplyingSnapshot(Region));
        using var snapshot = data.NewSnapshot();
        Assert.Null(snapshot.Get(ColumnFamily.Default, "n old, of the range before"u8));
        Assert.Equal("keep"u8.ToArray(), snapshot.Get(ColumnFamily.Default, "a neighbour"u8));
        Assert.Equal("keep"u8.ToArray(), snapshot.Get(ColumnFamily.Default, "q neighbour"u8));
    }

    private void PutOldRows()
    {
        using var batch = _receiver.Engines.Data.NewBatch();
        batch.PutRegionState(new RegionLocalState { State = PeerState.Normal, Region = TestStore.RegionOf(Region, "m", "p") });
        batch.Put(ColumnFamily.Default, "a neighbour"u8, "keep"u8);
        batch.Put(ColumnFamily.Default, "m000"u8, "old"u8);
        batch.Put(ColumnFamily.Default, "m old"u8, "old"u8);
        batch.Put(ColumnFamily.Lock, "m old"u8, "old"u8);
        batch.Put(ColumnFamily.Default, "n old, of the range before"u8, "old"u8);
        batch.Put(ColumnFamily.Default, "q neighbour"u8, "keep"u8);
        _receiver.Engines.Data.Write(batch);
    }

    private void Record() => SnapshotInstallation.Record(_receiver.Engines.Data, TestStore.RegionOf(Region, "m", "n"), new ApplyingSnapshot
    {
        HardState = new HardState { Term = 9, Vote = 1, Commit = 40 },
        Snapshot = new RaftTruncatedState { Index = 40, Term = 6 },
    });

    private StagedSnapshot StageAll()
    {
        using var reader = new RegionSnapshotReader(_sender.Engines.Data, Region);
        return Stage(reader);
    }

    private StagedSnapshot Stage(RegionSnapshotReader reader)
    {
        var staged = StagedSnapshot.Begin(_receiver.Engines.Data, Region, 40, 6);
        for (ulong i = 0; !staged.IsComplete; i++) staged.Add(reader.ReadChunk(i));
        return staged;
    }
}
