using System.CommandLine;
using System.Text.Json;
using TiKvActors.Host.Commands;

namespace TiKvActors.Host.Tests;

/// <summary>Nodes of one cluster, each a <c>tkv server</c> in a process of its own.</summary>
internal sealed class ServerCluster : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly int _portOffset = PlaygroundProcess.FreePortOffset();
    private readonly TkvProcess?[] _nodes;

    public ServerCluster(int nodes) => _nodes = new TkvProcess?[nodes];

    public string Endpoints => string.Join(',', Enumerable.Range(0, _nodes.Length).Select(AddressOf));

    public TkvProcess this[int node] => _nodes[node] ?? throw new InvalidOperationException($"node {node} does not run");

    public string AddressOf(int node) => $"127.0.0.1:{2551 + _portOffset + node}";

    public int NodeAt(string address) => Enumerable.Range(0, _nodes.Length).Single(n => AddressOf(n) == address);

    public TkvProcess Launch(int node) => _nodes[node] = new TkvProcess(
        $"server --port-offset {_portOffset + node} --data \"{_directory.File($"node-{node}")}\" --seed {Endpoints} "
            // Its port is not among those that are known to be free.
            + "--set tikv.management.enabled=off");

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

    /// <summary>As <c>ctl cluster show</c> has it, from one node.</summary>
    public async Task<(IReadOnlyList<string> Up, string Pd)> ShowAsync(int from)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        await Tkv.RunAsync(
            ["ctl", "cluster", "show", "--json", "--timeout", "5", "--endpoint", AddressOf(from)],
            new InvocationConfiguration { Output = output, Error = error });
        if (output.ToString().Length == 0) return ([], "");
        using var json = JsonDocument.Parse(output.ToString());
        var up = json.RootElement.GetProperty("members").EnumerateArray()
            .Where(m => m.GetProperty("status").GetString() == "Up" && !m.GetProperty("unreachable").GetBoolean())
            .Select(m => m.GetProperty("address").GetString()!).ToList();
        return (up, json.RootElement.GetProperty("pd").GetString()!);
    }

    /// <summary>The nodes see each other Up, and nobody else.</summary>
    public Task AreMembersAsync(params int[] nodes) => Eventually.TrueAsync(
        async () =>
        {
            var views = await Task.WhenAll(nodes.Select(ShowAsync));
            return views.All(v => v.Up.Count == nodes.Length && nodes.All(n => v.Up.Contains(AddressOf(n))));
        },
        () => $"nodes {string.Join(", ", nodes)} are the cluster:\n{string.Join('\n', nodes.Select(n => this[n].Output))}");

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.OfType<TkvProcess>().Select(n => n.DisposeAsync().AsTask()));
        _directory.Dispose();
    }
}
