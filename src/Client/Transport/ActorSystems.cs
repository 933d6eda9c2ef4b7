using Akka.Actor;
using Akka.Configuration;
using TiKvActors.Client.Cluster;

namespace TiKvActors.Client.Transport;

/// <summary>Connections through actor systems.</summary>
internal static class ActorSystems
{
    /// <summary>Through an actor system of its own, which ends with the connection.</summary>
    public static async Task<ClusterConnection> OpenOwnAsync(string endpoints, RawClientOptions options, CancellationToken cancellation)
    {
        var list = Endpoint.ParseList(endpoints);
        var system = await StartOwnAsync(list, options, cancellation).ConfigureAwait(false);
        return await ClusterConnection.OpenAsync(
            list, settings => new ActorTransport(system, ownsSystem: true, settings), options, cancellation).ConfigureAwait(false);
    }

    public static async Task<ActorSystem> StartOwnAsync(
        IReadOnlyList<Endpoint> list, RawClientOptions options, CancellationToken cancellation)
    {
        var host = await Endpoint.LocalAddressAsync(list, endpoint => endpoint.LocalAddressAsync(cancellation)).ConfigureAwait(false);
        var config = ConfigurationFactory.ParseString($"akka.remote.dot-netty.tcp.hostname = \"{host}\"")
            .WithFallback(ClientSettings.Reference);
        return ActorSystem.Create("tikv-client", options.Config is null ? config : options.Config.WithFallback(config));
    }

    public static Task<ClusterConnection> OpenAsync(
        ActorSystem system, string endpoints, RawClientOptions options, CancellationToken cancellation) =>
        ClusterConnection.OpenAsync(
            Endpoint.ParseList(endpoints), settings => new ActorTransport(system, ownsSystem: false, settings), options, cancellation);
}
