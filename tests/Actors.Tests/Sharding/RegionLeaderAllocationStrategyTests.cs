using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Sharding;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Tests.Sharding;

/// <summary>The strategy between a PD and a cluster that the test makes up.</summary>
public sealed class RegionLeaderAllocationStrategyTests : IAsyncLifetime
{
    private static readonly PlacementShards _shards = new(4);
    private static readonly ShardingSettings _settings = new(
        LeaderTimeout: TimeSpan.FromSeconds(20), RetryInterval: TimeSpan.FromMilliseconds(1), MoveTimeout: TimeSpan.FromMinutes(10),
        MaxMoving: 2, PassivateIdleAfter: TimeSpan.Zero);

    private readonly ActorSystem _system = ActorSystem.Create("strategy", "akka { loglevel = OFF, stdout-loglevel = OFF }");
    private readonly PdPicture _pd = new();
    private readonly RegionLeaderAllocationStrategy _strategy = new("test");
    private IReadOnlyList<ShardMember> _members = [Member(1), Member(2), Member(3)];

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _system.Terminate();

    [Fact]
    public async Task AShardGoesToTheNodeThatLeadsItsRange()
    {
        Start(_settings);
        (_pd["a"], _pd["b"]) = (2, 3);
        // The region here is known without an address.
        var regions = Regions([], ["x", "y"], []).Remove(Region(3)).Add(new RegionAt(Path(null)), []);
        Assert.Equal(Region(2), await AllocateAsync("a", regions));
        Assert.Equal(new RegionAt(Path(null)), await AllocateAsync("b", regions));
    }

