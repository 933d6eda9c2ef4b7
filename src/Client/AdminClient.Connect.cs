using Akka.Actor;
using TiKvActors.Client.Transport;

namespace TiKvActors.Client;

public sealed partial class AdminClient
{
    /// <inheritdoc cref="RawClient.ConnectAsync(string, RawClientOptions?, CancellationToken)"/>
    public static async Task<AdminClient> ConnectAsync(
        string endpoints, RawClientOptions? options = null, CancellationToken cancellation = default) =>
        new(await ActorSystems.OpenOwnAsync(endpoints, options ?? new RawClientOptions(), cancellation).ConfigureAwait(false));

    /// <inheritdoc cref="RawClient.ConnectAsync(ActorSystem, string, RawClientOptions?, CancellationToken)"/>
    public static async Task<AdminClient> ConnectAsync(
        ActorSystem system, string endpoints, RawClientOptions? options = null, CancellationToken cancellation = default) =>
        new(await ActorSystems.OpenAsync(system, endpoints, options ?? new RawClientOptions(), cancellation).ConfigureAwait(false));
}
