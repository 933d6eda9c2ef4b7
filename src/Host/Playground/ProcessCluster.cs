using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TiKvActors.Client;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Playground;

/// <summary>
/// A cluster of processes that are to be maltreated: a process a store, on free ports, with data in a directory of the caller's.
/// </summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private readonly NodeProcess[] _nodes;

    /// <param name="options">From <see cref="Options"/>.</param>
    /// <param name="messages">What the processes print. Any thread.</param>
    public ProcessCluster(PlaygroundOptions options, Action<string> messages) =>
        _nodes = [.. Enumerable.Range(1, options.Stores).Select(n => new NodeProcess(n, options.DataDirectory!, options, messages))];

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    /// <summary>All of them, with commas between.</summary>
    public string Endpoints => string.Join(',', _nodes.Select(n => n.Endpoint));

    /// <summary>With free ports.</summary>
    public static PlaygroundOptions Options(string root, int stores, int? pds = null) => new()
    {
        Stores = stores,
        Pds = pds ?? PlaygroundOptions.PdsOf(stores),
        DataDirectory = root,
        ApiMode = null,
        PortOffset = FreePortOffset(stores),
        HasManagement = false,
    };

    /// <param name="options">From <see cref="Options"/>.</param>
    /// <returns>When it serves.</returns>
    public static async Task<ProcessCluster> StartAsync(PlaygroundOptions options, Action<string> messages, CancellationToken cancellation)
    {
        var cluster = new ProcessCluster(options, messages);
        try
        {
            await cluster.StartAsync(cancellation);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <returns>When it serves.</returns>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await Task.WhenAll(_nodes.Select(n => n.StartAsync()));
        await ServesAsync(cancellation);
    }

    /// <summary>A linearizable read of every region is answered.</summary>
    public async Task ServesAsync(CancellationToken cancellation)
    {
        await using var client = await RawClient.ConnectAsync(
            Endpoints, new RawClientOptions { ConnectTimeout = _patience, CallTimeout = _patience }, cancellation);
        await client.ChecksumAsync(default, default, cancellation);
    }

    /// <summary>Resumes what is paused, starts what is not running.</summary>
    public Task HealAsync() => Task.WhenAll(_nodes.Select(n => n.IsPaused ? n.ResumeAsync() : n.StartAsync()));

    /// <summary>Waits until every store has the same regions, at the same applied index, with the same bytes.</summary>
    /// <returns>Null: they have. Otherwise what each has after a minute.</returns>
    public async Task<string?> DifferenceOfReplicasAsync(CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var sums = await Task.WhenAll(_nodes.Select(n => n.AskAsync("checksums")));
            if (sums[0].Length > 0 && sums.Distinct().Count() == 1) return null;
            if (watch.Elapsed > _patience) return string.Join("; ", _nodes.Zip(sums, (n, s) => $"store {n.Number}: {s}"));
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(n => n.StopAsync(handsOver: false)));
        foreach (var node in _nodes) node.Dispose();
    }

    private static int FreePortOffset(int stores)
    {
        const int First = 5_000, Last = 9_900, Step = 10;
        var start = Random.Shared.Next((Last - First) / Step) * Step;
        for (var i = 0; i <= Last - First; i += Step)
        {
            var offset = First + (start + i) % (Last - First);
            if (Enumerable.Range(1, stores).All(store => IsFree(PlaygroundAddress.PortOf(store, offset)))) return offset;
        }

        throw new CommandException(ExitCode.Failed, "no free ports for a cluster were found");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
