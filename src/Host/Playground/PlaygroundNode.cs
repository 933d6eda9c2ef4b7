using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using TiKvActors.Actors.Nodes;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Host.Playground;

/// <summary>One store of a playground: an actor system in this process.</summary>
/// <param name="damaged">Told why, if damage is found while the store runs: it is closed then. Any thread.</param>
internal sealed class PlaygroundNode(
    int number, string root, PlaygroundOptions options, SharedBlockCache blockCache, Action<string> damaged) : IPlaygroundNode
{
    private const string SystemName = "tikv";

    private static readonly TimeSpan _transferTimeout = TimeSpan.FromSeconds(5);

    private ActorSystem? _system;

    public int Number => number;

    public string Endpoint => PlaygroundAddress.Of(number, options);

    public bool IsRunning => _system != null;

    public int? ProcessId => null;

    private string DataDirectory => DirectoryOf(root, number);

    private int Port => PlaygroundAddress.PortOf(number, options.PortOffset);

    public static string DirectoryOf(string root, int number) =>
        Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"store-{number}"));

    public async Task StartAsync()
    {
        if (_system != null) return;
        var system = CreateSystem();
        try
        {
            await Tikv.Get(system).Started;
            _system = system;
            _ = TellDamageAsync(Tikv.Get(system));
        }
        finally
        {
            if (_system == null) await system.Terminate();
        }
    }

    private async Task TellDamageAsync(TikvExtension tikv) => damaged(await tikv.Damaged);

    public async Task StopAsync(bool handsOver = true)
    {
        if (_system is not { } system) return;
        _system = null;
        Tikv.Get(system).HandsOver = handsOver;
        await system.Terminate();
    }

    /// <summary>Of every region whose peer is here: <c>REGION@APPLIED-INDEX=CHECKSUM/KEYS</c>, with blanks between them.</summary>
    public string Checksums()
    {
        if (_system is not { } system || Tikv.Get(system).Engines is not { } engines) return "";
        var sums = new List<string>();
        foreach (var id in engines.Data.ReadRegionStates().Select(s => s.Region.Id))
        {
            using var snapshot = engines.Data.NewSnapshot();
            if (snapshot.ReadRegionState(id) is not { State: PeerState.Normal } now) continue;
            var sum = RangeChecksum.OfRegion(snapshot, now.Region.StartKey.Span, now.Region.EndKey.Span);
            sums.Add(string.Create(
                CultureInfo.InvariantCulture, $"{id}@{snapshot.ReadApplyState(id)!.AppliedIndex}={sum.Crc64Xor:x16}/{sum.TotalKvs}"));
        }

        return string.Join(' ', sums);
    }

    /// <exception cref="CommandException">It could not begin.</exception>
    public async Task<string> TransferLeaderAsync(ulong regionId, ulong toStoreId) =>
        _system is { } system && await Tikv.Get(system).TransferLeaderAsync(regionId, toStoreId, _transferTimeout) is { } refusal
            ? throw new CommandException(ExitCode.Failed, refusal)
            : "begun";

    private ActorSystem CreateSystem()
    {
        try
        {
            var config = ConfigurationFactory.ParseString(Hocon())
                .WithFallback(options.ConfigFile is { } file ? HoconFile.Read(file) : Config.Empty)
                .WithFallback(ConfigurationFactory.FromResource("TiKvActors.Host.playground.conf", typeof(PlaygroundNode).Assembly))
                .WithFallback(TikvSettings.Reference());
            return ActorSystem.Create(
                SystemName, BootstrapSetup.Create().WithConfig(config).And(new StorageSetup { BlockCache = blockCache }));
        }
        catch (Exception e) when (PortProblem(e) is { } problem)
        {
            throw new CommandException(ExitCode.Failed, problem);
        }
    }

    private string? RecordedApiMode() => StoreEngines.PeekIdent(DataDirectory)?.ApiVersion.ToString().ToLowerInvariant();

    private string? PortProblem(Exception e)
    {
        for (var cause = e; cause != null; cause = cause.InnerException)
            if (cause is System.Net.Sockets.SocketException { SocketErrorCode: System.Net.Sockets.SocketError.AddressAlreadyInUse })
                return $"port {Port.ToString(CultureInfo.InvariantCulture)} on {PlaygroundAddress.Host} is in use: "
                    + "stop what listens there, or choose other ports with --port-offset";
        return null;
    }

    private string Hocon() => string.Create(CultureInfo.InvariantCulture, $$"""
        tikv {
          data-directory = "{{DataDirectory.Replace("\\", "\\\\").Replace("\"", "\\\"")}}"
          pd {
            enabled = {{(number == 1 ? "on" : "off")}}
            endpoint = "{{PlaygroundAddress.Of(1, options)}}"
            initial-stores = {{options.Stores}}
            api-version = {{options.ApiMode ?? RecordedApiMode() ?? "v2"}}
          }
        }
        akka.remote.dot-netty.tcp {
          port = {{Port}}
          public-port = {{PlaygroundAddress.PublicPortOf(number, options)}}
        }
        """);
}
