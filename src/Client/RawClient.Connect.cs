using Akka.Actor;
using TiKvActors.Client.Transport;

namespace TiKvActors.Client;

public sealed partial class RawClient
{
    /// <summary>Connects through an actor system of its own, which ends with the client.</summary>
    /// <param name="endpoints"><c>HOST:PORT[,…]</c> of any nodes' actor protocol; the host names that the nodes were given.</param>
    /// <exception cref="InvalidRequestException">Malformed endpoints.</exception>
    /// <exception cref="ConnectionFailedException">No endpoint answered in time.</exception>
    public static async Task<RawClient> ConnectAsync(
        string endpoints, RawClientOptions? options = null, CancellationToken cancellation = default) =>
        new(await ActorSystems.OpenOwnAsync(endpoints, options ?? new RawClientOptions(), cancellation).ConfigureAwait(false));

    /// <summary>
    /// Connects through the application's own actor system, whose configuration has <see cref="ReferenceConfig"/> as a fallback.
    /// </summary>
    /// <inheritdoc cref="ConnectAsync(string, RawClientOptions?, CancellationToken)"/>
    public static async Task<RawClient> ConnectAsync(
        ActorSystem system, string endpoints, RawClientOptions? options = null, CancellationToken cancellation = default) =>
        new(await ActorSystems.OpenAsync(system, endpoints, options ?? new RawClientOptions(), cancellation).ConfigureAwait(false));
}
