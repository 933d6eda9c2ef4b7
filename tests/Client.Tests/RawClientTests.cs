using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Tests;

/// <summary>What calls do when nothing goes wrong, and which arguments they refuse.</summary>
public class RawClientTests
{
    public static TheoryData<APIVersion> Modes => [APIVersion.V1, APIVersion.V1Ttl, APIVersion.V2];

    [Theory, MemberData(nameof(Modes))]
    public async Task Puts_gets_and_deletes(APIVersion mode)
    {
        await using var client = await new FakeCluster(mode).ConnectAsync();
        Assert.Equal(mode, client.ApiVersion);
        Assert.Null(await client.GetAsync("k".B()));
        await client.PutAsync("k".B(), "v".B());
        Assert.Equal("v", (await client.GetAsync("k".B())).S());
        await client.PutAsync("empty".B(), default);
        Assert.Equal("", (await client.GetAsync("empty".B())).S());
        await client.DeleteAsync("k".B());
        Assert.Null(await client.GetAsync("k".B()));
    }

    [Fact]
    public async Task Keys_carry_their_keyspace_under_v2()
    {
        var cluster = new FakeCluster();
        await using var client = await cluster.ConnectAsync();
        await client.PutAsync("abc".B(), "v".B());
        var put = Assert.IsType<RawPutRequest>(Assert.Single(cluster.KvRequests).Request);
        Assert.Equal("72000000616263", Convert.ToHexString(put.Key.Span));
        Assert.Equal(0u, put.Context.KeyspaceId);
    }

    [Fact]
    public async Task A_ttl_is_rounded_up_to_seconds()
    {
        var cluster = new FakeCluster();
        await using var client = await cluster.ConnectAsync();
        await client.PutAsync("k".B(), "v".B(), TimeSpan.FromMilliseconds(1001));
        Assert.Equal(2ul, Assert.IsType<RawPutRequest>(Assert.Single(cluster.KvRequests).Request).Ttl);
        cluster.OnKv = (_, request, _, _) => Task.FromResult<IRegionResponse?>(
            request is RawGetKeyTTLRequest ? new RawGetKeyTTLResponse { Ttl = 7 } : null);
        Assert.Equal(new RawTtl(TimeSpan.FromSeconds(7)), await client.GetTtlAsync("k".B()));
        cluster.OnKv = null;
        Assert.Equal(new RawTtl(null), await client.GetTtlAsync("k".B()));
        Assert.Null(await client.GetTtlAsync("absent".B()));
    }

    [Fact]
    public async Task Compares_and_swaps()
    {
        await using var client = await new FakeCluster().ConnectAsync();
        byte[]? absent = await client.GetAsync("k".B());
        Assert.Equal(new RawCasResult(true, null), await client.CompareAndSwapAsync("k".B(), absent, "1".B()));
        var failed = await client.CompareAndSwapAsync("k".B(), null, "2".B());
        Assert.Equal((false, "1"), (failed.Swapped, failed.Previous.S()));
        var swapped = await client.CompareAndSwapAsync("k".B(), "1".B(), "3".B());
        Assert.Equal((true, "1"), (swapped.Swapped, swapped.Previous.S()));
        Assert.Equal("3", (await client.GetAsync("k".B())).S());
    }

    [Fact]
    public async Task Batches_are_split_by_region()
    {
        var cluster = new FakeCluster();
        foreach (var key in new[] { "d", "h", "m" })
            cluster.Split(key);
        await using var client = await cluster.ConnectAsync();
        var keys = "abcdefghijklmnop".Select(c => c.ToString()).ToList();
        await client.BatchPutAsync([.. keys.Select(k => new RawKeyValue(k.B(), ("v" + k).B()))]);
        Assert.Equal(4, cluster.KvRequests.Count);
        var values = await client.BatchGetAsync([.. keys.Append("z").Select(k => (ReadOnlyMemory<byte>)k.B())]);
        Assert.Equal(keys.Select(k => (string?)("v" + k)).Append(null), values.Select(v => v.S()));
        await client.BatchDeleteAsync([.. keys.Take(8).Select(k => (ReadOnlyMemory<byte>)k.B())]);
        Assert.Equal(8, (await client.ScanAsync(default, default).ToListAsync()).Count);
    }

    [Fact]
    public async Task Batches_are_split_by_count_and_size()
    {
        var cluster = new FakeCluster();
        await using var client = await cluster.ConnectAsync("tikv.client { max-batch-requests = 10, max-batch-size = 1000 }");
        await client.BatchPutAsync([.. Enumerable.Range(0, 25).Select(i => new RawKeyValue($"k{i:00}".B(), "v".B()))]);
        Assert.Equal([5, 10, 10], cluster.KvRequests.Select(r => ((RawBatchPutRequest)r.Request).Pairs.Count).Order());
        cluster.KvRequests.Clear();
        await client.BatchPutAsync([.. Enumerable.Range(0, 3).Select(i => new RawKeyValue($"k{i:00}".B(), new byte[600]))]);
        Assert.Equal(3, cluster.KvRequests.Count);
    }

    [Fact]
    public async Task Of_equal_keys_in_a_batch_the_last_counts()
    {
        await using var client = await new FakeCluster().ConnectAsync();
        await client.BatchPutAsync([new("k".B(), "1".B()), new("k".B(), "2".B())]);
        Assert.Equal(["2", "2"], (await client.BatchGetAsync(["k".B(), "k".B()])).Select(v => v.S()));
    }

