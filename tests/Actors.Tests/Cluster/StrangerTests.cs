using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>Nodes that do not belong together say so, and name what each of them is.</summary>
public sealed class StrangerTests
{
    [Fact]
    public async Task AStoreOfAnotherClusterIsRefused()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        await using var other = await TestCluster.StartAsync(2);
        var (here, there) = (cluster.Node(1).Tikv.Node!.Services!.ClusterId, other.Node(1).Tikv.Node!.Services!.ClusterId);
        var stray = other.Node(2);
        await stray.StopAsync();
        stray.PdPort = cluster.Node(1).Port;
        stray.Start();
        await Eventually.TrueAsync(
            () => stray.Log.Of("TKA105").Any(line => line.Contains($"{here}", StringComparison.Ordinal)
                && line.Contains($"{there}", StringComparison.Ordinal) && line.Contains(stray.DataDirectory, StringComparison.Ordinal)),
            () => $"the store names clusters {here} and {there}: {string.Join('\n', stray.Log.Lines)}");
        // What it has it serves nevertheless, to its own cluster; here nobody has heard of it.
        Assert.Equal([cluster.Node(1).StoreId], (await cluster.Client.RegionsAsync()).SelectMany(r => r.Region_.Peers).Select(p => p.StoreId));
    }

    [Fact]
    public async Task MessagesOfAnotherVersionClusterOrSystemAreRefused()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        var node = cluster.Node(1);
        var services = node.Tikv.Node!.Services!;
        var door = cluster.Client.Selection(node, "store");
        door.Tell(new StoreRaftBatch
        {
            Header = new StoreHeader
            {
                ClusterId = services.ClusterId, FromStoreId = 77, ToStoreId = node.StoreId, ProtocolVersion = NodePaths.ProtocolVersion + 1,
            }
        });
        door.Tell(new StoreRaftBatch
        {
            Header = new StoreHeader
            {
                ClusterId = services.ClusterId + 1, FromStoreId = 78, ToStoreId = node.StoreId, ProtocolVersion = NodePaths.ProtocolVersion,
            }
        });
        await SaysAsync("store 77", $"protocol version {NodePaths.ProtocolVersion + 1}", $"this store speaks {NodePaths.ProtocolVersion}");
        await SaysAsync("store 78", $"cluster {services.ClusterId + 1}", $"this is cluster {services.ClusterId}");

        cluster.Client.System.ActorSelection($"akka.tcp://other@127.0.0.1:{node.Port}/user/tikv/kv").Tell("hello");
        await SaysAsync($"akka.tcp://other@127.0.0.1:{node.Port}", $"akka.tcp://tikv@127.0.0.1:{node.Port}");

        Task SaysAsync(params string[] words) => Eventually.TrueAsync(
            () => node.Log.Lines.Any(line => words.All(word => line.Contains(word, StringComparison.Ordinal))),
            () => $"the node says \"{string.Join("\", \"", words)}\": {string.Join('\n', node.Log.Lines)}");
    }
}
