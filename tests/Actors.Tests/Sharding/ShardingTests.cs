using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Membership;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Sharding;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Protocol;
using AkkaCluster = Akka.Cluster.Cluster;

namespace TiKvActors.Actors.Tests.Sharding;

/// <summary>Carts on three nodes with a region each, and a client that only uses them.</summary>
public sealed partial class ShardingTests : IAsyncLifetime
{
    private const string CoordinatorId = "/system/sharding/cartCoordinator/singleton/coordinator";

    private static readonly string _config = $$"""
        akka {
          actor.provider = cluster
          extensions = ["{{typeof(Carts).FullName}}, {{typeof(Carts).Assembly.GetName().Name}}"]
          # A node that is stopped here is gone, as after a kill.
          coordinated-shutdown.run-by-actor-system-terminate = off
          cluster {
            roles = [pd, store]
            gossip-interval = 200ms
            leader-actions-interval = 200ms
            failure-detector { heartbeat-interval = 200ms, acceptable-heartbeat-pause = 3s }
            downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
            split-brain-resolver { active-strategy = keep-majority, stable-after = 1s, down-all-when-unstable = off }
            sharding { rebalance-interval = 200ms, retry-interval = 200ms, coordinator-failure-backoff = 200ms }
          }
        }
        tikv {
          cluster.retry-interval = 100ms
          pd.restart-backoff = 50ms
          store.hand-over-timeout = 0s
        }
        """;

    private static readonly TimeSpan _attempt = TimeSpan.FromSeconds(5);

    /// <summary>What is in the carts, by customer: an entity that began anew has fewer.</summary>
    private readonly Dictionary<string, (string Node, int Items)> _last = [];

    private int _items;
    private TestCluster _cluster = null!;
    private ActorSystem _client = null!;

