using Akka.Actor;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Tests.Journal;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>PD on the replicated journal: one incarnation after the other, and beside the other.</summary>
public sealed class PdIncarnationTests : IAsyncLifetime
{
    // Every id that is handed out is an event.
    private readonly MetaNodes _nodes = new("""
        tikv.pd.id-window = 1
        tikv.pd.snapshot-interval = 10
        tikv.pd.restart-backoff = 50ms
        akka.persistence.journal.replicated.class = "TiKvActors.Actors.Tests.Placement.RefusingJournal, Actors.Tests"
        """);

    public PdIncarnationTests() => _nodes.Start();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _nodes.DisposeAsync().AsTask();

    [Fact]
    public async Task PdGoesOnAtAnotherNodeWithEverythingThatItHasAnswered()
    {
        var first = _nodes[0].StartPd();
        var cluster = await first.ClusterIdAsync();
        var last = 0ul;
        for (var store = 1ul; store <= 20; store++)
        {
            await first.RegisterAsync(cluster, store);
            var id = await first.AllocateIdAsync(cluster);
            Assert.True(id > last);
            last = id;
        }

        await _nodes[0].StopAsync();
        var second = _nodes[1].StartPd();
        Assert.Equal(cluster, await second.ClusterIdAsync());
        Assert.Equal(Enumerable.Range(1, 20).Select(n => (ulong)n), await second.StoresAsync(cluster));
        Assert.True(await second.AllocateIdAsync(cluster) > last);
        var events = await _nodes[1].PdEventsAsync();
        // The rest is in a snapshot.
        Assert.True(events.Count < 20);
        Assert.Equal($"127.0.0.1:{_nodes[1].Port}", events.OfType<IncarnationStarted>().Last().Address);
    }

    [Fact]
    public async Task SafePointsAreNotForgottenWhenPdIsAtAnotherNode()
    {
        var first = _nodes[0].StartPd();
        var header = new RequestHeader { ClusterId = await first.ClusterIdAsync() };
        for (var store = 1ul; store <= 3; store++)
            await first.RegisterAsync(header.ClusterId, store);
        var before = new GCState();
        // More of them than there are events between two snapshots.
        for (var ts = 1ul; ts <= 15; ts++)
        {
            await first.AskPdAsync<AdvanceTxnSafePointResponse>(new AdvanceTxnSafePointRequest { Header = header, Target = ts });
            var barrier = new SetGCBarrierRequest { Header = header, BarrierId = $"b{ts}", BarrierTs = 100 + ts, TtlSeconds = 1_000_000 };
            Assert.Null((await first.AskPdAsync<SetGCBarrierResponse>(barrier)).Header.Error);
            before = await StateAsync(first);
        }

        await _nodes[0].StopAsync();
        var after = await StateAsync(_nodes[1].StartPd());
        Assert.Equal((15ul, 0ul), (after.TxnSafePoint, after.GcSafePoint));
        Assert.Equal(before.GcBarriers.Select(b => (b.BarrierId, b.BarrierTs)), after.GcBarriers.Select(b => (b.BarrierId, b.BarrierTs)));
        Assert.All(after.GcBarriers, b => Assert.InRange(b.TtlSeconds, 900_000, 1_000_000));

        async Task<GCState> StateAsync(IActorRef pd) =>
            (await pd.AskPdAsync<GetGCStateResponse>(new GetGCStateRequest { Header = header })).GcState;
    }

    /// <summary>The older one has answered nothing that the younger does not know, and hears the reason.</summary>
    [Fact]
    public async Task OfTwoLivingPdsTheOlderEndsWhenItPersists()
    {
        var older = _nodes[0].StartPd();
        var cluster = await older.ClusterIdAsync();
        await older.RegisterAsync(cluster, 1);
        var incarnation = await older.IncarnationAsync();
        var younger = _nodes[1].StartPd();
        Assert.Equal(cluster, await younger.ClusterIdAsync());

        var ended = incarnation.WatchAsync();
        var refused = incarnation.Ask<PutStoreResponse>(new PutStoreRequest
        {
            Header = new RequestHeader { ClusterId = cluster },
            Store = new Protocol.Metapb.Store { Id = 2, Address = "host:2" },
        });
        await ended;
        Assert.False(refused.IsCompleted);
        await Eventually.TrueAsync(() => _nodes[0].Log.Of("TKA405").Count == 1, "the older one says that it is superseded");
        Assert.Equal([1ul], await younger.StoresAsync(cluster));
    }

