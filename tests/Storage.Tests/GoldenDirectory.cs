using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Journal;
using TiKvActors.Storage.Raw;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Storage.Tests;

/// <summary>
/// What is in the golden directories golden/v1-api-v1 and golden/v1-api-v1ttl, and how they were written: store 1 of cluster 77, which runs
/// PD and is the only member of its regions, so that a node can be started on them (tests/Actors.Tests does).
/// <code>
/// region 2  [    , m)  Normal     applied 9 of the entries up to 10: the last one, a put of "last", is applied by the next start
/// region 4  [m   , t)  Applying   a snapshot at entry 20 of term 8, whose rows are in staging/; the journal is not reset yet
/// region 6  [t   ,  )  Tombstone  recorded; its rows and its journal are still there
/// region 8  [t   ,  )  Tombstone  destroyed; only the record is left
/// pd                   a snapshot after two events, and every kind of event
/// stores               two stores
/// </code>
/// In mode v1ttl values carry their expiry; of region 2's, the second has expired.
/// </summary>
internal static class GoldenDirectory
{
    public const string PdId = "pd";
    public const ulong FarAway = 4_000_000_000;
    private const string Writer = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    private const long WrittenAt = 1_700_000_000;

    public static StoreIdent Ident(APIVersion mode) => new() { ClusterId = 77, StoreId = 1, ApiVersion = mode };

    public static RegionLocalState[] Regions { get; } =
    [
        State(PeerState.Normal, 2, "", "m"),
        State(PeerState.Applying, 4, "m", "t"),
        State(PeerState.Tombstone, 6, "t", ""),
        State(PeerState.Tombstone, 8, "t", ""),
    ];

    public static ApplyingSnapshot Applying { get; } = new()
    {
        HardState = new HardState { Term = 8, Vote = 5, Commit = 20 },
        Snapshot = new RaftTruncatedState { Index = 20, Term = 8 },
    };

    /// <summary>PD's events from number 1 on.</summary>
    public static IMessage[] PdEvents(APIVersion mode) =>
    [
        new ClusterIdentityDecided { ClusterId = 77, ApiVersion = mode },
        new IdWindowExtended { End = 1000 },
        new StoreTableChanged { Store = Stores[0] },
        new ClusterBootstrapped { FirstRegion = TestStore.RegionOf(2, "", "") },
        new RegionTableChanged { Regions = { Regions.Take(3).Select(r => r.Region) } },
        new StoreTableChanged { Store = Stores[1] },
        new IdWindowExtended { End = 2000 },
    ];

    /// <summary>After event 2.</summary>
    public static PlacementSnapshot PdSnapshot(APIVersion mode) =>
        new() { Identity = new ClusterIdentityDecided { ClusterId = 77, ApiVersion = mode }, IdWindowEnd = 1000 };

    public static Protocol.Metapb.Store[] Stores { get; } =
    [
        new() { Id = 1, Address = "127.0.0.1:2551", Version = "7.5.0" },
        new() { Id = 9, Address = "127.0.0.1:2552", State = StoreState.Tombstone },
    ];

    /// <summary>The file beside the engines.</summary>
    public static PlacementSnapshot StoresFile { get; } = new() { Stores = { Stores } };

    /// <summary>Rows as they were stored, by region.</summary>
    public static (string Key, byte[] Value)[] Rows(APIVersion mode, ulong regionId) => regionId switch
    {
        2 =>
        [
            ("a", Value(mode, "first", 0)), ("b", Value(mode, "second", 1)), ("c", Value(mode, "third", FarAway)),
            ("empty", Value(mode, "", 0))
        ],
        4 => [("n", Value(mode, "staged", 0)), ("o", Value(mode, "staged too", FarAway))],
        _ => [("x", Value(mode, "left over", 0))],
    };

    public static RaftAdvanced[] Log(APIVersion mode) =>
    [
        Advanced(8, ("a", Value(mode, "first", 0)), ("b", Value(mode, "second", 1)), ("c", Value(mode, "third", FarAway))),
        Advanced(9, ("empty", Value(mode, "", 0))),
        Advanced(10, ("last", Value(mode, "applied later", 0))),
    ];

    public static RaftTruncated Truncated { get; } = new()
    {
        HardState = new HardState { Term = 6, Vote = 3, Commit = 7 },
        Index = 7,
        Term = 6
    };