    [Fact]
    public async Task PdIsAskedUntilItKnows()
    {
        Start(_settings);
        _pd["a"] = 3;
        _pd.RefusedRequests = 3;
        Assert.Equal(Region(3), await AllocateAsync("a", Regions([], [], [])));
        Assert.Equal(-1, _pd.RefusedRequests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AllocationEndsWhetherPdKnowsOrNot(bool isSilent)
    {
        Start(_settings with { LeaderTimeout = TimeSpan.FromMilliseconds(100) });
        _pd.IsSilent = isSilent;
        Assert.Equal(Region(2), await AllocateAsync("a", Regions(["x"], [], [])).WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task AShardThatIsNoRangeGoesWhereFewestAre()
    {
        Start(_settings);
        var region = await _strategy.AllocateShard(ActorRefs.Nobody, "42", Regions(["x"], ["y"], []));
        Assert.Equal(Region(3), region);
        Assert.Equal(0, _pd.Requests);
    }

    [Fact]
    public async Task OnlyWhatSomebodyAskedForMoves()
    {
        Start(_settings);
        (_pd["b"], _pd["c"]) = (2, 1);
        // Nobody leads the region of "a".
        var regions = Regions([Id("a"), Id("b"), Id("c")], [], []);
        Assert.Empty(await RebalanceAsync(regions));
        Assert.Equal(0, _pd.Requests);
        _strategy.AskToMove([Id("a"), Id("b"), Id("c"), Id("elsewhere")]);
        Assert.Equal([Id("b")], await RebalanceAsync(regions));
        // What had to be done is done, also for the one that was at its place.
        _pd["c"] = 3;
        Assert.Empty(await RebalanceAsync(regions));
    }

    [Fact]
    public async Task AllOfATypeMoveAFewAtATime()
    {
        Start(_settings);
        foreach (var key in new[] { "a", "b", "c", "d" })
            _pd[key] = 2;
        _strategy.AskToMove([]);
        Assert.Equal([Id("a"), Id("b")], await RebalanceAsync(Regions([Id("d"), Id("c"), Id("b"), Id("a")], [], [])));
        Assert.Empty(await RebalanceAsync(Regions([Id("d"), Id("c"), Id("b"), Id("a")], [], []), "a", "b"));
        Assert.Equal([Id("c")], await RebalanceAsync(Regions([Id("d"), Id("c"), Id("b")], [Id("a")], []), "b"));
        Assert.Equal([Id("d")], await RebalanceAsync(Regions([Id("d")], [Id("a"), Id("b"), Id("c")], [])));
        Assert.Empty(await RebalanceAsync(Regions([], [Id("a"), Id("b"), Id("c"), Id("d")], [])));
    }

    [Fact]
    public async Task AWishWaitsUntilNobodyComesOrGoesAndTheLeaderHosts()
    {
        Start(_settings);
        _pd["a"] = 4;
        var regions = Regions([Id("a")], [], []);
        _strategy.AskToMove([Id("a")]);
        Assert.Empty(await RebalanceAsync(regions));
        var quiet = _members = [.. _members, Member(4)];
        Assert.Empty(await RebalanceAsync(regions));
        regions = regions.Add(Region(4), ImmutableList<string>.Empty);
        foreach (var member in new[]
        {
            Member(5) with { Status = MemberStatus.Joining }, Member(5) with { Status = MemberStatus.Leaving },
            Member(5) with { IsReachable = false },
        })
        {
            _members = [.. quiet, member];
            Assert.Empty(await RebalanceAsync(regions));
        }

        _members = quiet;
        Assert.Equal([Id("a")], await RebalanceAsync(regions));
    }

    [Fact]
    public async Task NothingMovesIfSomebodyComesWhilePdIsAsked()
    {
        Start(_settings);
        _pd["a"] = 2;
        _pd.Answering = () => _members = [.. _members.Take(3), Member(5) with { Status = MemberStatus.Joining }];
        _strategy.AskToMove([Id("a")]);
        Assert.Empty(await RebalanceAsync(Regions([Id("a")], [], [])));
    }

    private void Start(ShardingSettings settings) => _strategy.Start(
        _system, Address(3), () => _members, _system.ActorOf(Props.Create(() => new PdOf(_pd))), settings);

    private Task<IActorRef> AllocateAsync(string key, IImmutableDictionary<IActorRef, IImmutableList<string>> regions) =>
        _strategy.AllocateShard(ActorRefs.Nobody, Id(key), regions);

    private async Task<IEnumerable<string>> RebalanceAsync(
        IImmutableDictionary<IActorRef, IImmutableList<string>> regions, params string[] moving) =>
        (await _strategy.Rebalance(regions, moving.Select(Id).ToImmutableHashSet())).Order(StringComparer.Ordinal);

    private static string Id(string key) =>
        _shards.ShardId(KeyMode.Raw, KeyspaceId.Default, System.Text.Encoding.UTF8.GetBytes(key));

    private static ShardMember Member(int node) => new(Address(node), MemberStatus.Up, true);

    private static string Address(int node) => $"127.0.0.1:{node}";

    private static ImmutableDictionary<IActorRef, IImmutableList<string>> Regions(params string[][] shards) =>
        shards.Select((s, i) => KeyValuePair.Create(Region(i + 1), (IImmutableList<string>)s.ToImmutableList())).ToImmutableDictionary();

    private static IActorRef Region(int node) => new RegionAt(Path(node));

    private static ActorPath Path(int? node) =>
        new RootActorPath(node is { } n ? new Address("akka.tcp", "tikv", "127.0.0.1", n) : new Address("akka", "tikv")) / "region";

    private sealed class RegionAt(ActorPath path) : MinimalActorRef
    {
        public override ActorPath Path { get; } = path;

        public override IActorRefProvider Provider => throw new NotSupportedException();
    }

    /// <summary>Which store leads the region where a shard begins.</summary>
    private sealed class PdPicture
    {
        private readonly ConcurrentDictionary<string, ulong> _leaders = new();

        public ulong this[string key]
        {
            get => _leaders.GetValueOrDefault(key);
            set => _leaders[key] = value;
        }

        public int Requests;
        public int RefusedRequests;

        public bool IsSilent { get; set; }

        public Action Answering { get; set; } = () => { };
    }

    private sealed class PdOf(PdPicture picture) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            Interlocked.Increment(ref picture.Requests);
            if (picture.IsSilent)
                return;
            picture.Answering();
            var header = new ResponseHeader { ClusterId = 7 };
            switch (message)
            {
                case GetClusterIdentityRequest:
                    Sender.Tell(new GetClusterIdentityResponse { Header = header, ApiVersion = APIVersion.V2 });
                    break;
                case GetRegionRequest { Header.ClusterId: 7 } request:
                    if (picture.RefusedRequests >= 0 && Interlocked.Decrement(ref picture.RefusedRequests) >= 0)
                        header.Error = new Error { Type = ErrorType.NotBootstrapped };
                    var requestKey = RegionKeys.ToRawRequestKey(APIVersion.V2, request.RegionKey);
                    var key = new RawKeySpace(APIVersion.V2, KeyspaceId.Default).ToUserKey(requestKey);
                    var leader = picture[System.Text.Encoding.UTF8.GetString(key.Span)];
                    Sender.Tell(new GetRegionResponse
                    {
                        Header = header,
                        Region = new Protocol.Metapb.Region(),
                        Leader = leader == 0 ? null : new Peer { StoreId = leader },
                    });
                    break;
                case GetStoreRequest { Header.ClusterId: 7 } request:
                    Sender.Tell(new GetStoreResponse
                    {
                        Header = header,
                        Store = new Store { Id = request.StoreId, Address = Address((int)request.StoreId) },
                    });
                    break;
                default:
                    Unhandled(message);
                    break;
            }
        }
    }
}