    /// <summary>Each that is overtaken begins anew and overtakes the other.</summary>
    [Fact]
    public async Task NoIdIsGivenTwiceWhileTwoPdsOvertakeEachOther()
    {
        var pds = new[] { _nodes[0].StartPd(), _nodes[1].StartPd() };
        var cluster = await pds[0].ClusterIdAsync();
        Assert.Equal(cluster, await pds[1].ClusterIdAsync());
        var ids = await Task.WhenAll(pds.Select(async pd =>
        {
            var mine = new List<ulong>();
            while (mine.Count < 15)
                mine.Add(await pd.AllocateIdAsync(cluster));
            return mine;
        }));
        Assert.All(ids, mine => Assert.Equal(mine.Order(), mine));
        Assert.Equal(30, ids.SelectMany(mine => mine).Distinct().Count());
        await Eventually.TrueAsync(() => _nodes.Any(n => n.Log.Of("TKA405").Count > 0), "one was overtaken");
    }

    [Fact]
    public async Task APdThatEndsInOrderSaysSoLast()
    {
        var first = _nodes[0].StartPd();
        var cluster = await first.ClusterIdAsync();
        var ended = first.WatchAsync();
        first.Tell(Pd.Release.Instance);
        Assert.True(await ended);
        var second = _nodes[1].StartPd();
        Assert.Equal(cluster, await second.ClusterIdAsync());
        var events = await _nodes[1].PdEventsAsync();
        var starts = events.OfType<IncarnationStarted>().ToList();
        Assert.Equal(
            [typeof(ClusterIdentityDecided), typeof(IncarnationStarted), typeof(IncarnationReleased), typeof(IncarnationStarted)],
            events.Select(e => e.GetType()));
        Assert.Equal(starts[0].Id, ((IncarnationReleased)events[2]).Id);
        Assert.NotEqual(starts[0].Id, starts[1].Id);
        Assert.All(starts, s => Assert.Equal(16, s.Id.Length));
    }

    [Fact]
    public async Task ANodeThatStopsInOrderReleasesPd()
    {
        await _nodes[0].StopAsync();
        _nodes[0].RunsPd = true;
        _nodes[0].Start();
        await _nodes[0].System.ActorSelection("/user/tikv/pd").ClusterIdAsync();
        await _nodes[0].StopAsync(handsOver: true);
        Assert.IsType<IncarnationReleased>((await _nodes[1].PdEventsAsync())[^1]);
    }

    /// <summary>Whether the journal fails the write or rejects it: what was asked is not answered, and PD is back.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AfterARefusedWritePdServesAgainOnTheSameNode(bool rejects)
    {
        var pd = _nodes[0].StartPd();
        var cluster = await pd.ClusterIdAsync();
        await pd.RegisterAsync(cluster, 1);
        var ended = (await pd.IncarnationAsync()).WatchAsync();
        RefusingJournal.RefuseNext(_nodes[0].System, rejects);
        var refused = pd.Ask<PutStoreResponse>(new PutStoreRequest
        {
            Header = new RequestHeader { ClusterId = cluster },
            Store = new Protocol.Metapb.Store { Id = 2, Address = "host:2" },
        });
        Assert.True(await ended);
        Assert.False(refused.IsCompleted);
        await Eventually.TrueAsync(
            () => _nodes[0].Log.Of("TKA402") is [var line] && line.Contains("the test refuses", StringComparison.Ordinal),
            "it says why it ends");
        Assert.Equal([1ul], await pd.StoresAsync(cluster));
        await pd.RegisterAsync(cluster, 2);
        Assert.Equal([1ul, 2ul], await pd.StoresAsync(cluster));
        Assert.Equal(2, (await _nodes[0].PdEventsAsync()).OfType<IncarnationStarted>().Count());
    }

    /// <summary>It cannot know whether it is still the newest; when it can, it goes on.</summary>
    [Fact]
    public async Task WithoutAMajorityPdPersistsNothingAndAfterwardsItGoesOn()
    {
        var pd = _nodes[0].StartPd();
        var cluster = await pd.ClusterIdAsync();
        var ended = (await pd.IncarnationAsync()).WatchAsync();
        await _nodes[1].StopAsync();
        await _nodes[2].StopAsync();
        var unknown = pd.Ask<PutStoreResponse>(new PutStoreRequest
        {
            Header = new RequestHeader { ClusterId = cluster },
            Store = new Protocol.Metapb.Store { Id = 1, Address = "host:1" },
        });
        Assert.True(await ended);
        Assert.False(unknown.IsCompleted);
        _nodes.Start();
        await pd.RegisterAsync(cluster, 2);
        Assert.Contains(2ul, await pd.StoresAsync(cluster));
    }
}
