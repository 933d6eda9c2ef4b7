using System.Diagnostics;
using System.Globalization;
using Akka.Configuration;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Host.Playground;

/// <summary>
/// A cluster on this machine: a store is an actor system of its own with a data directory and a port of its own, in this process or in one
/// of its own, and stores talk through real remoting on loopback. Lines on standard input stop and start single stores.
/// </summary>
internal sealed class PlaygroundCluster : IAsyncDisposable
{
    private static readonly TimeSpan _startTimeout = TimeSpan.FromSeconds(60);

    private readonly PlaygroundOptions _options;
    private readonly Output _output;
    private readonly DirectoryInfo? _temporary;
    private readonly List<IPlaygroundNode> _nodes = [];

    public PlaygroundCluster(PlaygroundOptions options, Output output)
    {
        _options = options;
        _output = output;
        if (options.DataDirectory == null) _temporary = Directory.CreateTempSubdirectory("tkv-playground-");
        _nodes.AddRange(options.Processes ? NodesInProcesses() : NodesInThisProcess());
    }

    /// <summary>Serves until it is cancelled or told to stop.</summary>
    public async Task RunAsync(TextReader commands, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        await StartAsync();
        await ServingAsync(cancellation);
        var running = _nodes.Where(n => n.IsRunning).ToList();
        var management = string.Join(", ", running.Select(n => PlaygroundAddress.ManagementOf(n.Number, _options)).Where(m => m.Enabled)
            .Select(m => string.Create(CultureInfo.InvariantCulture, $"http://{m.Host}:{m.Port}")));
        _output.Line(
            string.Create(CultureInfo.InvariantCulture, $"ready in {watch.Elapsed.TotalSeconds:0.0} s: ")
            + $"actor protocol {string.Join(", ", running.Select(n => n.Endpoint))}"
            + (management.Length == 0 ? "" : $"; management {management}") + $"; data in {Root}{DescribeGrpc()}");
        if (_options.Processes) _output.Message("processes: " + string.Join(", ", _nodes.Where(n => n.IsRunning).Select(Describe)));
        _output.Message(
            "'stop N' and 'start N' stop and start store N, Ctrl-C ends the playground. In a second terminal: ./tkv raw put hello world");
        _output.Flush();
        await ObeyAsync(commands, cancellation);
        _output.Message("stopping");
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(n => n.StopAsync(handsOver: false)));
        foreach (var node in _nodes.OfType<IDisposable>()) node.Dispose();
        _temporary?.Delete(recursive: true);
    }

    private string DescribeGrpc()
    {
        var ports = _nodes.Select(n => PlaygroundAddress.GrpcOf(n.Number, _options)).Where(g => g.Enabled).ToList();
        return ports.Count == 0
            ? ""
            : $"; for TiKV's clients PD {string.Join(", ", ports.Take(_options.Pds).Select(p => p.PdAddress))}, "
                + $"stores {string.Join(", ", ports.Select(p => p.StoreAddress))}";
    }

    private string Root => _options.DataDirectory ?? _temporary!.FullName;

    private IEnumerable<IPlaygroundNode> NodesInThisProcess()
    {
        var blockCache = new SharedBlockCache(StorageSettings.Default.BlockCacheBytes);
        return Enumerable.Range(1, _options.Stores)
            .Select(n => new PlaygroundNode(n, Root, _options, blockCache, _output.Alert))
            .ToList();
    }

    private IEnumerable<IPlaygroundNode> NodesInProcesses()
    {
        void Message(string text)
        {
            _output.Message(text);
            _output.Flush();
        }

        return Enumerable.Range(1, _options.Stores).Select(number => new NodeProcess(number, Root, _options, Message)).ToList();
    }

    private static string Describe(IPlaygroundNode node) =>
        node.ProcessId is { } process
            ? string.Create(CultureInfo.InvariantCulture, $"store {node.Number} is process {process}")
            : $"store {node.Number} is in this process";

    /// <summary>Starts the stores that can be. Those that cannot are named, and the others serve without them.</summary>
    /// <exception cref="CommandException">Without them nobody can be served.</exception>
    private async Task StartAsync()
    {
        var starts = await Task.WhenAll(_nodes.Select(TryStartAsync));
        var down = _nodes.Zip(starts, (node, failure) => (node.Number, Failure: failure)).Where(s => s.Failure is not null).ToList();
        if (down.Count == 0) return;
        var isNew = down.Any(s => s.Failure is not CorruptionException && !StoreEngines.Exist(PlaygroundNode.DirectoryOf(Root, s.Number)));
        var obstacle = true switch
        {
            _ when down.Count * 2 >= _nodes.Count => $"{_nodes.Count - down.Count} of {_nodes.Count} stores are no majority",
            _ when 2 * down.Count(s => s.Number <= _options.Pds) >= _options.Pds =>
                "without a majority of the stores that may run PD nobody can connect",
            _ when isNew => "a new cluster needs all of its stores",
            _ => null,
        };
        var reasons = down.Select(s => (s.Number, Failures.Describe(s.Failure!).Message)).ToList();
        if (obstacle is not null)
        {
            var why = string.Join('\n', reasons.Select(r => $"store {r.Number} cannot start: {r.Message}"));
            throw new CommandException(Failures.Describe(down[0].Failure!).ExitCode, $"{why}\n{obstacle}");
        }

        foreach (var (number, reason) in reasons) _output.Alert($"store {number} is down: {reason}");
        _output.Message($"the other stores serve; {string.Join(", ", down.Select(s => $"'start {s.Number}'"))} tries again");
    }

    private static async Task<Exception?> TryStartAsync(IPlaygroundNode node)
    {
        try
        {
            await node.StartAsync();
            return null;
        }
        catch (Exception e)
        {
            // What it means depends on the others.
            return e;
        }
    }

    /// <summary>A linearizable read is answered: there is a leader, and a majority follows it.</summary>
    private async Task ServingAsync(CancellationToken cancellation)
    {
        // What the stores have to have in order to be reached, the client has to have as well, but for the port.
        var config = _options.ConfigFile is { } file
            ? ConfigurationFactory.ParseString("akka.remote.dot-netty.tcp.port = 0").WithFallback(HoconFile.Read(file))
            : null;
        var options = new RawClientOptions { ConnectTimeout = _startTimeout, CallTimeout = _startTimeout, Config = config };
        var endpoints = string.Join(',', _nodes.Where(n => n.IsRunning).Select(n => n.Endpoint));
        await using var client = await RawClient.ConnectAsync(endpoints, options, cancellation);
        await client.GetAsync("tkv"u8.ToArray(), cancellation);
    }

    /// <summary>Without a terminal standard input may be closed at once: that is no reason to stop.</summary>
    private async Task ObeyAsync(TextReader commands, CancellationToken cancellation)
    {
        try
        {
            // A read from standard input can't be cancelled: it is left behind on a thread of the pool.
            while (await Task.Run(commands.ReadLine, cancellation).WaitAsync(cancellation) is { } line)
                await ObeyAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C or SIGTERM: the normal end.
        }
    }

    private async Task ObeyAsync(string[] words)
    {
        if (words.Length == 0) return;
        var number = words is [_, var text] && int.TryParse(text, CultureInfo.InvariantCulture, out var given) ? given : 0;
        var node = number >= 1 && number <= _nodes.Count ? _nodes[number - 1] : null;
        if (words[0] is not ("stop" or "start") || node == null)
        {
            _output.Message($"tkv: write 'stop N' or 'start N' with a store from 1 to {_nodes.Count}, not '{string.Join(' ', words)}'");
            return;
        }

        try
        {
            if (words[0] == "stop") await node.StopAsync();
            else await node.StartAsync();
            var process = node is { IsRunning: true, ProcessId: { } id } ? $" (process {id})" : "";
            _output.Message($"store {node.Number} is {(node.IsRunning ? "running" : "stopped")}{process}");
        }
        catch (Exception e)
        {
            // The other stores go on.
            _output.Message($"tkv: {Failures.Describe(e).Message}");
        }
    }
}
