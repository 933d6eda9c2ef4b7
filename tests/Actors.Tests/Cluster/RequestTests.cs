using System.Threading.Channels;
using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>One cluster for all: none of these stops anything.</summary>
public sealed class RequestTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    private TestClient Client => _cluster.Client;

    public async Task InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task InvalidRequestsGetErrorsThatNameInputAndLimit()
    {
        Assert.Contains("empty", (await Ask<RawPutResponse>(new RawPutRequest { Key = TestClient.Key("") })).Error);
        Assert.Contains("8192", (await Ask<RawPutResponse>(new RawPutRequest { Key = TestClient.Key(new string('k', 8193)) })).Error);
        var large =
            await Ask<RawPutResponse>(new RawPutRequest { Key = TestClient.Key("k"), Value = ByteString.CopyFrom(new byte[8 << 20]) });
        Assert.Contains("8388609", large.Error);
        Assert.Contains("8388608", large.Error);
        Assert.Contains("invalid key mode", (await Ask<RawGetResponse>(new RawGetRequest { Key = ByteString.CopyFromUtf8("k") })).Error);
        Assert.Contains("nosuch", (await Ask<RawGetResponse>(new RawGetRequest { Key = TestClient.Key("k"), Cf = "nosuch" })).Error);
        Assert.Contains("inverted range", (await Ask<RawDeleteRangeResponse>(
            new RawDeleteRangeRequest { StartKey = TestClient.Key("b"), EndKey = TestClient.Key("a") })).Error);
        Assert.Contains("limit 0", (await Ask<RawScanResponse>(
            new RawScanRequest { StartKey = TestClient.Key("b"), EndKey = TestClient.Key("c") })).Kvs[0].Error.Abort);
        Assert.Contains(
            "100 years", (await Ask<RawPutResponse>(new RawPutRequest { Key = TestClient.Key("k"), Ttl = ulong.MaxValue })).Error);
        Assert.Contains("3 TTLs for 2 pairs", (await Ask<RawBatchPutResponse>(new RawBatchPutRequest
        {
            Pairs = { new KvPair { Key = TestClient.Key("a") }, new KvPair { Key = TestClient.Key("b") } },
            Ttls = { 1, 2, 3 },
        })).Error);
        var v1 = new RawGetRequest { Key = TestClient.Key("k"), Context = new Context { ApiVersion = APIVersion.V1 } };
        Assert.Contains("API mode v1", (await Client.AskAsync<RawGetResponse>(_cluster.Node(1), v1))!.Error);
        var foreign = new RawGetRequest { Key = TestClient.Key("k"), Context = new Context { ApiVersion = APIVersion.V2, ClusterId = 1 } };
        Assert.Contains("mismatch cluster id", (await Client.AskAsync<RawGetResponse>(_cluster.Node(1), foreign))!.Error);
    }

    [Fact]
    public async Task ARequestWithAWrongContextGetsTheRegionErrorThatSaysSo()
    {
        var leader = await _cluster.LeaderOfAsync("a");
        var right = new Context
        {
            ApiVersion = APIVersion.V2,
            RegionId = leader.Status.Region.Id,
            RegionEpoch = leader.Status.Region.RegionEpoch,
            Peer = leader.Status.Self
        };
        var follower = leader.Status.Region.Peers.First(p => p.Id != leader.Status.Self.Id);
        var followerNode = _cluster.Nodes.First(n => n.StoreId == follower.StoreId);

        Assert.Null((await Try(leader.Node, _ => { })).RegionError);
        Assert.Equal(RegionErrorKind.RegionNotFound, (await Try(leader.Node, c => c.RegionId = 99999)).RegionError.Kind());
        Assert.Equal(RegionErrorKind.StoreNotMatch, (await Try(leader.Node, c => c.Peer = follower)).RegionError.Kind());
        Assert.Equal(
            RegionErrorKind.MismatchPeerId,
            (await Try(leader.Node, c => c.Peer = new Peer { Id = 7777, StoreId = leader.Node.StoreId })).RegionError.Kind());
        Assert.Equal(leader.Status.Self.Id, (await Try(followerNode, c => c.Peer = follower)).RegionError.NotLeader.Leader.Id);
        Assert.Equal(
            RegionErrorKind.EpochNotMatch,
            (await Try(leader.Node, c => c.RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 99 })).RegionError.Kind());

        async Task<RawPutResponse> Try(TestNode node, Action<Context> change)
        {
            var context = right.Clone();
            change(context);
            return (await Client.AskAsync<RawPutResponse>(
                node, new RawPutRequest { Context = context, Key = TestClient.Key("a"), Value = ByteString.CopyFromUtf8("1") }))!;
        }
    }

    [Fact]
    public async Task BatchesScansAndRangesSpanRegions()
    {
        await Client.SplitAsync("m");
        var keys = "abcdefghijklmnopqrstuvwxyz".Select(c => $"{c}").ToList();
        await Client.SendAsync<RawBatchPutResponse>(() => new RawBatchPutRequest
        {
            Pairs = { keys.Select(k => new KvPair { Key = TestClient.Key(k), Value = ByteString.CopyFromUtf8(k + k) }) }
        });

        var gets = await Client.SendAsync<RawBatchGetResponse>(
            () => new RawBatchGetRequest { Keys = { keys.Append("nothing").Select(TestClient.Key) } });
        Assert.Equal(keys.Select(k => k + k), gets.Pairs.Select(p => p.Value.ToStringUtf8()).Order());

        var scan = await Client.SendAsync<RawScanResponse>(
            () => new RawScanRequest { StartKey = TestClient.Key("k"), EndKey = TestClient.Key("p"), Limit = 100 });
        Assert.Equal(["k", "l", "m", "n", "o"], Names(scan));
        var reverse = await Client.SendAsync<RawScanResponse>(() => new RawScanRequest
        {
            StartKey = TestClient.Key("p"),
            EndKey = TestClient.Key("k"),
            Limit = 4,
            Reverse = true,
            KeyOnly = true
        });
        Assert.Equal(["o", "n", "m", "l"], Names(reverse));
        Assert.All(reverse.Kvs, p => Assert.True(p.Value.IsEmpty));

        var all = new Protocol.Kvrpcpb.KeyRange { StartKey = TestClient.Key("a"), EndKey = TestClient.Key("zz") };
        var sum = await Client.SendAsync<RawChecksumResponse>(() => new RawChecksumRequest { Ranges = { all } });
        Assert.Equal(26ul, sum.TotalKvs);
        Assert.Equal((ulong)(26 * (4 + 1 + 2)), sum.TotalBytes);

        await Client.SendAsync<RawDeleteRangeResponse>(
            () => new RawDeleteRangeRequest { StartKey = TestClient.Key("c"), EndKey = TestClient.Key("y") });
        var left = await Client.SendAsync<RawScanResponse>(
            () => new RawScanRequest { StartKey = TestClient.Key("a"), EndKey = TestClient.Key("zz"), Limit = 100 });
        Assert.Equal(["a", "b", "y", "z"], Names(left));
        await Client.SendAsync<RawBatchDeleteResponse>(
            () => new RawBatchDeleteRequest { Keys = { TestClient.Key("a"), TestClient.Key("z") } });
        Assert.Null(await Client.GetAsync("z"));
        Assert.Equal("bb", await Client.GetAsync("b"));
        await _cluster.AllReplicasAreEqualAsync();
    }

    [Fact]
    public async Task AScanThatDoesNotFitTheCallerIsCutShortWithAKeyToGoOnFrom()
    {
        await Client.SendAsync<RawBatchPutResponse>(() => new RawBatchPutRequest
        {
            Pairs = { Enumerable.Range(0, 30)
                .Select(i => new KvPair { Key = TestClient.Key($"k{i:00}"), Value = ByteString.CopyFrom(new byte[10_000]) }) },
        });
        var names = new List<string>();
        var start = TestClient.Key("k");
        var pages = 0;
        while (!start.IsEmpty)
        {
            var from = start;
            var page = (await Client.AskAsync<RawScanResponse>(
                _cluster.Node(2), new RawScanRequest { StartKey = from, EndKey = TestClient.Key("l"), Limit = 100 }))!;
            Assert.Null(page.RegionError);
            Assert.True(page.CalculateSize() < 128_000);
            names.AddRange(Names(page));
            start = page.ResumeKey;
            pages++;
        }

        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"k{i:00}"), names);
        Assert.True(pages >= 3);
        await Client.PutAsync("large", new string('x', 200_000));
        var get = await Client.AskAsync<RawGetResponse>(_cluster.Node(2), new RawGetRequest { Key = TestClient.Key("large") });
        Assert.Contains("max_response_bytes", get!.Error);
        Assert.Equal(200_000, (await Client.GetAsync("large"))!.Length);
    }

    [Fact]
    public async Task EveryRequestOfABatchIsAnsweredOnceUnderItsId()
    {
        var leader = await _cluster.LeaderOfAsync("a");
        var context = new Context
        {
            ApiVersion = APIVersion.V2,
            RegionId = leader.Status.Region.Id,
            RegionEpoch = leader.Status.Region.RegionEpoch,
            Peer = leader.Status.Self
        };
        var batch = new BatchCommandsRequest();
        for (ulong id = 1; id <= 100; id++)
        {
            batch.RequestIds.Add(id);
            batch.Requests.Add(BatchCommandsCases.ToRequest(id % 10 == 0
                ? new BatchCommandsEmptyRequest { TestId = id }
                : new RawPutRequest { Context = context, Key = TestClient.Key($"b{id}"), Value = ByteString.CopyFromUtf8("1") }));
        }

        var responses = Channel.CreateUnbounded<object>();
        var receiver = Client.System.ActorOf(Props.Create(() => new Collector(responses.Writer)));
        Client.Selection(leader.Node, "kv").Tell(batch, receiver);
        var answered = new List<ulong>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (answered.Count < 100)
        {
            var response = Assert.IsType<BatchCommandsResponse>(await responses.Reader.ReadAsync(patience.Token));
            Assert.Equal(response.RequestIds.Count, response.Responses.Count);
            for (var i = 0; i < response.RequestIds.Count; i++)
            {
                if (response.RequestIds[i] % 10 == 0)
                    Assert.Equal(response.RequestIds[i], response.Responses[i].Empty.TestId);
                else
                    Assert.Null(response.Responses[i].RawPut.RegionError);
            }

            answered.AddRange(response.RequestIds);
        }

        Assert.Equal(100, answered.Distinct().Count());
    }

    [Fact]
    public async Task OfRacingSwapsOnTheSameValueOneWins()
    {
        for (var round = 0; round < 5; round++)
        {
            var before = round == 0 ? null : $"{round - 1}";
            var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Client.CompareAndSwapAsync("counter", before, $"{round}")));
            Assert.Equal(1, results.Count(r => r is true));
        }

        Assert.Equal("4", await Client.GetAsync("counter"));
    }

    [Fact]
    public async Task AKeyWithATtlDisappearsOnEveryReadAndItsTtlIsTold()
    {
        await Client.PutAsync("short", "1", ttl: 1);
        await Client.PutAsync("long", "2", ttl: 1000);
        await Client.PutAsync("ever", "3");
        var ttl = await Client.SendAsync<RawGetKeyTTLResponse>(() => new RawGetKeyTTLRequest { Key = TestClient.Key("long") });
        Assert.InRange(ttl.Ttl, 900ul, 1000ul);
        Assert.Equal(
            0ul, (await Client.SendAsync<RawGetKeyTTLResponse>(() => new RawGetKeyTTLRequest { Key = TestClient.Key("ever") })).Ttl);
        await Eventually.TrueAsync(async () => await Client.GetAsync("short") is null, "the key has expired");
        Assert.True(
            (await Client.SendAsync<RawGetKeyTTLResponse>(() => new RawGetKeyTTLRequest { Key = TestClient.Key("short") })).NotFound);
        var scan = await Client.SendAsync<RawScanResponse>(
            () => new RawScanRequest { StartKey = TestClient.Key("long"), EndKey = TestClient.Key("zz"), Limit = 10 });
        Assert.Equal(["long"], Names(scan));
        // An expired value counts as absent.
        Assert.Equal(true, await Client.CompareAndSwapAsync("short", null, "again"));
        Assert.Equal("again", await Client.GetAsync("short"));
    }

    private sealed class Collector(ChannelWriter<object> messages) : UntypedActor
    {
        protected override void OnReceive(object message) => messages.TryWrite(message);
    }

    private async Task<T> Ask<T>(IRegionRequest request)
        where T : class, IRegionResponse => (await Client.AskAsync<T>(request))!;

    private static List<string> Names(RawScanResponse scan) => [.. scan.Kvs.Select(p => p.Key.ToStringUtf8()[4..])];
}
