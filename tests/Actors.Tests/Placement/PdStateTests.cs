using Google.Protobuf;
using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keyspacepb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Tests.Placement;

public sealed class PdStateTests
{
    private const ulong Cluster = 42;
    private readonly List<IMessage> _journal = [];
    private PdState _pd;
    private byte _incarnations;

    public PdStateTests()
    {
        _pd = New();
        Persist(_pd.Start(Founding.New(Config(), Cluster)));
    }

    private static RequestHeader Header => new() { ClusterId = Cluster };

    private static PdConfig Config(APIVersion mode = APIVersion.V2) => new(3, mode, 10);

    private PdState New(APIVersion mode = APIVersion.V2) => new(Config(mode), ByteString.CopyFrom(_incarnations++));

    private T Ask<T>(object request)
    {
        var decision = _pd.Process(request, default, wall: 0)!.Value;
        Persist(decision.Events);
        _pd.ObserveLeaders();
        return Assert.IsType<T>(decision.Answer);
    }

    private void Persist(IEnumerable<IMessage> events)
    {
        foreach (var e in events)
        {
            _journal.Add(e);
            _pd.Apply(e);
        }
    }

    private void Restart(bool throughSnapshot = false)
    {
        var snapshot = _pd.ToSnapshot();
        _pd = New();
        if (throughSnapshot)
            _pd.Restore(PlacementSnapshot.Parser.ParseFrom(snapshot.ToByteArray()));
        else
            _journal.ForEach(_pd.Apply);
        Persist(_pd.Start([]));
    }

    private PutStoreResponse Register(ulong id, string? address = null) =>
        Ask<PutStoreResponse>(new PutStoreRequest { Header = Header, Store = new Store { Id = id, Address = address ?? $"host:{id}" } });

    private void Bootstrap()
    {
        for (ulong id = 1; id <= 3; id++)
            Assert.Null(Register(id).Header.Error);
    }

    private static Region Part(ulong id, string start, string end, ulong version, ulong confVer = 1) => new()
    {
        Id = id,
        StartKey = ByteString.CopyFromUtf8(start),
        EndKey = ByteString.CopyFromUtf8(end),
        RegionEpoch = new RegionEpoch { Version = version, ConfVer = confVer },
        Peers = { new Peer { Id = id * 10, StoreId = 1 }, new Peer { Id = id * 10 + 1, StoreId = 2 } },
    };

    private void Beat(Region region, ulong leader = 0, ulong term = 6) => Ask<RegionHeartbeatResponse>(
        new RegionHeartbeatRequest
        {
            Header = Header,
            Region = region,
            Leader = region.Peers.First(p => leader == 0 || p.Id == leader),
            Term = term
        });

    private GetRegionResponse At(string key) =>
        Ask<GetRegionResponse>(new GetRegionRequest { Header = Header, RegionKey = ByteString.CopyFromUtf8(key) });

