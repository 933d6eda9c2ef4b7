using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>A cluster in one process: node 1 runs PD. Nodes are numbered from 1.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private static int _lastPort = Random.Shared.Next(4_000);

    private readonly string _directory;
    private readonly ActorSystem _clientSystem;

    private TestCluster(string directory, IReadOnlyList<TestNode> nodes)
    {
        _directory = directory;
        Nodes = nodes;
        _clientSystem = ActorSystem.Create("client", ConfigurationFactory.ParseString("""
            akka {
              loglevel = ERROR
              actor.provider = remote
              remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
            }
            """).WithFallback(ConfigurationFactory.ParseString(ProtocolHocon.Reference)));
        Client = new TestClient(_clientSystem, this);
    }

    public IReadOnlyList<TestNode> Nodes { get; }

    public TestClient Client { get; }

    public TestNode Node(int number) => Nodes[number - 1];

    public IEnumerable<TestNode> Running => Nodes.Where(n => n.IsRunning);

    /// <param name="prepare">Called before any node starts.</param>
    /// <param name="hasMetaGroup">PD persists in a group of all nodes.</param>
    /// <param name="later">So many of the last nodes are left to the test to start.</param>
    /// <returns>Once the first region serves.</returns>
    public static async Task<TestCluster> StartAsync(
        int nodes = 3, string config = "", Action<TestCluster>? prepare = null, bool hasMetaGroup = false, int later = 0)
    {
        var directory = Directory.CreateTempSubdirectory("tikv-cluster-").FullName;
        var ports = FreePorts(nodes);
        config = $"tikv.pd.initial-stores = {nodes - later}\n{(hasMetaGroup ? MembersAt(ports) : "")}\n{config}";
        var cluster = new TestCluster(
            directory,
            [.. Enumerable.Range(1, nodes)
                .Select(n => new TestNode(n, ports[n - 1], ports[0], Path.Combine(directory, $"node-{n}"), config))]);
        prepare?.Invoke(cluster);
        foreach (var node in cluster.Nodes.SkipLast(later))
            node.Start();
        await cluster.LeaderOfAsync("a");
        return cluster;
    }

    /// <summary>The peer that leads the region of a key, and its node.</summary>
    public Task<Leadership> LeaderOfAsync(string key) => Eventually.NotNullAsync(async () =>
    {
        var regionKey = TestClient.RegionKey(key);
        Leadership? leader = null;
        foreach (var node in Running)
        {
            foreach (var peer in await node.PeersAsync())
            {
                if (peer.Region.Peers.Count > 0 && peer.Leader?.Id == peer.Self.Id && KeyRange.Contains(peer.Region, regionKey)
                    && (leader is null || leader.Status.Term < peer.Term))
                    leader = new Leadership(node, peer);
            }
        }

        return leader;
    }, $"a peer leads the region of \"{key}\"");

    /// <summary>Waits until all running nodes have the same regions, at the same applied index, with the same bytes.</summary>
    public async Task AllReplicasAreEqualAsync()
    {
        var last = "";
        try
        {
            await Eventually.TrueAsync(
                () =>
                {
                    var sums = Running.Select(n => n.Checksums()).ToList();
                    last = string.Join("; ", sums.Select(s => string.Join(
                        ", ", s.Select(r => $"{r.Key}@{r.Value.Applied}: {r.Value.Sum.TotalKvs} keys {r.Value.Sum.Crc64Xor:x}"))));
                    return sums[0].Count > 0 && sums.All(
                        s => s.Count == sums[0].Count && s.All(r => sums[0].TryGetValue(r.Key, out var same) && same == r.Value));
                },
                "all replicas are equal");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}: {last}");
        }
    }

    /// <summary>
    /// A follower of the first region, not on PD's node, stops. Completes when the load has gone on for so long that nobody's log has what
    /// the stopped one lacks: only a snapshot brings it back.
    /// </summary>
    public async Task<TestNode> LoseFollowerAsync(WriteLoad load)
    {
        var leader = await LeaderOfAsync("a");
        var away = Nodes.First(n => n != leader.Node && n.Number != 1);
        await away.StopAsync();
        var last = (await LeaderOfAsync("a")).Status.LastIndex;
        // The leader truncates when it ticks, the others when they hear of it.
        await Eventually.TrueAsync(
            async () =>
            {
                await load.ProgressAsync(1);
                foreach (var node in Running)
                {
                    foreach (var peer in await node.PeersAsync())
                    {
                        if (KeyRange.Contains(peer.Region, TestClient.RegionKey("a")) && peer.TruncatedIndex < last)
                            return false;
                    }
                }

                return true;
            },
            $"the logs begin after entry {last}");
        return away;
    }

    public async ValueTask DisposeAsync()
    {
        await _clientSystem.Terminate();
        await Task.WhenAll(Nodes.Select(n => n.StopAsync()));
        Directory.Delete(_directory, true);
    }

    /// <summary>The setting that makes a meta group of nodes, numbered from 1.</summary>
    public static string MembersAt(IEnumerable<int> ports) =>
        $"tikv.meta.members = [{string.Join(", ", ports.Select((port, i) => $"\"{i + 1}@127.0.0.1:{port}\""))}]";

    /// <summary>
    /// No two calls get the same one, and none is among those from which the system takes any for a connection: a port must still be free when
    /// a node that was stopped returns to it.
    /// </summary>
    public static List<int> FreePorts(int count)
    {
        const int first = 28_500, ports = 4_000;
        var free = new List<int>();
        while (free.Count < count)
        {
            var port = first + (int)((uint)Interlocked.Increment(ref _lastPort) % ports);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                free.Add(port);
            }
            catch (SocketException)
            {
                // Taken.
            }
        }

        return free;
    }

    internal sealed record Leadership(TestNode Node, RegionPeer.Status Status);
}
