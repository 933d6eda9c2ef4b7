using System.Collections;
using TiKvActors.Actors.Tests.Cluster;

namespace TiKvActors.Actors.Tests.Journal;

/// <summary>
/// Nodes with real remoting and directories that outlive them: three (or as many as a test says), the members of a meta group from 1 on, and
/// those that are added. None runs PD.
/// </summary>
internal sealed class MetaNodes : IReadOnlyList<TestNode>, IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("meta-nodes-").FullName;
    private readonly List<TestNode> _nodes;
    private readonly IReadOnlyList<string> _members;
    private readonly string _config;

    /// <param name="config">Of each of them, beside the members.</param>
    /// <param name="members">Of the first configuration.</param>
    public MetaNodes(string config = "", int members = 3)
    {
        var ports = TestCluster.FreePorts(members);
        _config = config;
        _members = [.. ports.Select((port, i) => $"{i + 1}@127.0.0.1:{port}")];
        Config = $"{List(_members)}\n{config}";
        _nodes =
        [
            .. ports.Select((port, i) =>
                new TestNode(i + 1, port, ports[0], Path.Combine(_directory, $"node-{i + 1}"), Config) { RunsPd = false }),
        ];
    }

    /// <summary>Of a node that knows the first configuration.</summary>
    public string Config { get; }

    /// <summary>Another node, which is not started.</summary>
    /// <param name="isMember">Its list names it under its number.</param>
    /// <param name="port">That of a node which will not start any more; null: a new one.</param>
    public TestNode Add(int number, bool isMember = true, int? port = null)
    {
        var at = port ?? TestCluster.FreePorts(1)[0];
        var config = isMember ? $"{List(_members.Where(m => !IsAt(m, at)).Append($"{number}@127.0.0.1:{at}"))}\n{_config}" : Config;
        var node = new TestNode(number, at, _nodes[0].Port, Path.Combine(_directory, $"node-{number}"), config) { RunsPd = false };
        _nodes.Add(node);
        return node;
    }

    private static bool IsAt(string member, int port) => member.EndsWith($":{port}", StringComparison.Ordinal);

    private static string List(IEnumerable<string> members) =>
        $"tikv.meta.members = [{string.Join(", ", members.Select(m => $"\"{m}\""))}]";

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
