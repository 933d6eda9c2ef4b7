using Google.Protobuf;
using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>Safe points and barriers as PD's callers see them, by their newer and older names.</summary>
public sealed class PdSafePointTests
{
    private const ulong Cluster = 42;
    private static readonly RequestHeader _header = new() { ClusterId = Cluster };
    private readonly List<IMessage> _journal = [];
    private PdState _pd = New(1);
    private long _wall = 1_700_000_000_000;

    public PdSafePointTests()
    {
        Persist(_pd.Start(Founding.New(_config, Cluster)));
        Ask<PutStoreResponse>(new PutStoreRequest { Store = new Store { Id = 1, Address = "host:1" } });
        Base = (ulong)TimestampLayout.Compose(_wall, 0) - 1_000_000;
    }

    private static readonly PdConfig _config = new(1, APIVersion.V2, 10);

    /// <summary>A timestamp of the past, a few seconds ago.</summary>
    private ulong Base { get; }

    private static PdState New(byte incarnation) => new(_config, ByteString.CopyFrom(incarnation));

    private T Ask<T>(IPdRequest request) where T : IPdResponse
    {
        request.Header = _header;
        var decision = _pd.Process(request, default, _wall)!.Value;
        Persist(decision.Events);
        return Assert.IsType<T>(decision.Answer);
    }

    private T Granted<T>(IPdRequest request) where T : IPdResponse
    {
        var answer = Ask<T>(request);
        Assert.Equal(new ResponseHeader { ClusterId = Cluster }, answer.Header);
        return answer;
    }

    private void Persist(IEnumerable<IMessage> events)
    {
        foreach (var e in events)
        {
            _journal.Add(e);
            _pd.Apply(e);
        }
    }

    private GCState State => Granted<GetGCStateResponse>(new GetGCStateRequest()).GcState;

    private (string Service, ulong Min, long Ttl) Service(string id, ulong safePoint, long ttl)
    {
        var request = new UpdateServiceGCSafePointRequest { ServiceId = ByteString.CopyFromUtf8(id), SafePoint = safePoint, TTL = ttl };
        var answer = Granted<UpdateServiceGCSafePointResponse>(request);
        return (answer.ServiceId.ToStringUtf8(), answer.MinSafePoint, answer.TTL);
    }

    [Fact]
    public void TheGcSafePointOnlyGrows()
    {
        Assert.Equal(0ul, Granted<GetGCSafePointResponse>(new GetGCSafePointRequest()).SafePoint);
        Assert.Equal(Base, Granted<UpdateGCSafePointResponse>(new UpdateGCSafePointRequest { SafePoint = Base }).NewSafePoint);
        Assert.Equal(Base, Granted<UpdateGCSafePointResponse>(new UpdateGCSafePointRequest { SafePoint = Base - 1 }).NewSafePoint);
        Assert.Equal(Base, Granted<UpdateGCSafePointResponse>(new UpdateGCSafePointRequest()).NewSafePoint);
        Assert.Equal(Base, Granted<GetGCSafePointResponse>(new GetGCSafePointRequest()).SafePoint);
        Assert.Single(_journal.OfType<SafePointsChanged>());
    }

    [Fact]
    public void ServiceSafePointsAndBarriersAreTheSame()
    {
        // A service's own is never the lowest: gc_worker's is not beyond any other's.
        Assert.Equal(("gc_worker", 0ul, long.MaxValue), Service("br", Base, 60));
        var barrier = new SetGCBarrierRequest { BarrierId = "cdc", BarrierTs = Base + 10, TtlSeconds = 10 };
        Assert.Equal(
            new GCBarrierInfo { BarrierId = "cdc", BarrierTs = Base + 10, TtlSeconds = 10 },
            Granted<SetGCBarrierResponse>(barrier).NewBarrierInfo);
        Assert.Equal(["br", "cdc"], State.GcBarriers.Select(b => b.BarrierId));

        // Whoever it is who wants to collect garbage.
        Assert.Equal(("br", Base, 60L), Service("gc_worker", Base + 20, long.MaxValue));
        Assert.Equal(Base, Granted<UpdateGCSafePointResponse>(new UpdateGCSafePointRequest { SafePoint = Base + 20 }).NewSafePoint);
        _wall += 1_000;
        var advance = Granted<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { Target = Base + 20 });
        Assert.Equal((Base, Base), (advance.OldTxnSafePoint, advance.NewTxnSafePoint));
        Assert.Equal($"barrier br at {Base}, which expires in 59 s", advance.BlockerDescription);

