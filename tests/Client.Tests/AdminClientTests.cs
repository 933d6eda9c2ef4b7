using TiKvActors.Client.Cluster;

namespace TiKvActors.Client.Tests;

public class AdminClientTests
{
    private readonly FakeCluster _cluster = new();

    [Fact]
    public async Task Lists_regions_with_user_keys_and_leaders()
    {
        _cluster.Split("m");
        _cluster.Lead(1, 2);
        await using var admin = await ConnectAsync();
        var regions = await admin.ListRegionsAsync();
        Assert.Equal([("", "m", 1ul), ("m", "", 2ul)], regions.Select(r => (r.StartKey.S()!, r.EndKey.S()!, r.Leader!.StoreId)));
        Assert.Equal(3, (await admin.ListStoresAsync()).Count);
    }

    [Fact]
    public async Task Finds_a_region_by_id_and_by_key()
    {
        _cluster.Split("m");
        await using var admin = await ConnectAsync();
        Assert.Equal(1ul, (await admin.GetRegionAsync(1))!.Region.Id);
        Assert.Equal("m", (await admin.GetRegionOfKeyAsync("x".B()))!.StartKey.S());
        Assert.Null(await admin.GetRegionAsync(999));
    }

    [Fact]
    public async Task Splits_at_a_user_key()
    {
        await using var admin = await ConnectAsync();
        await admin.SplitRegionAsync("m".B());
        var split = Assert.IsType<Protocol.Kvrpcpb.SplitRegionRequest>(Assert.Single(_cluster.KvRequests).Request);
        Assert.Equal("720000006D", Convert.ToHexString(Assert.Single(split.SplitKeys).Span));
        await Assert.ThrowsAsync<InvalidRequestException>(() => admin.SplitRegionAsync(default));
    }

    private async Task<AdminClient> ConnectAsync() =>
        new(await ClusterConnection.OpenAsync(Endpoint.ParseList("n1:1"), _ => _cluster, new RawClientOptions(), default));
}
