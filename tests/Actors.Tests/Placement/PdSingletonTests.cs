using System.Diagnostics;
using System.Text;
using Akka.Actor;
using Akka.Cluster;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Actors.Tests.Journal;
using TiKvActors.Client;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;
using Xunit.Abstractions;
using AkkaCluster = Akka.Cluster.Cluster;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>
/// Three members of an Akka cluster, each with a store, and PD as their singleton. What stops without leaving is as good as killed.
/// </summary>
public sealed class PdSingletonTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly MetaNodes _nodes = new("""
        tikv.pd.initial-stores = 3
        tikv.pd.restart-backoff = 50ms
        tikv.store.hand-over-timeout = 0s
        akka.actor.provider = cluster
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        akka.cluster {
          roles = [pd]
          gossip-interval = 100ms
          leader-actions-interval = 100ms
          failure-detector { heartbeat-interval = 200ms, acceptable-heartbeat-pause = 3s }
          downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
          split-brain-resolver { active-strategy = keep-majority, stable-after = 1s, down-all-when-unstable = off }
        }
        """);

    public async Task InitializeAsync()
    {
        foreach (var node in _nodes)
            node.PdPort = node.Port;
        _nodes.Start();
        await Eventually.TrueAsync(
            () => _nodes.All(n => AkkaCluster.Get(n.System).State.Members.Count(m => m.Status == MemberStatus.Up) == _nodes.Count),
            "all nodes are members of one cluster");
    }

    public Task DisposeAsync() => _nodes.DisposeAsync().AsTask();

    [Fact]
    public async Task PdIsHandedOverWhenItsNodeLeavesAndAnyNodeKnowsWhereItIs()
    {
        var (pdNode, others) = await PdNodeAsync();
        var cluster = await Door(others[0]).ClusterIdAsync();
        await using var client = await RawClient.ConnectAsync($"127.0.0.1:{others[1].Port}");
        await client.PutAsync("key"u8.ToArray(), "value"u8.ToArray());
        var stores = await Door(others[0]).StoresAsync(cluster);
        Assert.Equal(3, stores.Count);

        var watch = Stopwatch.StartNew();
        var left = pdNode.System.WhenTerminated;
        AkkaCluster.Get(pdNode.System).Leave(AkkaCluster.Get(pdNode.System).SelfAddress);
        var next = await NextPdAsync(pdNode, others[0]);
        output.WriteLine($"PD is back {watch.Elapsed.TotalMilliseconds:0} ms after its node was told to leave");
        Assert.Contains(others, n => n.Tikv.Address == next);
        await left;
        Assert.Equal(stores, await Door(others[1]).StoresAsync(cluster));
        var events = await others[1].PdEventsAsync();
        var second = events.FindIndex(e => e is IncarnationStarted started && started.Address == next);
        Assert.IsType<IncarnationReleased>(events[second - 1]);
        Assert.Equal("value", Encoding.UTF8.GetString((await client.GetAsync("key"u8.ToArray()))!));
    }

    [Fact]
    public async Task PdMovesWhenItsNodeIsKilled()
    {
        var (pdNode, others) = await PdNodeAsync();
        var cluster = await Door(others[0]).ClusterIdAsync();
        var id = await Door(others[1]).AllocateIdAsync(cluster);
        var watch = Stopwatch.StartNew();
        await pdNode.StopAsync();
        var next = await NextPdAsync(pdNode, others[0]);
        output.WriteLine($"PD is back {watch.Elapsed.TotalMilliseconds:0} ms after its node was killed");
        Assert.Contains(others, n => n.Tikv.Address == next);
        foreach (var node in others)
            Assert.True(await Door(node).AllocateIdAsync(cluster) > id);
        Assert.DoesNotContain(await others[0].PdEventsAsync(), e => e is IncarnationReleased);
    }

    private static ICanTell Door(TestNode node) => node.System.ActorSelection("/user/tikv/pd");

    private async Task<(TestNode Pd, TestNode[] Others)> PdNodeAsync()
    {
        var address = await AddressAsync(_nodes[0]);
        return (_nodes.Single(n => n.Tikv.Address == address), [.. _nodes.Where(n => n.Tikv.Address != address)]);
    }

    /// <summary>Where PD serves, on another node than before.</summary>
    private static async Task<string> NextPdAsync(TestNode before, TestNode asked)
    {
        var address = $"127.0.0.1:{before.Port}";
        return await Eventually.NotNullAsync(
            async () => await AddressAsync(asked) is var now && now != address ? now : null, $"PD moves from {address}");
    }

    private static async Task<string> AddressAsync(TestNode asked)
    {
        var members = await Door(asked).AskPdAsync<GetMembersResponse>(new GetMembersRequest { Header = new RequestHeader() });
        return members.Leader.ClientUrls[0]["http://".Length..];
    }
}
