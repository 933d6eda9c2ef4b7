using Google.Protobuf;
using TiKvActors.Actors.Gateway;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Tests.Gateway;

/// <summary>What the gateway makes of requests, on one node: nothing here depends on replication.</summary>
public sealed class GatewayTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    private TestClient Client => _cluster.Client;

    public async Task InitializeAsync() => _cluster = await TestCluster.StartAsync(1);

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task ARoutedRequestNeedsOnePlace()
    {
        await using var cluster = await TestCluster.StartAsync(1, "tikv.gateway.max-requests = 1");
        await Eventually.NotNullAsync(
            async () => (await cluster.Client.RegionsAsync()).Find(r => r.Leader is { Id: not 0 }), "PD knows the leader");
        for (var i = 0; i < 3; i++)
        {
            var put = await cluster.Client.AskAsync<RawPutResponse>(
                new RawPutRequest { Key = TestClient.Key("a"), Value = ByteString.CopyFromUtf8("1") });
            Assert.Null(put!.RegionError);
        }
    }

    [Fact]
    public async Task ACompareAndSwapReadsTheFamilyThatItWrites()
    {
        await Client.PutAsync("k", "default");
        Assert.Null(await Swap(null, "1"));
        Assert.Equal("1", await Swap("1", "2"));
        Assert.Equal("2", (await Client.SendAsync<RawGetResponse>(() => new RawGetRequest { Key = TestClient.Key("k"), Cf = "lock" })).Value
            .ToStringUtf8());
        Assert.Equal("default", await Client.GetAsync("k"));

        async Task<string?> Swap(string? expected, string value)
        {
            var response = await Client.SendAsync<RawCASResponse>(() => new RawCASRequest
            {
                Key = TestClient.Key("k"),
                Cf = "lock",
                PreviousNotExist = expected is null,
                PreviousValue = ByteString.CopyFromUtf8(expected ?? ""),
                Value = ByteString.CopyFromUtf8(value),
            });
            Assert.Equal("", response.Error);
            Assert.True(response.Succeed);
            return response.PreviousNotExist ? null : response.PreviousValue.ToStringUtf8();
        }
    }

    [Fact]
    public async Task ABatchPutOfAnOldClientHasItsTtl()
    {
#pragma warning disable CS0612 // What old clients set.
        await Client.SendAsync<RawBatchPutResponse>(() => new RawBatchPutRequest { Pairs = { Pair("a"), Pair("b") }, Ttl = 1000 });
#pragma warning restore CS0612
        foreach (var key in new[] { "a", "b" })
            Assert.InRange(
                (await Client.SendAsync<RawGetKeyTTLResponse>(() => new RawGetKeyTTLRequest { Key = TestClient.Key(key) })).Ttl, 900ul,
                1000ul);

        static KvPair Pair(string key) => new() { Key = TestClient.Key(key), Value = ByteString.CopyFromUtf8(key) };
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ABatchGetThatDoesNotFitGivesWhatFitsAndNamesTheRest(bool split)
    {
        if (split)
            await Client.SplitAsync("k06");
        var keys = await FillAsync(30);
        // Small values at the end, whose errors are larger than they: they take room from those before.
        await Client.PutAsync("z", "1");
        var found = new HashSet<ByteString>();
        var left = keys.Append(TestClient.Key("z")).ToList();
        while (left.Count > 0)
        {
            var response = (await Client.AskAsync<RawBatchGetResponse>(_cluster.Node(1), new RawBatchGetRequest { Keys = { left } }))!;
            Assert.Null(response.RegionError);
            Assert.True(response.CalculateSize() <= RequestScope.DefaultMaxResponseBytes, $"{response.CalculateSize()} bytes");
            Assert.Equal(left.ToHashSet(), response.Pairs.Select(p => p.Key).ToHashSet());
            Assert.All(response.Pairs, p => Assert.True(p.Error is null || p.Error.Retryable.Length > 0, $"{p.Error}"));
            var fitted = response.Pairs.Where(p => p.Error is null).Select(p => p.Key).ToList();
            Assert.NotEmpty(fitted);
            found.UnionWith(fitted);
            left.RemoveAll(found.Contains);
        }

        Assert.Equal(31, found.Count);
    }

    [Theory]
    [InlineData(false, 3, 10_000)]
    [InlineData(true, 3, 10_000)]
    // Four rows leave no room for the key to go on from.
    [InlineData(false, 2996, 21_600)]
    [InlineData(true, 2996, 21_600)]
    public async Task AScanOverRegionsThatDoesNotFitIsCutShortWithAKeyToGoOnFrom(bool reverse, int keyBytes, int valueBytes)
    {
        await Client.SplitAsync("k06");
        await Client.SplitAsync("k15");
        var keys = await FillAsync(30, keyBytes, valueBytes);
        var names = new List<ByteString>();
        var (start, end) = reverse ? (TestClient.Key("l"), TestClient.Key("k")) : (TestClient.Key("k"), TestClient.Key("l"));
        while (!start.IsEmpty)
        {
            var page = (await Client.AskAsync<RawScanResponse>(
                _cluster.Node(1), new RawScanRequest { StartKey = start, EndKey = end, Limit = 100, Reverse = reverse }))!;
            Assert.Null(page.RegionError);
            Assert.True(page.CalculateSize() <= RequestScope.DefaultMaxResponseBytes, $"{page.CalculateSize()} bytes");
            Assert.All(page.Kvs, p => Assert.Null(p.Error));
            names.AddRange(page.Kvs.Select(p => p.Key));
            start = page.ResumeKey;
        }

        if (reverse)
            names.Reverse();
        Assert.Equal(keys, names);
    }

    [Fact]
    public async Task WhatCannotBeReadIsToldInTheAnswerAndNotAsARegionError()
    {
        var data = _cluster.Node(1).Tikv.Engines!.Data;
        using (var batch = data.NewBatch())
        {
            // Ends with flags that no value has.
            batch.Put(ColumnFamily.Default, TestClient.RegionKey("bad").Span, [0xFF]);
            data.Write(batch);
        }

        var key = TestClient.Key("bad");
        var (start, end) = (TestClient.Key("a"), TestClient.Key("z"));
        Told(await Client.SendAsync<RawGetResponse>(() => new RawGetRequest { Key = key }), r => r.Error);
        Told(await Client.SendAsync<RawGetKeyTTLResponse>(() => new RawGetKeyTTLRequest { Key = key }), r => r.Error);
        Told(await Client.SendAsync<RawCASResponse>(() => new RawCASRequest { Key = key, PreviousNotExist = true }), r => r.Error);
        Told(await Client.SendAsync<RawBatchGetResponse>(() => new RawBatchGetRequest { Keys = { key } }), r => r.Pairs[0].Error.Abort);
        Told(
            await Client.SendAsync<RawScanResponse>(() => new RawScanRequest { StartKey = start, EndKey = end, Limit = 9 }),
            r => r.Kvs[0].Error.Abort);
        var range = new Protocol.Kvrpcpb.KeyRange { StartKey = start, EndKey = end };
        Told(
            await Client.SendAsync<RawBatchScanResponse>(() => new RawBatchScanRequest { Ranges = { range }, EachLimit = 9 }),
            r => r.Kvs[0].Error.Abort);
        Told(await Client.SendAsync<RawChecksumResponse>(() => new RawChecksumRequest { Ranges = { range } }), r => r.Error);
        // The swap has let go of the key.
        await Client.PutAsync("bad", "good");
        Assert.Equal("good", await Client.GetAsync("bad"));

        static void Told<T>(T response, Func<T, string> text)
            where T : IRegionResponse
        {
            Assert.Null(response.RegionError);
            Assert.Contains("could not be read", text(response));
        }
    }

    private async Task<List<ByteString>> FillAsync(int count, int keyBytes = 3, int valueBytes = 10_000)
    {
        var keys = Enumerable.Range(0, count).Select(i => TestClient.Key($"k{i:00}".PadRight(keyBytes, '.'))).ToList();
        await Client.SendAsync<RawBatchPutResponse>(() => new RawBatchPutRequest
        {
            Pairs = { keys.Select(k => new KvPair { Key = k, Value = ByteString.CopyFrom(new byte[valueBytes]) }) },
        });
        return keys;
    }
}
