using System.Text;
using Akka.Actor;
using TiKvActors.Client;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>
/// A node starts on a directory as a released version left it after a crash; what is in it stands at <c>GoldenDirectory</c> in
/// tests/Storage.Tests, which also reads it record by record.
/// </summary>
public sealed class GoldenNodeTests
{
    [Theory]
    [InlineData("v1", "v1-api-v1", false)]
    [InlineData("v1ttl", "v1-api-v1ttl", false)]
    [InlineData("v1", "v1-api-v1", true)]
    public async Task ANodeGoesOnWithADirectoryOfFormat1(string mode, string name, bool hasMetaGroup)
    {
        await using var cluster = await TestCluster.StartAsync(
            1,
            $"tikv.pd.api-version = {mode}",
            c => Copy(Path.Combine(AppContext.BaseDirectory, "golden", name), c.Node(1).DataDirectory),
            hasMetaGroup);
        var node = cluster.Node(1);
        Assert.Equal(1ul, node.StoreId);
        await using (var client = await RawClient.ConnectAsync($"127.0.0.1:{node.Port}"))
        {
            Assert.Equal("first", await GetAsync(client, "a"));
            Assert.Equal(mode == "v1ttl" ? null : "second", await GetAsync(client, "b"));
            Assert.Equal("third", await GetAsync(client, "c"));
            Assert.Equal("", await GetAsync(client, "empty"));
            Assert.Equal("applied later", await GetAsync(client, "last"));
            Assert.Equal("staged", await GetAsync(client, "n"));
            Assert.Equal("staged too", await GetAsync(client, "o"));
            if (mode == "v1ttl")
                Assert.InRange((await client.GetTtlAsync(Bytes("c")))!.Value.Remaining!.Value, TimeSpan.FromDays(365), TimeSpan.MaxValue);
            await client.PutAsync(Bytes("d"), Bytes("new"));
            await client.PutAsync(Bytes("p"), Bytes("new too"));
        }

        await IsAsLeftAsync(node);
        await node.StopAsync();
        node.Start();
        await cluster.LeaderOfAsync("a");
        await using (var client = await RawClient.ConnectAsync($"127.0.0.1:{node.Port}"))
        {
            Assert.Equal("new", await GetAsync(client, "d"));
            Assert.Equal("new too", await GetAsync(client, "p"));
            Assert.Equal("staged", await GetAsync(client, "n"));
        }

        await IsAsLeftAsync(node);
        Assert.Empty(node.Log.Of("TKA203", "TKA205", "TKA208"));
    }

    /// <summary>The installation is finished, the destruction too, and PD knows what it knew.</summary>
    private static async Task IsAsLeftAsync(TestNode node)
    {
        var engines = node.Tikv.Engines!;
        await Eventually.TrueAsync(() => engines.Data.ReadApplyState(6) is null, "the destruction of region 6 is complete");
        Assert.Equal(
            [PeerState.Normal, PeerState.Normal, PeerState.Tombstone, PeerState.Tombstone],
            engines.Data.ReadRegionStates().Where(s => s.Region.Id != Storage.MetaRegion.Id).Select(s => s.State));
        Assert.Null(engines.Data.ReadApplyingSnapshot(4));
        using (var snapshot = engines.Data.NewSnapshot())
            Assert.Equal(0ul, Storage.Data.RangeChecksum.OfRegion(snapshot, Bytes("t"), []).TotalKvs);
        Assert.Empty(engines.Journal.ReadEvents("region/6/7", 0, long.MaxValue, long.MaxValue));

        var pd = node.System.ActorSelection("/user/tikv/pd");
        var header = new RequestHeader { ClusterId = 77 };
        var stores = await pd.Ask<GetAllStoresResponse>(new GetAllStoresRequest { Header = header }, TimeSpan.FromSeconds(20));
        Assert.Equal([1ul, 9ul], stores.Stores.Select(s => s.Id));
        var regions = await pd.Ask<ScanRegionsResponse>(new ScanRegionsRequest { Header = header }, TimeSpan.FromSeconds(20));
        Assert.Equal([2ul, 4ul, 6ul], regions.RegionMetas.Select(r => r.Id));
        var allocated = await pd.Ask<AllocIDResponse>(new AllocIDRequest { Header = header, Count = 1 }, TimeSpan.FromSeconds(20));
        Assert.InRange(allocated.Id, 2001ul, ulong.MaxValue);
    }

    private static async Task<string?> GetAsync(RawClient client, string key) =>
        await client.GetAsync(Bytes(key)) is { } value ? Encoding.UTF8.GetString(value) : null;

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