    [Fact]
    public void NothingIsServedBeforeTheIncarnationsStartIsDurable()
    {
        Register(1);
        var next = New();
        _journal.ForEach(next.Apply);
        Assert.False(next.IsServing);
        var unknown = new RequestHeader();
        foreach (var request in new IPdRequest[]
        {
            new GetMembersRequest(), new GetClusterIdentityRequest { Header = unknown }, new AllocIDRequest { Header = Header },
            new PutStoreRequest { Header = Header }, new IsBootstrappedRequest { Header = Header },
            new StoreHeartbeatRequest { Header = Header }, new RegionHeartbeatRequest { Header = Header },
            new GetStoreRequest { Header = Header }, new GetAllStoresRequest { Header = Header }, new GetRegionRequest { Header = Header },
            new GetPrevRegionRequest { Header = Header }, new GetRegionByIDRequest { Header = Header },
            new ScanRegionsRequest { Header = Header }, new AskBatchSplitRequest { Header = Header },
            new ReportBatchSplitRequest { Header = Header }, new GetStoreStatusRequest { Header = Header },
            new RemoveStoreRequest { Header = Header }, new CancelStoreRemovalRequest { Header = Header },
            new RegionBeatsRequest { Header = Header }, new GetGCStateRequest { Header = Header },
            new AdvanceTxnSafePointRequest { Header = Header }, new AdvanceGCSafePointRequest { Header = Header },
            new SetGCBarrierRequest { Header = Header }, new DeleteGCBarrierRequest { Header = Header },
            new GetGCSafePointRequest { Header = Header }, new UpdateGCSafePointRequest { Header = Header },
            new UpdateServiceGCSafePointRequest { Header = Header }, new GetAllKeyspacesGCStatesRequest { Header = Header },
            new LoadKeyspaceRequest { Header = Header }, new LoadKeyspaceByIDRequest { Header = Header },
            new GetAllKeyspacesRequest { Header = Header }, new CreateKeyspaceRequest { Header = Header },
            new UpdateKeyspaceStateRequest { Header = Header },
        })
        {
            var decision = next.Process(request, default, wall: 0)!.Value;
            Assert.Empty(decision.Events);
            Assert.Equal(ErrorType.NotBootstrapped, ((IPdResponse)decision.Answer).Header.Error.Type);
        }

        foreach (var e in next.Start([]))
            next.Apply(e);
        Assert.True(next.IsServing);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AReleaseEndsTheLeaseOfItsOwnTimestampsOnly(bool throughSnapshot)
    {
        Assert.Null(_pd.TimestampWindow);
        var first = _pd.Incarnation!.Id;
        Persist([_pd.ExtendTimestamps(1000, TimeSpan.FromSeconds(2))]);
        Restart(throughSnapshot);
        Assert.NotEqual(first, _pd.Incarnation!.Id);
        Assert.Equal(new TimestampWindowExtended { End = 1000, LeaseMillis = 2000, IncarnationId = first }, _pd.TimestampWindow);

        // It has not issued any, perhaps because it still waited for the first one's lease.
        Persist([_pd.Release()]);
        Assert.False(_pd.IsServing);
        Restart(throughSnapshot);
        Assert.True(_pd.IsServing);
        Assert.Equal(2000ul, _pd.TimestampWindow!.LeaseMillis);

        Persist([_pd.ExtendTimestamps(3000, TimeSpan.FromSeconds(2)), _pd.Release()]);
        Restart(throughSnapshot);
        Assert.Equal((3000, 0ul), (_pd.TimestampWindow!.End, _pd.TimestampWindow.LeaseMillis));
    }

    [Fact]
    public void WhatWasTakenOverIsAllThatThereWas()
    {
        Bootstrap();
        var allocated = Ask<AllocIDResponse>(new AllocIDRequest { Header = Header, Count = 1 }).Id;
        var old = _pd.ToSnapshot();
        _journal.Clear();
        _pd = New();
        Persist(_pd.Start([new PlacementTakenOver { MemberId = 1, State = old }]));
        Assert.Equal((Cluster, true, 3), (_pd.ClusterId, _pd.IsBootstrapped, _pd.Stores.Count()));
        Assert.True(Ask<AllocIDResponse>(new AllocIDRequest { Header = Header, Count = 1 }).Id > allocated);
        Restart();
        Assert.Equal(old.FirstRegion, _pd.ToSnapshot().FirstRegion);
    }

    [Fact]
    public void TheFirstRegionIsDecidedOnceWithAVoterOnEachInitialStore()
    {
        Register(1);
        Register(2);
        Assert.Equal(ErrorType.NotBootstrapped, At("a").Header.Error.Type);
        Register(3);
        var first = Ask<IsBootstrappedResponse>(new IsBootstrappedRequest { Header = Header }).FirstRegion;
        Assert.Equal([1ul, 2, 3], first.Peers.Select(p => p.StoreId));
        Assert.Equal(3, first.Peers.Select(p => p.Id).Distinct().Count());
        Register(4);
        Restart();
        Assert.Equal(first, Ask<IsBootstrappedResponse>(new IsBootstrappedRequest { Header = Header }).FirstRegion);
        Assert.Single(_journal.OfType<ClusterBootstrapped>());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnIdIsNeverGivenTwiceAcrossRestarts(bool throughSnapshot)
    {
        var seen = new HashSet<ulong>();
        for (var i = 0; i < 50; i++)
        {
            Assert.True(seen.Add(Ask<AllocIDResponse>(new AllocIDRequest { Header = Header, Count = 1 }).Id));
            if (i % 7 == 0)
                Restart(throughSnapshot);
        }

        // A window is reserved in one event, not one an id.
        Assert.True(_journal.OfType<IdWindowExtended>().Count() < 20);
    }

    [Fact]
    public void ABatchOfIdsEndsWithTheIdInTheAnswer()
    {
        var one = Ask<AllocIDResponse>(new AllocIDRequest { Header = Header, Count = 1 }).Id;
        var batch = Ask<AllocIDResponse>(new AllocIDRequest { Header = Header, Count = 25 });
        Assert.Equal(one + 25, batch.Id);
        Assert.Equal(25u, batch.Count);
    }

    [Fact]
    public void AnotherClustersRequestsAreRefusedWithBothIds()
    {
        var answer = Ask<AllocIDResponse>(new AllocIDRequest { Header = new RequestHeader { ClusterId = 7 }, Count = 1 });
        Assert.Equal("mismatch cluster id, need 42 but got 7", answer.Header.Error.Message);
        Assert.Equal(
            Cluster, Ask<GetClusterIdentityResponse>(new GetClusterIdentityRequest { Header = new RequestHeader() }).Header.ClusterId);
    }

    [Fact]
    public void TheApiModeIsFixedAtTheFirstStart()
    {
        var other = New(APIVersion.V1);
        _journal.ForEach(other.Apply);
        var e = Assert.Throws<InvalidOperationException>(() => other.Start([]));
        Assert.Contains("V2", e.Message);
        Assert.Contains("V1", e.Message);
    }

    [Fact]
    public void AnEmptiedDirectoryUnderAnOldAddressIsRefused()
    {
        Register(1, "host:1");
        var answer = Register(9, "host:1");
        Assert.Equal(ErrorType.DuplicatedEntry, answer.Header.Error.Type);
        Assert.Contains("store 1", answer.Header.Error.Message);
    }

    [Fact]
    public void AnUnknownStoreIsAnErrorWithTheTextThatClientsMatch() =>
        Assert.Equal(
            "invalid store ID 9, not found",
            Ask<GetStoreResponse>(new GetStoreRequest { Header = Header, StoreId = 9 }).Header.Error.Message);

    [Fact]
    public void RegionsFollowHeartbeatsOrderedByEpoch()
    {
        Bootstrap();
        var whole = Part(4, "", "", 1);
        Beat(Part(4, "m", "", 2));
        Assert.Null(At("a").Region);
        Beat(Part(20, "", "m", 2));
        Assert.Equal(20ul, At("a").Region.Id);
        // Late: from before the split.
        Beat(whole);
        Assert.Equal(20ul, At("a").Region.Id);
        Assert.Equal(4ul, At("z").Region.Id);
        Beat(Part(4, "m", "", 2, confVer: 3));
        Beat(Part(4, "m", "", 2, confVer: 2));
        Assert.Equal(3ul, At("z").Region.RegionEpoch.ConfVer);
        Restart();
        Assert.Equal(20ul, At("a").Region.Id);
        Assert.Equal(3ul, At("z").Region.RegionEpoch.ConfVer);
        Assert.Null(At("z").Leader);
    }

    [Fact]
    public void TheLeaderOfTheHighestTermCounts()
    {
        Bootstrap();
        var region = Part(4, "", "", 2);
        Beat(region, 40, 7);
        Beat(region, 41, 6);
        Assert.Equal(40ul, At("a").Leader.Id);
        Beat(region, 41, 8);
        Assert.Equal(41ul, At("a").Leader.Id);
    }

    [Fact]
    public void ASplitIsVisibleAtOnceWithoutHoles()
    {
        Bootstrap();
        Beat(Part(4, "", "", 2));
        Ask<ReportBatchSplitResponse>(new ReportBatchSplitRequest
        {
            Header = Header,
            Regions = { Part(30, "", "g", 4), Part(31, "g", "m", 4), Part(4, "m", "", 4) }
        });
        var scan = Ask<ScanRegionsResponse>(new ScanRegionsRequest { Header = Header });
        Assert.Equal([30ul, 31, 4], scan.Regions.Select(r => r.Region_.Id));
        Assert.Equal([31ul, 4], Ask<ScanRegionsResponse>(
            new ScanRegionsRequest { Header = Header, StartKey = ByteString.CopyFromUtf8("h") }).RegionMetas.Select(r => r.Id));
        Assert.Equal([30ul, 31], Ask<ScanRegionsResponse>(
            new ScanRegionsRequest { Header = Header, EndKey = ByteString.CopyFromUtf8("m") }).RegionMetas.Select(r => r.Id));
        Assert.Equal([30ul], Ask<ScanRegionsResponse>(new ScanRegionsRequest { Header = Header, Limit = 1 }).RegionMetas.Select(r => r.Id));
        Assert.Equal(
            30ul, Ask<GetRegionResponse>(new GetPrevRegionRequest { Header = Header, RegionKey = ByteString.CopyFromUtf8("h") }).Region.Id);
        Assert.Null(Ask<GetRegionResponse>(new GetPrevRegionRequest { Header = Header, RegionKey = ByteString.CopyFromUtf8("a") }).Region);
        Assert.Equal(31ul, Ask<GetRegionResponse>(new GetRegionByIDRequest { Header = Header, RegionId = 31 }).Region.Id);
    }

    [Fact]
    public void IdsForASplitCoverEveryPeerOfEveryNewRegion()
    {
        Bootstrap();
        Beat(Part(4, "", "", 2));
        var answer = Ask<AskBatchSplitResponse>(new AskBatchSplitRequest { Header = Header, Region = Part(4, "", "", 2), SplitCount = 3 });
        var all = answer.Ids.SelectMany(i => i.NewPeerIds.Append(i.NewRegionId)).ToList();
        Assert.Equal(3, answer.Ids.Count);
        Assert.Equal(9, all.Distinct().Count());
        Assert.Equal(ErrorType.RegionNotFound, Ask<AskBatchSplitResponse>(
            new AskBatchSplitRequest { Header = Header, Region = Part(77, "", "", 2), SplitCount = 1 }).Header.Error.Type);
    }
}