    public static async Task WriteAsync(TestStore store, APIVersion mode)
    {
        var engines = store.Reopen();
        engines.SetIdent(Ident(mode));
        await File.WriteAllBytesAsync(Path.Combine(store.Directory, "stores"), StoresFile.ToByteArray());
        WriteRegions(engines.Data, mode);
        Stage(engines.Data, mode);
        await WriteLogsAsync(engines.Journal, mode);
        store.Close();
    }

    private static void WriteRegions(DataEngine data, APIVersion mode)
    {
        using var batch = data.NewBatch();
        foreach (var region in Regions) batch.PutRegionState(region);
        foreach (var id in new ulong[] { 2, 6 })
            foreach (var (key, value) in Rows(mode, id)) batch.Put(ColumnFamily.Default, TestStore.Bytes(key), value);
        batch.PutApplyState(2, new RaftApplyState { AppliedIndex = 9, TruncatedState = new RaftTruncatedState { Index = 7, Term = 6 } });
        batch.PutApplyState(4, new RaftApplyState { AppliedIndex = 6, TruncatedState = new RaftTruncatedState { Index = 5, Term = 5 } });
        batch.PutApplyState(6, new RaftApplyState { AppliedIndex = 6, TruncatedState = new RaftTruncatedState { Index = 5, Term = 5 } });
        batch.PutApplyingSnapshot(4, Applying);
        data.Write(batch);
        data.Sync();
    }

    private static void Stage(DataEngine data, APIVersion mode)
    {
        using var staged = StagedSnapshot.Begin(data, 4, Applying.Snapshot.Index, Applying.Snapshot.Term);
        var rows = Rows(mode, 4)
            .Select(r => new KeyValue { Key = ByteString.CopyFromUtf8(r.Key), Value = ByteString.CopyFrom(r.Value) }).ToList();
        staged.Add(new SnapshotChunk(0, ColumnFamily.Default, rows, Last: true));
    }

    private static async Task WriteLogsAsync(JournalEngine journal, APIVersion mode)
    {
        await SaveSnapshotAsync(journal, "region/2/3", 1, Truncated);
        await AppendAsync(journal, "region/2/3", 2, Log(mode));
        await AppendAsync(
            journal, "region/4/5", 1,
            [new RaftAdvanced { HardState = new HardState { Term = 5, Commit = 6 }, Entries = { new Entry { Index = 6, Term = 5 } } }]);
        await AppendAsync(
            journal, "region/6/7", 1,
            [new RaftAdvanced { HardState = new HardState { Term = 5, Commit = 6 }, Entries = { new Entry { Index = 6, Term = 5 } } }]);
        await AppendAsync(journal, PdId, 1, PdEvents(mode));
        await SaveSnapshotAsync(journal, PdId, 2, PdSnapshot(mode));
    }

    private static Task AppendAsync(JournalEngine journal, string id, long first, IEnumerable<IMessage> events) => journal.AppendAsync(id,
        [.. events.Select((e, i) => (first + i,
            JournalRecords.Encode(new StoredEvent(first + i, 1000, Manifests.Of(e), "", Writer, WrittenAt, e.ToByteArray()))))]);

    private static Task SaveSnapshotAsync(JournalEngine journal, string id, long number, IMessage snapshot) =>
        journal.SaveSnapshotAsync(id, number, JournalRecords.Encode(
            new StoredSnapshot(number, 1000, Manifests.Of(snapshot), 638_000_000_000_000_000, snapshot.ToByteArray())));

    private static byte[] Value(APIVersion mode, string value, ulong expiresAt) =>
        RawValue.Encode(mode, TestStore.Bytes(value), mode == APIVersion.V1 ? 0 : expiresAt);

    private static RegionLocalState State(PeerState state, ulong id, string start, string end)
    {
        var region = TestStore.RegionOf(id, start, end);
        region.RegionEpoch.Version = 3;
        return new RegionLocalState { State = state, Region = region };
    }

    private static RaftAdvanced Advanced(ulong index, params (string Key, byte[] Value)[] puts)
    {
        var region = Regions[0].Region;
        var header = new RaftRequestHeader { RegionId = 2, RegionEpoch = region.RegionEpoch, Peer = region.Peers[0], Term = 6 };
        var command = new RaftCmdRequest { Header = header };
        foreach (var (key, value) in puts)
            command.Requests.Add(new Request
            {
                CmdType = CmdType.Put,
                Put = new PutRequest { Cf = "default", Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFrom(value) }
            });
        return new RaftAdvanced
        {
            HardState = new HardState { Term = 6, Vote = 3, Commit = index },
            Entries = { new Entry { Index = index, Term = 6, Data = RaftCommandCodec.Encode(command) } },
        };
    }
}
