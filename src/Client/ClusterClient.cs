using Akka.Actor;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol;

namespace TiKvActors.Client;

/// <summary>
/// The Akka cluster of the nodes: who is a member, and who is to go. Asks the first endpoint that answers; needs neither PD nor a majority.
/// Thread-safe.
/// </summary>
public sealed class ClusterClient : IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly IReadOnlyList<Endpoint> _endpoints;
    private readonly ClientSettings _settings;
    private readonly TimeSpan _timeout;

    private ClusterClient(ActorSystem system, IReadOnlyList<Endpoint> endpoints, ClientSettings settings, TimeSpan? timeout) =>
        (_system, _endpoints, _settings, _timeout) = (system, endpoints, settings, timeout ?? settings.CallTimeout);

    /// <param name="endpoints"><c>HOST:PORT[,…]</c> of nodes' actor protocol. Nothing is sent yet.</param>
    /// <exception cref="InvalidRequestException">Malformed endpoints.</exception>
    /// <exception cref="ConnectionFailedException">A host name is unknown.</exception>
    public static async Task<ClusterClient> OpenAsync(
        string endpoints, RawClientOptions? options = null, CancellationToken cancellation = default)
    {
        var list = Endpoint.ParseList(endpoints);
        options ??= new RawClientOptions();
        var system = await ActorSystems.StartOwnAsync(list, options, cancellation).ConfigureAwait(false);
        return new ClusterClient(system, list, ClientSettings.Read(options.Config), options.CallTimeout);
    }

    /// <summary>As the node that answers sees it.</summary>
    /// <exception cref="ConnectionFailedException">No endpoint answers.</exception>
    public Task<ClusterStateResponse> ShowAsync(CancellationToken cancellation = default) =>
        AskAsync<ClusterStateResponse>(new ClusterStateRequest(), cancellation);

    /// <summary>The member hands over what it leads, leaves the cluster, and ends. Returns when that has begun.</summary>
    /// <param name="member">host:port.</param>
    /// <exception cref="ServerErrorException">There is no such member.</exception>
    /// <exception cref="ConnectionFailedException">No endpoint answers.</exception>
    public Task LeaveAsync(string member, CancellationToken cancellation = default) =>
        ChangeAsync(ClusterChangeRequest.Types.Change.Leave, member, cancellation);

    /// <summary>
    /// Removes a member that does not answer, without waiting for the failure detector. One that still runs starts its actor system again and
    /// joins anew.
    /// </summary>
    /// <inheritdoc cref="LeaveAsync"/>
    public Task DownAsync(string member, CancellationToken cancellation = default) =>
        ChangeAsync(ClusterChangeRequest.Types.Change.Down, member, cancellation);

    public async ValueTask DisposeAsync() => await _system.Terminate().ConfigureAwait(false);

    private async Task ChangeAsync(ClusterChangeRequest.Types.Change change, string member, CancellationToken cancellation)
    {
        var request = new ClusterChangeRequest { Change = change, Address = Endpoint.Parse(member).ToString() };
        var response = await AskAsync<ClusterChangeResponse>(request, cancellation).ConfigureAwait(false);
        if (response.Error.Length > 0)
            throw new ServerErrorException(response.Error);
    }

    private async Task<T> AskAsync<T>(object request, CancellationToken cancellation)
    {
        var protocol = ((ExtendedActorSystem)_system).Provider.DefaultAddress.Protocol;
        var patience = _timeout / _endpoints.Count;
        foreach (var endpoint in _endpoints)
        {
            try
            {
                return await _system.ActorSelection($"{protocol}://{_settings.NodeSystemName}@{endpoint}/user/tikv/cluster")
                    .Ask<T>(request, patience, cancellation).ConfigureAwait(false);
            }
            catch (AskTimeoutException)
            {
                // The next one may.
            }
        }

        throw new ConnectionFailedException(
            $"no node of an Akka cluster answered at {string.Join(", ", _endpoints)} within {_timeout.TotalSeconds:0.#} s: "
                + "does one run there, and is the address the one by which it calls itself?");
    }
}
