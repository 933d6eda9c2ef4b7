using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Tests;

/// <summary>A store in a process of its own, and the lines that it obeys.</summary>
public class NodeProcessTests
{
    [Fact]
    public async Task A_refusal_is_the_answer_to_one_line_only()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await ProcessCluster.StartAsync(ProcessCluster.Options(directory.Path, 1), _ => { }, CancellationToken.None);
        var node = cluster.Nodes[0];
        for (var i = 0; i < 2; i++)
        {
            var refusal = await Assert.ThrowsAsync<CommandException>(() => node.AskAsync("transfer 4711 1"));
            Assert.Contains("4711", refusal.Message);
            Assert.Contains("@", await node.AskAsync("checksums"));
        }

        Assert.Contains("no such command", (await Assert.ThrowsAsync<CommandException>(() => node.AskAsync("dance"))).Message);
        await node.KillAsync();
        Assert.Contains("is not running", (await Assert.ThrowsAsync<CommandException>(() => node.AskAsync("checksums"))).Message);
        await node.StartAsync();
        Assert.Contains("@", await node.AskAsync("checksums"));
    }
}
