using System.Text;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Actors.Tests.Journal;
using TiKvActors.Client;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>A cluster whose PD persisted in one node's own journal gets a meta group, of which that node is member 2.</summary>
public sealed class TakeOverTests : IAsyncLifetime
{
    private const string Fast = "tikv.pd.initial-stores = 1\ntikv.pd.restart-backoff = 50ms";

    private readonly MetaNodes _nodes = new(Fast);
    private ulong _cluster;
    private ulong _lastId;

    private TestNode Old => _nodes[1];

    public async Task InitializeAsync()
    {
        (Old.Config, Old.RunsPd, Old.PdPort) = (Fast, true, Old.Port);
        Old.Start();
        await PutAsync(Old, "key", "old");
        var pd = Old.System.ActorSelection("/user/tikv/pd");
        _cluster = await pd.ClusterIdAsync();
        _lastId = await pd.AllocateIdAsync(_cluster);
        await Old.StopAsync();
        (Old.Config, Old.RunsPd) = (_nodes.Config, false);
    }

    [Fact]
    public async Task PdGoesOnInTheGroupAtWhicheverNode()
    {
        _nodes[0].RunsPd = true;
        foreach (var node in _nodes)
            node.PdPort = _nodes[0].Port;
        _nodes.Start();
        var pd = _nodes[0].System.ActorSelection("/user/tikv/pd");
        Assert.Equal(_cluster, await pd.ClusterIdAsync());
        Assert.True(await pd.AllocateIdAsync(_cluster) > _lastId);
        await using (var client = await RawClient.ConnectAsync($"127.0.0.1:{_nodes[0].Port}"))
        {
            Assert.Equal("old", Encoding.UTF8.GetString((await client.GetAsync("key"u8.ToArray()))!));
            await client.PutAsync("key"u8.ToArray(), "new"u8.ToArray());
        }

        Assert.Single((await _nodes[0].PdEventsAsync()).OfType<PlacementTakenOver>());
        await Eventually.TrueAsync(async () => (await pd.StoresAsync(_cluster)).Count == 3, "the other nodes' stores have joined");
    }

    /// <summary>Between any two of its steps everybody stops, and any number of PDs begins.</summary>
    [Fact]
    public async Task ItHappensOnceWhoeverRacesAndWheneverTheyStop()
    {
        _nodes.Start();
        await OriginsAsync();
        await _nodes.StopAsync();

        // The first step is done. Three take the second one, and go on overtaking each other.
        _nodes.Start();
        var pds = _nodes.Select(n => n.StartPd()).ToList();
        foreach (var pd in pds)
            Assert.Equal(_cluster, await pd.ClusterIdAsync());
        await _nodes.StopAsync();

        _nodes.Start();
        var last = _nodes[2].StartPd();
        Assert.Equal(_cluster, await last.ClusterIdAsync());
        Assert.True(await last.AllocateIdAsync(_cluster) > _lastId);
        var events = await _nodes[2].PdEventsAsync();
        Assert.Equal(2ul, Assert.IsType<PlacementTakenOver>(events[0]).MemberId);
        Assert.Single(events.OfType<PlacementTakenOver>());
        Assert.Empty(events.OfType<ClusterIdentityDecided>());
    }

    /// <summary>It would hand out ids that the group's PD has handed out too.</summary>
    [Fact]
    public async Task APdWithoutTheGroupIsRefusedAfterwards()
    {
        _nodes.Start();
        await OriginsAsync();
        await Old.StopAsync();
        (Old.Config, Old.RunsPd) = (Fast, true);
        Old.Start();
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => Old.Tikv.Started);
        Assert.Contains("tikv.meta.members is empty", refused.Message);
        await Old.StopAsync();
    }

    public Task DisposeAsync() => _nodes.DisposeAsync().AsTask();

    private Task OriginsAsync() => Eventually.TrueAsync(
        async () =>
        {
            var node = _nodes[0];
            return (await PlacementOrigins.ReadAsync(MetaClient.Get(node.System), node.Tikv.Settings.Meta.Members)).Origins.Count == 3;
        },
        "all members have recorded what they held");

    private static async Task PutAsync(TestNode node, string key, string value)
    {
        await using var client = await RawClient.ConnectAsync($"127.0.0.1:{node.Port}");
        await client.PutAsync(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value));
    }
}
