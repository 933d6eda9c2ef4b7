using TiKvActors.Client.Cluster;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keyspacepb;
using TiKvActors.Protocol.Pdpb;

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

    [Fact]
    public async Task Keyspaces_come_by_the_page()
    {
        await using var admin = await ConnectAsync();
        var all = Enumerable.Range(0, 20_001).Select(i => new KeyspaceMeta { Id = (uint)i * 3, Name = $"k{i}" }).ToList();
        _cluster.OnPd = (_, request, _) => Task.FromResult<IPdResponse?>(request is not GetAllKeyspacesRequest r ? null
            : new GetAllKeyspacesResponse
            {
                Header = Header(),
                Keyspaces = { all.Where(k => k.Id >= r.StartId).Take((int)r.Limit) },
            });
        Assert.Equal(all, await admin.ListKeyspacesAsync());
        Assert.Equal([0u, 29_998, 59_998], Asked<GetAllKeyspacesRequest>().Select(r => r.StartId));
        Assert.Equal(21u, (await admin.GetKeyspaceAsync("k7"))!.Id);
        Assert.Null(await admin.GetKeyspaceAsync("absent"));
    }

    /// <summary>The first try may have made it.</summary>
    [Fact]
    public async Task What_exists_after_a_lost_answer_may_be_the_callers_own()
    {
        await using var admin = await ConnectAsync();
        Exists(after: () => throw new NodeUnreachableException("n1:1", "gone"));
        var unknown = await Assert.ThrowsAsync<UndeterminedException>(() => admin.CreateKeyspaceAsync("k"));
        Assert.Contains("k is there", unknown.Message, StringComparison.Ordinal);
        Assert.Equal(2, Asked<CreateKeyspaceRequest>().Count());
    }

    [Fact]
    public async Task What_exists_after_a_refusal_is_somebody_elses()
    {
        await using var admin = await ConnectAsync();
        Exists(after: () => new CreateKeyspaceResponse { Header = Header(ErrorType.NotBootstrapped, "wait") });
        await Assert.ThrowsAsync<ServerErrorException>(() => admin.CreateKeyspaceAsync("k"));
        Assert.Equal(2, Asked<CreateKeyspaceRequest>().Count());
    }

    private void Exists(Func<CreateKeyspaceResponse> after) => _cluster.OnPd = async (_, request, _) =>
    {
        await Task.Yield();
        if (request is not CreateKeyspaceRequest)
            return null;
        return Asked<CreateKeyspaceRequest>().Count() == 1
            ? after()
            : new CreateKeyspaceResponse { Header = Header(ErrorType.DuplicatedEntry, "k is there") };
    };

    private IEnumerable<T> Asked<T>() where T : IPdRequest => _cluster.PdRequests.Select(r => r.Request).OfType<T>();

    private static ResponseHeader Header(ErrorType type = ErrorType.Ok, string message = "") => new()
    {
        ClusterId = FakeCluster.Id,
        Error = type == ErrorType.Ok ? null : new Error { Type = type, Message = message },
    };

    private async Task<AdminClient> ConnectAsync() =>
        new(await ClusterConnection.OpenAsync(Endpoint.ParseList("n1:1"), _ => _cluster, new RawClientOptions(), default));
}
