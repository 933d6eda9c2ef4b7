using Akka.Actor;
using TiKvActors.Actors.Tests.Cluster;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>The only member of a meta group, on a directory that outlives it, for all tests of a plugin.</summary>
public sealed class GroupPlugins : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("group-plugins-").FullName;

    public GroupPlugins()
    {
        var port = TestCluster.FreePorts(1)[0];
        // Three events fill an answer to a recovery, and what is written at once.
        Node = new TestNode(1, port, port, Path.Combine(_directory, "node-1"), $"""
            tikv.meta.members = ["1@127.0.0.1:{port}"]
            tikv.store.tick-interval = 20ms
            tikv.meta.retry-backoff = 10ms
            akka.persistence.journal.replicated.chunk-size = 60
            """) { RunsPd = false };
    }

    internal TestNode Node { get; }

    public ActorSystem System => Node.System;

    public Task InitializeAsync()
    {
        Node.Start();
        return Task.CompletedTask;
    }

    public async Task ReopenAsync()
    {
        await Node.StopAsync();
        Node.Start();
    }

    public async Task DisposeAsync()
    {
        await Node.StopAsync();
        Directory.Delete(_directory, true);
    }
}