    [Fact]
    public async Task Values_that_did_not_fit_are_asked_for_again()
    {
        var cluster = new FakeCluster();
        await using var client = await cluster.ConnectAsync();
        await client.BatchPutAsync([.. "abc".Select(c => new RawKeyValue(c.ToString().B(), "v".B()))]);
        cluster.OnKv = (_, request, _, _) => Task.FromResult<IRegionResponse?>(request is not RawBatchGetRequest get
            ? null : new RawBatchGetResponse
            {
                Pairs = { get.Keys.Select(
                    (k, i) => new KvPair { Key = k, Value = k, Error = i == 0 ? null : new KeyError { Retryable = "full" } }) },
            });
        var before = cluster.KvRequests.Count;
        Assert.All(await client.BatchGetAsync(["a".B(), "b".B(), "c".B()]), Assert.NotNull);
        Assert.Equal(3, cluster.KvRequests.Count - before);
    }

    [Fact]
    public async Task Ranges_are_deleted_and_summed_across_regions()
    {
        var cluster = new FakeCluster();
        await using var client = await cluster.ConnectAsync();
        await client.BatchPutAsync([.. "abcdefgh".Select(c => new RawKeyValue(c.ToString().B(), "v".B()))]);
        var whole = await client.ChecksumAsync(default, default);
        Assert.Equal(8ul, whole.TotalKeys);
        cluster.Split("d");
        cluster.Split("f");
        Assert.Equal(whole, await client.ChecksumAsync(default, default));
        await client.DeleteRangeAsync("c".B(), "g".B());
        Assert.Equal(["a", "b", "g", "h"], await client.ScanAsync(default, default).Select(p => p.Key.S()).ToListAsync());
        await client.DeleteRangeAsync("g".B(), "g".B());
        await client.DeleteRangeAsync("b".B(), default);
        Assert.Equal(["a"], await client.ScanAsync(default, default).Select(p => p.Key.S()).ToListAsync());
    }

    [Fact]
    public async Task A_batch_scan_keeps_its_ranges_apart()
    {
        var cluster = new FakeCluster();
        await using var client = await cluster.ConnectAsync();
        await client.BatchPutAsync([.. "abcdefgh".Select(c => new RawKeyValue(c.ToString().B(), "v".B()))]);
        cluster.Split("d");
        var results = await client.BatchScanAsync(
            [new("a".B(), "f".B()), new("c".B(), default), new("x".B(), default)], 4, new RawScanOptions { KeysOnly = true });
        Assert.Equal(["abcd", "cdef", ""], results.Select(pairs => string.Concat(pairs.Select(p => p.Key.S()))));
        Assert.All(results.SelectMany(r => r), p => Assert.Empty(p.Value));
    }

    [Fact]
    public async Task Invalid_use_names_the_input_and_the_limit_and_sends_nothing()
    {
        var cluster = new FakeCluster();
        await using var client = await cluster.ConnectAsync();
        var (longKey, bigValue) = (new byte[8193], new byte[8 * 1024 * 1024]);
        ReadOnlyMemory<byte> k = "k".B();
        await Refused("the key is empty", () => client.GetAsync(default));
        await Refused("8193 bytes, the limit is 8192", () => client.GetAsync(longKey));
        await Refused("the key is empty", () => client.PutAsync(default, k));
        await Refused("8388609 bytes, the limit is 8388608", () => client.PutAsync(k, bigValue));
        await Refused("TTL of -5 s", () => client.PutAsync(k, k, TimeSpan.FromSeconds(-5)));
        await Refused("TTL of 0 s", () => client.PutAsync(k, k, TimeSpan.Zero));
        await Refused("8193", () => client.DeleteAsync(longKey));
        await Refused("8193", () => client.BatchGetAsync([k, longKey]));
        await Refused("8388609", () => client.BatchPutAsync([new(k, k), new(k, bigValue)]));
        await Refused("TTL of -1 s", () => client.BatchPutAsync([new(k, k)], TimeSpan.FromSeconds(-1)));
        await Refused("the key is empty", () => client.BatchDeleteAsync([k, default]));
        await Refused("8388609", () => client.CompareAndSwapAsync(k, null, bigValue));
        await Refused("8388609", () => client.CompareAndSwapAsync(k, bigValue, k));
        await Refused("8193", () => client.GetTtlAsync(longKey));
        await Refused("start \"b\" is greater than end \"a\"", () => client.DeleteRangeAsync("b".B(), "a".B()));
        await Refused("start \"b\" is greater than end \"a\"", () => client.ChecksumAsync("b".B(), "a".B()));
        await Refused("start \"b\" is greater than end \"a\"", async () => await client.ScanAsync("b".B(), "a".B()).ToListAsync());
        await Refused("scan limit 0", async () => await client.ScanAsync(default, default, new RawScanOptions { Limit = 0 }).ToListAsync());
        await Refused("scan limit -1", () => client.BatchScanAsync([new(default, default)], -1));
        Assert.Empty(cluster.KvRequests);

        async Task Refused(string says, Func<Task> call) =>
            Assert.Contains(says, (await Assert.ThrowsAsync<InvalidRequestException>(call)).Message);
    }

    [Fact]
    public async Task The_longest_key_and_the_largest_entry_pass()
    {
        await using var client = await new FakeCluster().ConnectAsync();
        var key = new byte[8192];
        await client.PutAsync(key, new byte[8 * 1024 * 1024 - 8192]);
        Assert.Equal(8 * 1024 * 1024 - 8192, (await client.GetAsync(key))!.Length);
    }

    [Fact]
    public async Task Closing_closes_the_transport()
    {
        var cluster = new FakeCluster();
        await (await cluster.ConnectAsync()).DisposeAsync();
        Assert.True(cluster.IsDisposed);
    }
}
