using Google.Protobuf;
using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keyspacepb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>Keyspaces as PD's callers see them, and the safe points of keyspaces.</summary>
public sealed class KeyspacesTests
{
    private const ulong Cluster = 42;
    private const long Wall = 1_700_000_000_000;
    private readonly List<IMessage> _journal = [];
    private PdState _pd = null!;

    public KeyspacesTests() => Found(APIVersion.V2);

    private void Found(APIVersion mode)
    {
        _journal.Clear();
        _pd = New(1, mode);
        Persist(_pd.Start(Founding.New(Config(mode), Cluster)));
        Ask<PutStoreResponse>(new PutStoreRequest { Store = new Store { Id = 1, Address = "host:1" } });
    }

    private static PdConfig Config(APIVersion mode) => new(1, mode, 10);

    private static PdState New(byte incarnation, APIVersion mode) => new(Config(mode), ByteString.CopyFrom(incarnation));

    private T Ask<T>(IPdRequest request) where T : IPdResponse
    {
        request.Header = new RequestHeader { ClusterId = Cluster };
        var decision = _pd.Process(request, default, Wall)!.Value;
        Persist(decision.Events);
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

    private CreateKeyspaceResponse Create(string name) => Ask<CreateKeyspaceResponse>(new CreateKeyspaceRequest { Name = name });

    private LoadKeyspaceResponse Load(string name) => Ask<LoadKeyspaceResponse>(new LoadKeyspaceRequest { Name = name });

    private UpdateKeyspaceStateResponse Set(uint id, KeyspaceState state) =>
        Ask<UpdateKeyspaceStateResponse>(new UpdateKeyspaceStateRequest { Id = id, State = state });

    private string[] List(uint from = 0, uint limit = 0) =>
    [
        .. Ask<GetAllKeyspacesResponse>(new GetAllKeyspacesRequest { StartId = from, Limit = limit }).Keyspaces
            .Select(k => $"{k.Id} {k.Name} {k.State}"),
    ];

    [Fact]
    public void DefaultIsThereFromTheStartAndStays()
    {
        var loaded = Load("DEFAULT");
        Assert.Null(loaded.Header.Error);
        Assert.Equal((0u, true, KeyspaceState.Enabled), (loaded.Keyspace.Id, loaded.Keyspace.HasId, loaded.Keyspace.State));
        Assert.Equal(loaded, Ask<LoadKeyspaceResponse>(new LoadKeyspaceByIDRequest { Id = 0 }));
        Assert.Contains("DEFAULT", Set(0, KeyspaceState.Disabled).Header.Error.Message);
        Assert.Equal(ErrorType.DuplicatedEntry, Create("DEFAULT").Header.Error.Type);
        Assert.Equal(["0 DEFAULT Enabled"], List());
    }

    [Fact]
    public void EachGetsAnIdOfItsOwn()
    {
        var shop = Create("shop");
        Assert.Equal(
            new KeyspaceMeta { Id = 1, Name = "shop", CreatedAt = Wall / 1000, StateChangedAt = Wall / 1000 }, shop.Keyspace);
        Assert.Equal(2u, Create("Shop").Keyspace.Id);
        var again = Create("shop");
        Assert.Equal(ErrorType.DuplicatedEntry, again.Header.Error.Type);
        Assert.Null(again.Keyspace);
        Assert.Equal(shop.Keyspace, Load("shop").Keyspace);
        Assert.Equal(ErrorType.EntryNotFound, Load("absent").Header.Error.Type);
        Assert.Equal(ErrorType.EntryNotFound, Ask<LoadKeyspaceResponse>(new LoadKeyspaceByIDRequest { Id = 9 }).Header.Error.Type);
        Assert.Equal(["0 DEFAULT Enabled", "1 shop Enabled", "2 Shop Enabled"], List());
        Assert.Equal(["1 shop Enabled"], List(from: 1, limit: 1));
        Assert.Equal(3, List(limit: uint.MaxValue).Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("123456789012345678901")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a\0")]
    public void NamesAreShortAndPlain(string name) => Assert.Equal(ErrorType.InvalidValue, Create(name).Header.Error.Type);

    [Fact]
    public void NamesMayHaveTwentyCharacters() => Assert.Null(Create("a-Z_9012345678901234").Header.Error);

    [Fact]
    public void StatesChangeOneByOneAndTheLastIsForEver()
    {
        Create("k");
        Assert.NotNull(Set(1, KeyspaceState.Archived).Header.Error);
        Assert.NotNull(Set(1, KeyspaceState.Tombstone).Header.Error);
        Assert.Equal(KeyspaceState.Disabled, Set(1, KeyspaceState.Disabled).Keyspace.State);
        Assert.Equal(KeyspaceState.Disabled, Set(1, KeyspaceState.Disabled).Keyspace.State);
        Assert.Equal(2, _journal.OfType<KeyspaceChanged>().Count());
        Assert.Equal(KeyspaceState.Disabled, Load("k").Keyspace.State);
        Assert.Null(Set(1, KeyspaceState.Enabled).Header.Error);
        Set(1, KeyspaceState.Disabled);
        Assert.Null(Set(1, KeyspaceState.Archived).Header.Error);
        Assert.NotNull(Set(1, KeyspaceState.Enabled).Header.Error);
        Assert.Null(Set(1, KeyspaceState.Tombstone).Header.Error);
        foreach (var state in new[] { KeyspaceState.Enabled, KeyspaceState.Disabled, KeyspaceState.Archived, (KeyspaceState)7 })
            Assert.NotNull(Set(1, state).Header.Error);
        Assert.Equal(ErrorType.EntryNotFound, Set(9, KeyspaceState.Disabled).Header.Error.Type);
        // Its name and its id are not given again.
        Assert.Equal(ErrorType.DuplicatedEntry, Create("k").Header.Error.Type);
        Assert.Equal(2u, Create("l").Keyspace.Id);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheNextIncarnationHasThemAll(bool throughSnapshot)
    {
        Create("a");
        Create("b");
        Set(1, KeyspaceState.Disabled);
        var snapshot = _pd.ToSnapshot();
        _pd = New(2, APIVersion.V2);
        if (throughSnapshot)
            _pd.Restore(PlacementSnapshot.Parser.ParseFrom(snapshot.ToByteArray()));
        else
            _journal.ForEach(_pd.Apply);
        Persist(_pd.Start([]));
        Assert.Equal(["0 DEFAULT Enabled", "1 a Disabled", "2 b Enabled"], List());
        Assert.Equal(3u, Create("c").Keyspace.Id);
    }

    [Fact]
    public void ASnapshotFromBeforeKeyspacesHasDefault()
    {
        var snapshot = _pd.ToSnapshot();
        snapshot.Keyspaces.Clear();
        _pd = New(2, APIVersion.V2);
        _pd.Restore(snapshot);
        Persist(_pd.Start([]));
        Assert.Equal(["0 DEFAULT Enabled"], List());
    }

    [Theory]
    [InlineData(APIVersion.V1)]
    [InlineData(APIVersion.V1Ttl)]
    public void WithoutKeyspacesInTheKeysNoneIsMade(APIVersion mode)
    {
        Found(mode);
        Assert.Contains("v2", Create("k").Header.Error.Message);
        Assert.Equal(["0 DEFAULT Enabled"], List());
    }

    /// <summary>One state for all of them, as with a PD whose keyspaces have no GC of their own.</summary>
    [Fact]
    public void SafePointsAreThoseOfAllKeyspaces()
    {
        Create("a");
        Create("b");
        Set(2, KeyspaceState.Disabled);
        var inA = new KeyspaceScope { KeyspaceId = 1 };
        Assert.Null(Ask<SetGCBarrierResponse>(
            new SetGCBarrierRequest { KeyspaceScope = inA, BarrierId = "x", BarrierTs = 5, TtlSeconds = 9 }).Header.Error);
        foreach (var scope in new[] { null, new KeyspaceScope(), inA, new KeyspaceScope { KeyspaceId = uint.MaxValue } })
        {
            var state = Ask<GetGCStateResponse>(new GetGCStateRequest { KeyspaceScope = scope }).GcState;
            Assert.Equal((uint.MaxValue, false), (state.KeyspaceScope.KeyspaceId, state.IsKeyspaceLevelGc));
            Assert.Equal("x", Assert.Single(state.GcBarriers).BarrierId);
        }

        Assert.NotNull(Ask<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { KeyspaceScope = inA, Target = 3 }).Header.Error);
        var nowhere = new KeyspaceScope { KeyspaceId = 9 };
        Assert.All(
            new IPdResponse[]
            {
                Ask<GetGCStateResponse>(new GetGCStateRequest { KeyspaceScope = nowhere }),
                Ask<SetGCBarrierResponse>(
                    new SetGCBarrierRequest { KeyspaceScope = nowhere, BarrierId = "y", BarrierTs = 5, TtlSeconds = 9 }),
                Ask<DeleteGCBarrierResponse>(new DeleteGCBarrierRequest { KeyspaceScope = nowhere, BarrierId = "x" }),
                Ask<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { KeyspaceScope = nowhere, Target = 3 }),
                Ask<AdvanceGCSafePointResponse>(new AdvanceGCSafePointRequest { KeyspaceScope = nowhere, Target = 0 }),
            },
            a => Assert.Contains("no keyspace with id 9", a.Header.Error.Message, StringComparison.Ordinal));

        Assert.Null(Ask<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { Target = 3 }).Header.Error);
        var all = Ask<GetAllKeyspacesGCStatesResponse>(new GetAllKeyspacesGCStatesRequest());
        Assert.Equal(
            [(uint.MaxValue, 3ul, 1), (0u, 0ul, 0), (1u, 0ul, 0)],
            all.GcStates.Select(s => (s.KeyspaceScope.KeyspaceId, s.TxnSafePoint, s.GcBarriers.Count)));
        Assert.Empty(Ask<GetAllKeyspacesGCStatesResponse>(
            new GetAllKeyspacesGCStatesRequest { ExcludeGcBarriers = true }).GcStates[0].GcBarriers);
    }
}
