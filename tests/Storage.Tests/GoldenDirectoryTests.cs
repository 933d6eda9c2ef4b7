using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Journal;
using TiKvActors.Storage.Raw;

namespace TiKvActors.Storage.Tests;

/// <summary>
/// Directories as released versions wrote them, which every later version must open. golden/v1 was written once, with
/// <code>TKV_WRITE_GOLDEN=1 dotnet test tests/Storage.Tests --filter GoldenDirectoryTests</code>
/// into the test's output folder, and copied here; so were the two that <see cref="GoldenDirectory"/> describes. A directory is never written again: a new format
/// gets a new one.
/// </summary>
public class GoldenDirectoryTests
{
    private const string Peer = "region/2/3";
    private static readonly Guid Writer = new("3f2504e0-4f89-11d3-9a0c-0305e82c3301");

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "golden", "v1");

    [Fact]
    public async Task A_directory_of_format_1_opens()
    {
        if (Environment.GetEnvironmentVariable("TKV_WRITE_GOLDEN") == "1") await Write();
        using var store = new TestStore(open: false);
        JournalEngineTests.CopyFolder(Folder, store.Directory);
        var engines = store.Reopen();
        Assert.Equal(new StoreIdent { ClusterId = 77, StoreId = 1, ApiVersion = APIVersion.V2 }, engines.Ident);

        using (var snapshot = engines.Data.NewSnapshot())
        {
            for (var i = 0; i < 100; i++)
            {
                var value = RawValue.Decode(APIVersion.V2, Key(i), snapshot.Get(ColumnFamily.Default, Key(i)));
                Assert.Equal(TestStore.Bytes($"value {i}"), value.UserValue.ToArray());
                Assert.Equal(i % 2 == 0 ? 0ul : 4_000_000_000, value.ExpiresAt);
            }
            Assert.Equal(new RangeChecksum(0xE6F1615BD58C247D, 101, 3095), RangeChecksum.OfRegion(snapshot, [], []));
        }
        Assert.Equal(Region(), engines.Data.ReadRegionStates().Single());
        Assert.Equal(Applied(), engines.Data.ReadApplyState(2));

        Assert.Equal(5, engines.Journal.ReadHighestSequenceNr(Peer));
        var events = engines.Journal.ReadEvents(Peer, 1, long.MaxValue, long.MaxValue);
        Assert.Equal([3L, 4L, 5L], events.Select(e => e.SequenceNr));
        Assert.All(events, e =>
        {
            Assert.Equal((1000, "jRA", "", Writer.ToString(), 1_700_000_000L), (e.SerializerId, e.SerializerManifest, e.EventManifest, e.WriterGuid, e.Timestamp));
            Assert.Equal(Advanced(e.SequenceNr), RaftAdvanced.Parser.ParseFrom(e.Payload.Span));
        });
        var truncated = engines.Journal.ReadSnapshot(Peer, 0, long.MaxValue, _ => true);
        Assert.NotNull(truncated);
        Assert.Equal((2L, 1000, "jRT", 638_000_000_000_000_000L), (truncated.Value.SequenceNr, truncated.Value.SerializerId, truncated.Value.SerializerManifest, truncated.Value.Timestamp));
        Assert.Equal(Truncated(), RaftTruncated.Parser.ParseFrom(truncated.Value.Payload.Span));
    }

    [Theory]
    [InlineData("v1-api-v1", APIVersion.V1)]
    [InlineData("v1-api-v1ttl", APIVersion.V1Ttl)]
    public async Task A_directory_of_format_1_with_states_that_a_crash_leaves_and_the_journal_of_PD_opens(string name, APIVersion mode)
    {
        var golden = Path.Combine(AppContext.BaseDirectory, "golden", name);
        if (Environment.GetEnvironmentVariable("TKV_WRITE_GOLDEN") == "1")
        {
            using var written = new TestStore(open: false);
            await GoldenDirectory.WriteAsync(written, mode);
            CopyWritten(written, golden);
        }

        using var store = new TestStore(open: false);
        JournalEngineTests.CopyFolder(golden, store.Directory);
        var engines = store.Reopen();
        Assert.Equal(GoldenDirectory.Ident(mode), engines.Ident);
        Assert.Equal(GoldenDirectory.StoresFile, PlacementSnapshot.Parser.ParseFrom(await File.ReadAllBytesAsync(Path.Combine(store.Directory, "stores"))));

        Assert.Equal(GoldenDirectory.Regions, engines.Data.ReadRegionStates());
        Assert.Equal(new ulong?[] { 9, 6, 6, null }, GoldenDirectory.Regions.Select(r => engines.Data.ReadApplyState(r.Region.Id)?.AppliedIndex));
        Assert.Equal(GoldenDirectory.Applying, engines.Data.ReadApplyingSnapshot(4));
        RowsAreThere(engines.Data, mode, 2);
        RowsAreThere(engines.Data, mode, 6);
        LogIsThere(engines.Journal, mode);
        await PdIsThere(store, mode);

        // What the first start does with the interrupted installation.
        using (var staged = Snapshots.StagedSnapshot.Find(engines.Data, 4, 20, 8))
        {
            Assert.NotNull(staged);
            Snapshots.SnapshotInstallation.Finish(engines.Data, 4, staged);
        }

        RowsAreThere(engines.Data, mode, 4);
        Assert.Equal((PeerState.Normal, 20ul), (engines.Data.ReadRegionState(4)!.State, engines.Data.ReadApplyState(4)!.AppliedIndex));
        store.Reopen();
        RowsAreThere(store.Engines.Data, mode, 4);
    }

    private static void RowsAreThere(DataEngine data, APIVersion mode, ulong regionId)
    {
        using var snapshot = data.NewSnapshot();
        var region = snapshot.ReadRegionState(regionId)!.Region;
        var rows = GoldenDirectory.Rows(mode, regionId);
        Assert.Equal((ulong)rows.Length, RangeChecksum.OfRegion(snapshot, region.StartKey.Span, region.EndKey.Span).TotalKvs);
        foreach (var (key, value) in rows) Assert.Equal(value, snapshot.Get(ColumnFamily.Default, TestStore.Bytes(key)));
        if (regionId != 2) return;
        // By text, so that an encoding that changed both ways is noticed.
        var third = RawValue.Decode(mode, TestStore.Bytes("c"), snapshot.Get(ColumnFamily.Default, TestStore.Bytes("c")));
        Assert.Equal("third", System.Text.Encoding.UTF8.GetString(third.UserValue));
        Assert.Equal(mode == APIVersion.V1 ? 0 : GoldenDirectory.FarAway, third.ExpiresAt);
        Assert.Equal(mode == APIVersion.V1 ? "7468697264" : "746869726400000000EE6B2800", Convert.ToHexString(snapshot.Get(ColumnFamily.Default, TestStore.Bytes("c"))!));
    }

    private static void LogIsThere(JournalEngine journal, APIVersion mode)
    {
        var events = journal.ReadEvents("region/2/3", 1, long.MaxValue, long.MaxValue);
        Assert.Equal([2L, 3L, 4L], events.Select(e => e.SequenceNr));
        Assert.Equal(GoldenDirectory.Log(mode), events.Select(e => RaftAdvanced.Parser.ParseFrom(e.Payload.Span)));
        var last = Protocol.Commands.RaftCommandCodec.Decode(RaftAdvanced.Parser.ParseFrom(events[^1].Payload.Span).Entries.Single().Data.Span);
        Assert.Equal("last", last.Requests.Single().Put.Key.ToStringUtf8());
        Assert.Equal(GoldenDirectory.Truncated, RaftTruncated.Parser.ParseFrom(journal.ReadSnapshot("region/2/3", 0, long.MaxValue, _ => true)!.Value.Payload.Span));
        Assert.Single(journal.ReadEvents("region/4/5", 1, long.MaxValue, long.MaxValue));
        Assert.Single(journal.ReadEvents("region/6/7", 1, long.MaxValue, long.MaxValue));
    }

    /// <summary>Through the plugins and the serializer, as PD recovers.</summary>
    private static async Task PdIsThere(TestStore store, APIVersion mode)
    {
        using var system = PersistenceTests.Start(store);
        var events = StorageExtension.Get(system).ReadEvents(GoldenDirectory.PdId, 1, long.MaxValue, long.MaxValue);
        Assert.Equal(GoldenDirectory.PdEvents(mode), events.Select(e => e.Event));
        var stored = store.Engines.Journal.ReadEvents(GoldenDirectory.PdId, 1, long.MaxValue, long.MaxValue);
        Assert.Equal(["dCI", "dIW", "dST", "dCB", "dRT", "dST", "dIW"], stored.Select(e => e.SerializerManifest));
        var load = new Akka.Persistence.LoadSnapshot(GoldenDirectory.PdId, Akka.Persistence.SnapshotSelectionCriteria.Latest, long.MaxValue);
        var snapshot = await Akka.Persistence.Persistence.Instance.Apply(system).SnapshotStoreFor("").Ask<Akka.Persistence.LoadSnapshotResult>(load, StorePlugins.Patience);
        Assert.Equal(2, snapshot.Snapshot.Metadata.SequenceNr);
        Assert.Equal(GoldenDirectory.PdSnapshot(mode), snapshot.Snapshot.Snapshot);
        await system.Terminate().WaitAsync(StorePlugins.Patience);
    }

    private static async Task Write()
    {
        using var store = new TestStore();
        var engines = store.Engines;
        engines.SetIdent(new StoreIdent { ClusterId = 77, StoreId = 1, ApiVersion = APIVersion.V2 });
        using (var batch = engines.Data.NewBatch())
        {
            for (var i = 0; i < 100; i++) batch.Put(ColumnFamily.Default, Key(i), RawValue.Encode(APIVersion.V2, TestStore.Bytes($"value {i}"), i % 2 == 0 ? 0ul : 4_000_000_000));
            batch.Put(ColumnFamily.Lock, "lock"u8, "P"u8);
            batch.PutRegionState(Region());
            engines.Data.Write(batch);
            // One half in table files, the rest in the log.
            var options = new RocksDbSharp.FlushOptions().SetWaitForFlush(true);
            foreach (var family in ColumnFamilies.Physical)
                RocksDbSharp.Native.Instance.rocksdb_flush_cf(engines.Data.Db.Handle, options.Handle, engines.Data.Handle(family).Handle);
            batch.Clear();
            batch.PutApplyState(2, Applied());
            engines.Data.Write(batch);
        }
        for (var n = 1L; n <= 5; n++)
        {
            await engines.Journal.AppendAsync(Peer, [(n, JournalRecords.Encode(new StoredEvent(n, 1000, "jRA", "", Writer.ToString(), 1_700_000_000, Advanced(n).ToByteArray())))]);
            if (n != 2) continue;
            await engines.Journal.SaveSnapshotAsync(Peer, 2, JournalRecords.Encode(new StoredSnapshot(2, 1000, "jRT", 638_000_000_000_000_000, Truncated().ToByteArray())));
            await engines.Journal.DeleteEventsToAsync(Peer, 2);
        }
        store.Close();
        CopyWritten(store, Folder);
    }

    private static void CopyWritten(TestStore store, string folder)
    {
        JournalEngineTests.CopyFolder(store.Directory, folder, overwrite: true);
        // RocksDB opens without them.
        foreach (var pattern in new[] { "LOG*", "OPTIONS*" })
            foreach (var file in Directory.GetFiles(folder, pattern, SearchOption.AllDirectories)) File.Delete(file);
    }

    private static byte[] Key(int i) => Protocol.Keys.Memcomparable.Encode(TestStore.Bytes($"r\0\0\0key {i:000}"));

    private static RegionLocalState Region() => new() { State = PeerState.Normal, Region = TestStore.RegionOf(2, "", "") };

    private static RaftApplyState Applied() => new() { AppliedIndex = 9, TruncatedState = new RaftTruncatedState { Index = 7, Term = 6 } };

    private static RaftAdvanced Advanced(long n) => new()
    {
        HardState = new HardState { Term = 6, Vote = 3, Commit = (ulong)n + 4 },
        Entries = { new Entry { Index = (ulong)n + 5, Term = 6, Data = ByteString.CopyFromUtf8($"command {n}") } },
    };

    private static RaftTruncated Truncated() => new() { HardState = new HardState { Term = 6, Vote = 3, Commit = 6 }, Index = 7, Term = 6 };
}
