using System.Globalization;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Host.Grpc.Reflection;
using TiKvActors.Host.Terminal;
using TiKvActors.Hosting;

namespace TiKvActors.Host.Grpc.Services;

/// <summary>The ports of a node on which TiKV's clients are served: the store's, and PD's on a node that may run PD.</summary>
internal sealed class GrpcNode : IAsyncDisposable
{
    private readonly List<GrpcServer> _servers = [];
    private readonly List<string> _addresses = [];

    private GrpcNode()
    {
    }

    /// <exception cref="CommandException">A port or the certificates cannot be used.</exception>
    public static async Task<GrpcNode> StartAsync(TikvHost host, GrpcNodeSettings settings)
    {
        var (node, doors, tikv) = (new GrpcNode(), new Doors(host), Tikv.Get(host.System));
        try
        {
            if (tikv.Settings.StoreEnabled)
            {
                node._addresses.Add($"store {settings.StoreAddress}");
                var kv = new KvService(doors, settings.MaxResponseBytes).Create();
                var common = settings.Common with { Port = settings.StorePort };
                await node.ListenAsync(common, [kv], () => Tikv.Get(host.System).Engines is not null, host, "tikv.grpc");
            }

            if (host.System.Settings.Config.GetStringList("akka.cluster.roles").Contains(TikvRoles.Pd))
            {
                node._addresses.Add($"PD {settings.PdAddress}");
                var pd = new PdService(doors, AddressesOf(host, tikv, settings)).Create();
                var common = settings.Common with { Port = settings.PdPort };
                await node.ListenAsync(common, [pd, new KeyspaceService(doors).Create()], () => true, host, "tikv.grpc.pd");
            }
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }

        return node;
    }

    public string Describe() => $"; for TiKV's clients {string.Join(", ", _addresses)}";

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }

    private async Task ListenAsync(
        GrpcSettings settings, IReadOnlyCollection<GrpcService> services, Func<bool> isServing, TikvHost host, string key) =>
        _servers.Add(await GrpcServer.StartAsync(
            settings,
            ReflectionService.AddTo([.. services, HealthService.Create(services, isServing)]),
            routes: null,
            (what, e) => Logging.GetLogger(host.System, "grpc").Error(e, "{0}", what),
            key));

    private static GrpcAddresses AddressesOf(TikvHost host, TikvExtension tikv, GrpcNodeSettings settings)
    {
        var port = int.Parse(tikv.Address.AsSpan(tikv.Address.LastIndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        // Of the form id@host:port.
        var members = host.System.Settings.Config.GetStringList("tikv.meta.members").Select(m => m[(m.IndexOf('@') + 1)..]).ToList();
        var nodes = members.Count > 0 ? members : [tikv.Address];
        return new GrpcAddresses(settings.PdPort - port, settings.StorePort - port, settings.Common.Tls is not null, nodes);
    }
}
