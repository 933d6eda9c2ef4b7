using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using TiKvActors.Actors.Nodes;
using TiKvActors.Host.Terminal;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Host.Playground;

/// <summary>One store of a playground: an actor system that can be stopped and started again on its data.</summary>
internal sealed class PlaygroundNode(int number, string root, PlaygroundOptions options, SharedBlockCache blockCache)
{
    private const string Host = "127.0.0.1";
    private const int FirstPort = 2551;
    private const string SystemName = "tikv";

    private ActorSystem? _system;

    public int Number => number;

    public string Endpoint => EndpointOf(number);

    public bool IsRunning => _system != null;

    private string DataDirectory => Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"store-{number}"));

    private int Port => FirstPort + options.PortOffset + number - 1;

    /// <exception cref="CommandException">The port can't be used.</exception>
    /// <exception cref="StorageException">The data directory can't be used.</exception>
    public async Task StartAsync()
    {
        if (_system != null) return;
        var system = CreateSystem();
        try
        {
            await Tikv.Get(system).Started;
            _system = system;
        }
        finally
        {
            if (_system == null) await system.Terminate();
        }
    }

    public async Task StopAsync()
    {
        if (_system is not { } system) return;
        _system = null;
        await system.Terminate();
    }

    private ActorSystem CreateSystem()
    {
        try
        {
            var config = ConfigurationFactory.ParseString(Hocon())
                .WithFallback(ConfigurationFactory.FromResource("TiKvActors.Host.playground.conf", typeof(PlaygroundNode).Assembly))
                .WithFallback(TikvSettings.Reference());
            return ActorSystem.Create(SystemName, BootstrapSetup.Create().WithConfig(config).And(new StorageSetup { BlockCache = blockCache }));
        }
        catch (Exception e) when (PortProblem(e) is { } problem)
        {
            throw new CommandException(ExitCode.Failed, problem);
        }
    }

    private string EndpointOf(int store) => string.Create(CultureInfo.InvariantCulture, $"{Host}:{FirstPort + options.PortOffset + store - 1}");

    private string? RecordedApiMode() => StoreEngines.PeekIdent(DataDirectory)?.ApiVersion.ToString().ToLowerInvariant();

    private string? PortProblem(Exception e)
    {
        for (var cause = e; cause != null; cause = cause.InnerException)
            if (cause is System.Net.Sockets.SocketException { SocketErrorCode: System.Net.Sockets.SocketError.AddressAlreadyInUse })
                return $"port {Port.ToString(CultureInfo.InvariantCulture)} on {Host} is in use: stop what listens there, or choose other ports with --port-offset";
        return null;
    }

    private string Hocon() => string.Create(CultureInfo.InvariantCulture, $$"""
        tikv {
          data-directory = "{{DataDirectory.Replace("\\", "\\\\").Replace("\"", "\\\"")}}"
          pd {
            enabled = {{(number == 1 ? "on" : "off")}}
            endpoint = "{{EndpointOf(1)}}"
            initial-stores = {{options.Stores}}
            api-version = {{options.ApiMode ?? RecordedApiMode() ?? "v2"}}
          }
        }
        akka.remote.dot-netty.tcp.port = {{Port}}
        """);
}