    public async Task InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync(config: _config, hasMetaGroup: true, prepare: cluster =>
        {
            foreach (var node in cluster.Nodes)
                node.PdPort = node.Port;
        });
        _client = ActorSystem.Create("tikv", ConfigurationFactory.ParseString("""
            akka.loglevel = WARNING
            akka.cluster.roles = [client]
            akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
            """).WithFallback(ConfigurationFactory.ParseString(_cluster.Node(1).Config)).WithFallback(TikvSettings.Reference()));
        _ = TikvMembership.Get(_client);
        await AreMembersAsync(4);
    }

    public async Task DisposeAsync()
    {
        await _client.Terminate();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task EntitiesLiveWithTheLeadersOfTheirKeys()
    {
        var oldest = AkkaCluster.Get(_client).State.Members.Where(m => m.HasRole(TikvSharding.Role)).Order(Member.AgeOrdering).First();
        var first = _cluster.Nodes.Single(n => n.Port == oldest.Address.Port);
        var (second, third) = _cluster.Nodes.Where(n => n != first).ToList() is [var one, var other]
            ? (one, other) : throw new InvalidOperationException("three nodes");
        await _cluster.Client.SplitAsync("h");
        await _cluster.Client.SplitAsync("p");
        await LeadsAsync("ann", first);
        await LeadsAsync("hal", second);
        await LeadsAsync("pat", third);

        // Wherever they are asked from.
        foreach (var (customer, node) in new[] { ("ann", first), ("hal", second), ("hen", second), ("pat", third) })
        {
            await BeginsAsync(customer, _client, node);
            foreach (var from in _cluster.Nodes)
                await StaysAsync(customer, from.System);
        }

        // Another leads: that is where new entities live, and those that were there stay until somebody asks.
        await LeadsAsync("hal", third);
        await BeginsAsync("hub", _client, third);
        await StaysAsync("hal");
        Assert.Null(await TikvSharding.Get(_client).MoveToLeadersAsync("cart", [ShardOf("hal")], _attempt));
        await MovesAsync("hal", third);
        await StaysAsync("hen");
        await StaysAsync("pat");

        // The node of the coordinator, of PD and of ann's cart is gone: hers begins anew elsewhere, nobody else's does.
        var recorded = await HighestEventAsync(second);
        Assert.True(recorded > 0);
        await first.StopAsync();
        Assert.Contains(await BeginsAsync("ann", _client), new[] { second.Tikv.Address, third.Tikv.Address });
        foreach (var customer in new[] { "hal", "hen", "hub", "pat" })
            await StaysAsync(customer);
        // The new coordinator has gone on where the old one's journal ended.
        Assert.True(await HighestEventAsync(second) > recorded);

        // When it comes back, it may lead and host, but nothing that lives moves to it: what moves was asked for.
        first.Start();
        await AreMembersAsync(4);
        await LeadsAsync("ann", first);
        await LeadsAsync("hen", second);
        await Eventually.TrueAsync(
            async () => await TikvSharding.Get(_client).MoveToLeadersAsync("cart", [ShardOf("hal")], _attempt) is null,
            "the coordinator takes a request");
        await MovesAsync("hal", second);
        foreach (var customer in new[] { "ann", "hen", "hub", "pat" })
            await StaysAsync(customer);
        await BeginsAsync("ava", _client, first);
    }

    [Fact]
    public void TheExampleOfTheDocumentsIsTheOneThatRuns()
    {
        var source = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "Carts.cs"));
        var docs = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/operations.md"));
        var example = source.Split("// begin\n")[1].Split("// end")[0];
        Assert.Contains($"```csharp\n{example}```", docs, StringComparison.Ordinal);
    }

    private Task AreMembersAsync(int count) => Eventually.TrueAsync(
        () => _cluster.Nodes.Select(n => n.System).Append(_client).All(
            s => AkkaCluster.Get(s).State is var state && state.Unreachable.IsEmpty && state.Members.Count == count
                && state.Members.All(m => m.Status == MemberStatus.Up)),
        "all are members of one cluster");

    /// <summary>Returns when PD knows.</summary>
    private async Task LeadsAsync(string customer, TestNode node)
    {
        await _cluster.MoveLeadershipAsync(customer, node);
        var clock = new MonotonicClock(TimeProvider.System);
        var leaders = new RegionLeaders(node.System.ActorSelection("/user/tikv/pd"), clock, TimeSpan.FromMilliseconds(10));
        await Eventually.TrueAsync(
            async () => await leaders.TryFindAsync(ShardOf(customer), clock.Now + _attempt) == node.Tikv.Address,
            $"PD knows that node {node.Number} leads the region of \"{customer}\"");
    }

    private static string ShardOf(string customer) => Carts.Of(customer)[..^(customer.Length + 1)];

    private async Task<string> BeginsAsync(string customer, ActorSystem from, TestNode? on = null)
    {
        var now = await AddAsync(customer, from);
        Assert.Equal(1, now.Items);
        if (on is not null)
            Assert.Equal(on.Tikv.Address, now.Node);
        return now.Node;
    }

    /// <summary>The same entity as before.</summary>
    private async Task StaysAsync(string customer, ActorSystem? from = null)
    {
        var before = _last[customer];
        Assert.Equal(before with { Items = before.Items + 1 }, await AddAsync(customer, from ?? _client));
    }

    private async Task MovesAsync(string customer, TestNode to)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                var before = _last[customer];
                var now = await AddAsync(customer, _client);
                Assert.Equal(now.Node == before.Node ? before.Items + 1 : 1, now.Items);
                return now.Node == to.Tikv.Address;
            },
            () => $"the cart of {customer} moves to {to.Tikv.Address}, it is at {_last[customer].Node}");
    }

    /// <summary>Asks again where a message may be lost, to a node that is gone: the same item twice counts once.</summary>
    private async Task<(string Node, int Items)> AddAsync(string customer, ActorSystem from)
    {
        var region = await Carts.Get(from).Region;
        var item = $"item {++_items}";
        var answer = await Eventually.NotNullAsync(
            async () =>
            {
                try
                {
                    return await region.Ask<string>(new ShardingEnvelope(Carts.Of(customer), item), _attempt);
                }
                catch (AskTimeoutException)
                {
                    return null;
                }
            },
            $"the cart of {customer} answers");
        var parts = Answer().Match(answer);
        Assert.Equal(Carts.Of(customer), parts.Groups["id"].Value);
        return _last[customer] = (parts.Groups["node"].Value, int.Parse(parts.Groups["items"].Value, CultureInfo.InvariantCulture));
    }

    private static async Task<long> HighestEventAsync(TestNode node)
    {
        var read = new MetaQuery.Types.ReadHighestSequenceNr { PersistenceId = CoordinatorId };
        return (await MetaClient.Get(node.System).QueryAsync(CoordinatorId, new MetaQuery { ReadHighestSequenceNr = read }))
            .HighestSequenceNr;
    }

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^(?<id>\S+) on akka\.tcp://tikv@(?<node>\S+) has (?<items>\d+)$")]
    private static partial Regex Answer();
}
