using System.Globalization;
using Akka.Configuration;
using TiKvActors.Actors.Nodes;
using TiKvActors.Host.Grpc.Services;
using TiKvActors.Host.Management;
using TiKvActors.Host.Terminal;
using TiKvActors.Hosting;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Host.Playground;

/// <summary>One store of a playground: an actor system in this process.</summary>
/// <param name="messages">Told why the actor system starts again, or why the store is down. Any thread.</param>
internal sealed class PlaygroundNode(
    int number, string root, PlaygroundOptions options, SharedBlockCache blockCache, Action<string> messages) : IPlaygroundNode
{
    private static readonly TimeSpan _transferTimeout = TimeSpan.FromSeconds(5);

    private TikvHost? _host;
    private ManagementServer? _web;
    private GrpcNode? _grpc;

    public int Number => number;

    public string Endpoint => PlaygroundAddress.Of(number, options);

    public bool IsRunning => _host != null;

    public int? ProcessId => null;

    /// <summary>Completes when the node has ended; see <see cref="TikvHost.Ended"/>.</summary>
    public Task Ended => _host?.Ended ?? Task.CompletedTask;

    private int Port => PlaygroundAddress.PortOf(number, options.PortOffset);

    public static string DirectoryOf(string root, int number) =>
        Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"store-{number}"));

    /// <summary>PD nodes of the cluster whose data is in a directory; 0 if none is recorded yet.</summary>
    public static int CountPds(string root, int stores) =>
        Enumerable.Range(1, stores).Count(n => StoreEngines.PeekMetaMembership(DirectoryOf(root, n)) is not null);

    public async Task StartAsync()
    {
        if (_host != null) return;
        try
        {
            _host = await TikvHost.StartAsync(Node().ToConfig(), TikvHost.SystemName, new StorageSetup { BlockCache = blockCache });
        }
        catch (Exception e) when (PortInUse.Describe(e, PlaygroundAddress.Host, Port) is { } problem)
        {
            throw new CommandException(ExitCode.Failed, problem);
        }

        _host.Restarting += reason => messages($"store {number} starts again: {reason.Why}");
        _ = TellEndAsync(_host);
        try
        {
            if (PlaygroundAddress.ManagementOf(number, options) is { Enabled: true } management)
                _web = await ManagementServer.StartAsync(_host, management);
            if (PlaygroundAddress.GrpcOf(number, options) is { Enabled: true } grpc)
                _grpc = await GrpcNode.StartAsync(_host, grpc);
        }
        catch (CommandException)
        {
            await StopAsync(handsOver: false);
            throw;
        }
    }

    public async Task StopAsync(bool handsOver = true)
    {
        if (_host is not { } host) return;
        (_host, var web, var grpc) = (null, _web, _grpc);
        (_web, _grpc) = (null, null);
        if (grpc is not null) await grpc.DisposeAsync();
        if (web is not null) await web.DisposeAsync();
        // If it has failed meanwhile that has been told.
        await Task.WhenAny(host.StopAsync(handsOver));
    }

    /// <summary>
    /// Of every region whose peer is here: <c>REGION@APPLIED-INDEX=CHECKSUM/KEYS</c>, with blanks between them. Empty while the engines are
    /// closed.
    /// </summary>
    public string Checksums()
    {
        if (_host is not { } host || Tikv.Get(host.System).Engines is not { } engines) return "";
        try
        {
            return Checksums(engines.Data);
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile: the actor system starts again.
            return "";
        }
    }

    private static string Checksums(DataEngine data)
    {
        var sums = new List<string>();
        foreach (var id in data.ReadRegionStates().Select(s => s.Region.Id).Where(id => id != MetaRegion.Id))
        {
            using var snapshot = data.NewSnapshot();
            if (snapshot.ReadRegionState(id) is not { State: PeerState.Normal } now) continue;
            var sum = RangeChecksum.OfRegion(snapshot, now.Region.StartKey.Span, now.Region.EndKey.Span);
            sums.Add(string.Create(
                CultureInfo.InvariantCulture, $"{id}@{snapshot.ReadApplyState(id)!.AppliedIndex}={sum.Crc64Xor:x16}/{sum.TotalKvs}"));
        }

        return string.Join(' ', sums);
    }

    /// <exception cref="CommandException">It could not begin.</exception>
    public async Task<string> TransferLeaderAsync(ulong regionId, ulong toStoreId) =>
        _host is { } host && await Tikv.Get(host.System).TransferLeaderAsync(regionId, toStoreId, _transferTimeout) is { } refusal
            ? throw new CommandException(ExitCode.Failed, refusal)
            : "begun";

    private async Task TellEndAsync(TikvHost host)
    {
        try
        {
            await host.Ended;
        }
        catch (StorageException e)
        {
            messages($"store {number} is down: {e.Message}");
        }
    }

    private TikvNodeOptions Node() => new()
    {
        Roles = number <= options.Pds ? [TikvRoles.Pd, TikvRoles.Store] : [TikvRoles.Store],
        DataDirectory = DirectoryOf(root, number),
        Host = PlaygroundAddress.Host,
        Port = Port,
        PublicPort = PlaygroundAddress.PublicPortOf(number, options),
        Members = [.. Enumerable.Range(1, options.Pds).Select(
            n => string.Create(CultureInfo.InvariantCulture, $"{n}@{PlaygroundAddress.Of(n, options)}"))],
        ApiMode = options.ApiMode,
        InitialStores = options.Stores,
        Config = options.ConfigFile is { } file ? HoconFile.Read(file).WithFallback(_differences) : _differences,
    };

    // The terminal belongs to the user: only what needs attention.
    private static readonly Config _differences = ConfigurationFactory.ParseString("""
        akka {
          loglevel = WARNING
          cluster {
            log-info = off
            periodic-tasks-initial-delay = 100ms
          }
        }
        """);
}
