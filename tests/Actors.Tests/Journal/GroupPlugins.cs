using Akka.Actor;
using TiKvActors.Actors.Tests.Cluster;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>The only member of a meta group, on a directory that outlives it, for tests of what the plugins do.</summary>
internal sealed class GroupPlugins(string config = "")
{
    private readonly string _directory = Directory.CreateTempSubdirectory("group-plugins-").FullName;
    private TestNode? _node;

    public TestNode Node => _node ?? throw new InvalidOperationException("the member has not been started");

    public ActorSystem System => Node.System;

    public Task StartAsync()
    {
        var port = TestCluster.FreePorts(1)[0];
        _node = new TestNode(1, port, port, Path.Combine(_directory, "node-1"), $"""
            tikv.meta.members = ["1@127.0.0.1:{port}"]
            tikv.store.tick-interval = 20ms
            tikv.meta.retry-backoff = 10ms
            {config}
            """);
        _node.Start();
        return Task.CompletedTask;
    }

    public async Task ReopenAsync()
    {
        await Node.StopAsync();
        Node.Start();
    }

    public async Task StopAsync()
    {
        await Node.StopAsync();
        Directory.Delete(_directory, true);
    }
}
