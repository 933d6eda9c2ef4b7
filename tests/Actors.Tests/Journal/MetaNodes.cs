using System.Collections;
using TiKvActors.Actors.Tests.Cluster;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>Three nodes with real remoting and directories that outlive them, the members 1 to 3 of a meta group. None runs PD.</summary>
internal sealed class MetaNodes : IReadOnlyList<TestNode>, IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("meta-nodes-").FullName;
    private readonly IReadOnlyList<TestNode> _nodes;

    /// <param name="config">Of each of them, beside the members.</param>
    public MetaNodes(string config = "")
    {
        var ports = TestCluster.FreePorts(3);
        Config = $"{TestCluster.MembersAt(ports)}\n{config}";
        _nodes =
        [
            .. ports.Select((port, i) =>
                new TestNode(i + 1, port, ports[0], Path.Combine(_directory, $"node-{i + 1}"), Config) { RunsPd = false }),
        ];
    }

    public string Config { get; }

    public int Count => _nodes.Count;

    public TestNode this[int index] => _nodes[index];

    public IEnumerable<TestNode> Running => _nodes.Where(n => n.IsRunning);

    public void Start()
    {
        foreach (var node in _nodes.Where(n => !n.IsRunning))
            node.Start();
    }

    public Task StopAsync() => Task.WhenAll(_nodes.Select(n => n.StopAsync()));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, true);
    }

    public IEnumerator<TestNode> GetEnumerator() => _nodes.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
