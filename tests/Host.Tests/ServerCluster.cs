using System.CommandLine;
using System.Text.Json;
using TiKvActors.Host.Commands;
using TiKvActors.Host.Tests.Networks;
using Xunit.Abstractions;

namespace TiKvActors.Host.Tests;

/// <summary>Nodes of one cluster, each a <c>tkv server</c> in a process of its own.</summary>
internal sealed class ServerCluster : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly int _portOffset = PlaygroundProcess.FreePortOffset();
    private readonly TkvProcess?[] _nodes;

    private readonly TapNetwork? _network;
    private readonly ITestOutputHelper? _print;

    /// <param name="network">Node n is on its host n + 1. Null: all are on this machine.</param>
    public ServerCluster(int nodes, ITestOutputHelper? print = null, TapNetwork? network = null) =>
        (_nodes, _print, _network) = (new TkvProcess?[nodes], print, network);

    /// <summary>So many nodes, the first ones, are the members of the meta group.</summary>
    public int Members { get; init; } = 3;

    /// <summary>More arguments for every node.</summary>
    public string Settings { get; init; } = "";

    /// <summary>More environment of a node.</summary>
    public Func<int, IReadOnlyDictionary<string, string>?> Environment { get; init; } = _ => null;

    /// <summary>Below which the nodes keep their data. Null: in a directory that goes with the cluster.</summary>
    public string? Root { get; init; }

    public string Endpoints => string.Join(',', Enumerable.Range(0, _nodes.Length).Select(AddressOf));

    private string Seeds => string.Join(',', Enumerable.Range(0, Members).Select(AddressOf));

    public TkvProcess this[int node] => _nodes[node] ?? throw new InvalidOperationException($"node {node} does not run");

    public string AddressOf(int node) =>
        _network is null ? $"127.0.0.1:{2551 + _portOffset + node}" : $"{_network.AddressOf(node + 1)}:2551";

    public int NodeAt(string address) => Enumerable.Range(0, _nodes.Length).Single(n => AddressOf(n) == address);

    public TkvProcess Launch(int node, string arguments = "")
    {
        var place = _network is null ? $"--port-offset {_portOffset + node}" : $"--host {_network.AddressOf(node + 1)}";
        return _nodes[node] = new TkvProcess(
            $"server {place} --data \"{Path.Combine(Root ?? _directory.Path, $"node-{node}")}\" --seed {Seeds} {Settings} {arguments} "
                // Its port is not among those that are known to be free.
                + "--set tikv.management.enabled=off",
            Environment(node), _network?.On(node + 1));
    }

    /// <returns>When they are ready.</returns>
    public Task StartAsync(params int[] nodes) => Task.WhenAll(nodes.Select(n => Launch(n).ReadyAsync()));

    /// <summary>A command, which succeeds.</summary>
    public async Task<string> RunAsync(params string[] arguments)
    {
        var (exitCode, output, error) = await TryAsync(arguments);
        Assert.True(exitCode == 0, $"{string.Join(' ', arguments)}: exit status {exitCode}: {error}");
        return output;
    }

    public async Task<(int ExitCode, string Output, string Error)> TryAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await Tkv.RunAsync(
            [.. arguments, "--endpoint", Endpoints], new InvocationConfiguration { Output = output, Error = error });
        return (exitCode, output.ToString().TrimEnd(), error.ToString());
    }

    /// <summary>As <c>ctl cluster show</c> has it, from one node: members that are Up and reachable, the number of all, and PD's node.</summary>
    public async Task<(IReadOnlyList<string> Up, int All, string Pd)> ShowAsync(int from)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        await Tkv.RunAsync(
            ["ctl", "cluster", "show", "--json", "--timeout", "5", "--endpoint", AddressOf(from)],
            new InvocationConfiguration { Output = output, Error = error });
        if (output.ToString().Length == 0) return ([], 0, "");
        using var json = JsonDocument.Parse(output.ToString());
        var members = json.RootElement.GetProperty("members");
        var up = members.EnumerateArray()
            .Where(m => m.GetProperty("status").GetString() == "Up" && !m.GetProperty("unreachable").GetBoolean())
            .Select(m => m.GetProperty("address").GetString()!).ToList();
        return (up, members.GetArrayLength(), json.RootElement.GetProperty("pd").GetString()!);
    }

    /// <summary>The nodes see each other Up, and nobody else.</summary>
    public Task AreMembersAsync(params int[] nodes) => Eventually.TrueAsync(
        async () =>
        {
            var views = await Task.WhenAll(nodes.Select(ShowAsync));
            return views.All(v => v.All == nodes.Length && nodes.All(n => v.Up.Contains(AddressOf(n))));
        },
        () => $"nodes {string.Join(", ", nodes)} are the cluster:\n{string.Join('\n', nodes.Select(n => this[n].Output))}");

    /// <summary>What the nodes have said since they last started is printed: it is shown if the test fails.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.OfType<TkvProcess>().Select(n => n.DisposeAsync().AsTask()));
        for (var node = 0; node < _nodes.Length; node++)
            _print?.WriteLine($"---- {AddressOf(node)}\n{string.Join('\n', (_nodes[node]?.Output ?? "").Split('\n').TakeLast(60))}");
        _directory.Dispose();
    }
}