        // One is taken back, the other expires.
        Assert.Equal(("gc_worker", Base, long.MaxValue), Service("br", 0, 0));
        Assert.Equal(("cdc", Base + 10, 9L), Service("gc_worker", Base + 20, long.MaxValue));
        _wall += 9_001;
        Assert.Equal(("gc_worker", Base + 20, long.MaxValue), Service("gc_worker", Base + 20, long.MaxValue));
        Assert.Empty(State.GcBarriers);
    }

    [Fact]
    public void AServiceThatComesTooLateReadsItFromTheAnswer()
    {
        Service("gc_worker", Base + 5, long.MaxValue);
        Assert.Equal(("gc_worker", Base + 5, long.MaxValue), Service("br", Base, 60));
        Assert.Empty(State.GcBarriers);
        Assert.Equal(("gc_worker", Base + 5, long.MaxValue), Service("gc_worker", Base, long.MaxValue));
        Assert.Equal(("gc_worker", Base + 5, long.MaxValue), Service("br", Base + 5, 60));
        Assert.Single(State.GcBarriers);
    }

    [Fact]
    public void ABarrierThatIsDeletedIsShownOnce()
    {
        Granted<SetGCBarrierResponse>(new SetGCBarrierRequest { BarrierId = "b", BarrierTs = Base, TtlSeconds = long.MaxValue });
        var delete = new DeleteGCBarrierRequest { BarrierId = "b" };
        Assert.Equal(
            new GCBarrierInfo { BarrierId = "b", BarrierTs = Base, TtlSeconds = long.MaxValue },
            Granted<DeleteGCBarrierResponse>(delete).DeletedBarrierInfo);
        Assert.Null(Granted<DeleteGCBarrierResponse>(delete).DeletedBarrierInfo);
    }

    [Fact]
    public void TheGcSafePointFollowsTheTransactions()
    {
        Assert.Equal(ErrorType.Unknown, Ask<AdvanceGCSafePointResponse>(new AdvanceGCSafePointRequest { Target = Base }).Header.Error.Type);
        Granted<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { Target = Base + 5 });
        var advance = Granted<AdvanceGCSafePointResponse>(new AdvanceGCSafePointRequest { Target = Base });
        Assert.Equal((0ul, Base), (advance.OldGcSafePoint, advance.NewGcSafePoint));
        Assert.Equal((Base + 5, Base), (State.TxnSafePoint, State.GcSafePoint));
        Assert.Equal(uint.MaxValue, State.KeyspaceScope.KeyspaceId);
        Service("br", Base + 5, 60);
        Assert.Empty(Granted<GetGCStateResponse>(new GetGCStateRequest { ExcludeGcBarriers = true }).GcState.GcBarriers);
    }

    [Fact]
    public void NoSafePointIsBeyondAllTimestamps()
    {
        var now = (ulong)TimestampLayout.Compose(_wall, 0);
        foreach (var beyond in new[] { now + 1, ulong.MaxValue })
        {
            IPdResponse[] answers =
            [
                Ask<UpdateGCSafePointResponse>(new UpdateGCSafePointRequest { SafePoint = beyond }),
                Ask<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { Target = beyond }),
                Ask<UpdateServiceGCSafePointResponse>(new UpdateServiceGCSafePointRequest
                {
                    ServiceId = ByteString.CopyFromUtf8("gc_worker"), SafePoint = beyond, TTL = long.MaxValue,
                }),
            ];
            Assert.All(answers, a => Assert.Contains("beyond every timestamp", a.Header.Error.Message, StringComparison.Ordinal));
        }

        Assert.Equal(0ul, State.TxnSafePoint);
        // Timestamps may be ahead of a clock that was set back, and so may safe points.
        Persist([_pd.ExtendTimestamps(_wall + 3_000, lease: null)]);
        Granted<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { Target = now + 1 });
        _wall -= 3_600_000;
        Granted<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { Target = now + 1 });
    }

    [Fact]
    public void IdsOfServicesAreText()
    {
        var request = new UpdateServiceGCSafePointRequest { ServiceId = ByteString.CopyFrom(0xFF), SafePoint = Base, TTL = 60 };
        Assert.Contains("UTF-8", Ask<UpdateServiceGCSafePointResponse>(request).Header.Error.Message);
        request.ServiceId = ByteString.Empty;
        Assert.Contains("needs an id", Ask<UpdateServiceGCSafePointResponse>(request).Header.Error.Message);
        request.ServiceId = ByteString.CopyFromUtf8("gc_worker");
        Assert.Contains("TTL", Ask<UpdateServiceGCSafePointResponse>(request).Header.Error.Message);
    }

    [Fact]
    public void BeforeBootstrapThereAreNone()
    {
        _pd = New(2);
        Persist(_pd.Start(Founding.New(_config, Cluster)));
        Assert.Equal(ErrorType.NotBootstrapped, Ask<GetGCStateResponse>(new GetGCStateRequest()).Header.Error.Type);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheNextIncarnationHasThemAll(bool throughSnapshot)
    {
        Granted<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { Target = Base + 2 });
        Granted<AdvanceGCSafePointResponse>(new AdvanceGCSafePointRequest { Target = Base + 1 });
        Service("br", Base + 3, 60);
        Service("cdc", Base + 4, long.MaxValue);
        Service("gone", Base + 4, 60);
        Service("gone", 0, 0);
        var before = State;
        Assert.Equal(2, before.GcBarriers.Count);

        var snapshot = _pd.ToSnapshot();
        _pd = New(2);
        if (throughSnapshot)
            _pd.Restore(PlacementSnapshot.Parser.ParseFrom(snapshot.ToByteArray()));
        else
            _journal.ForEach(_pd.Apply);
        Persist(_pd.Start([]));
        Assert.Equal(before, State);
    }

    [Fact]
    public void ASnapshotFromBeforeSafePointsIsRead()
    {
        var snapshot = _pd.ToSnapshot();
        snapshot.SafePoints = null;
        _pd = New(2);
        _pd.Restore(PlacementSnapshot.Parser.ParseFrom(snapshot.ToByteArray()));
        Persist(_pd.Start([]));
        Assert.Equal((0ul, 0ul, 0), (State.TxnSafePoint, State.GcSafePoint, State.GcBarriers.Count));
    }
}
