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
/// into the test's output folder, and copied here. A directory is never written again: a new format gets a new one.
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
            foreach (var family in Enum.GetValues<ColumnFamily>()) RocksDbSharp.Native.Instance.rocksdb_flush_cf(engines.Data.Db.Handle, new RocksDbSharp.FlushOptions().SetWaitForFlush(true).Handle, engines.Data.Handle(family).Handle);
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
        JournalEngineTests.CopyFolder(store.Directory, Folder);
        // RocksDB opens without them.
        foreach (var pattern in new[] { "LOG*", "OPTIONS*" })
            foreach (var file in Directory.GetFiles(Folder, pattern, SearchOption.AllDirectories)) File.Delete(file);
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
