using TiKvActors.Client.Calls;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Cluster;

/// <summary>Questions to PD, through whichever endpoint answers. Any thread.</summary>
internal sealed class PdClient(IReadOnlyList<Endpoint> endpoints, ITransport transport, ClientEnvironment environment)
{
    /// <summary>The endpoint that answered last.</summary>
    private int _current;

    /// <summary>0 until <see cref="ConnectAsync"/>.</summary>
    public ulong ClusterId { get; private set; }

    /// <summary>Asks for the cluster's identity.</summary>
    /// <exception cref="ConnectionFailedException">No endpoint answered in the call's time.</exception>
    public async Task<GetClusterIdentityResponse> ConnectAsync(Call call)
    {
        var silent = new List<string>();
        for (var round = 0; ; round++)
        {
            foreach (var endpoint in endpoints)
            {
                if (call.Remaining == TimeSpan.Zero)
                    throw Silent(silent);
                // With several endpoints a silent one must leave time for the others.
                var share = TimeSpan.FromTicks(environment.Settings.ConnectTimeout.Ticks / endpoints.Count);
                var (response, problem) = await TryAsync<GetClusterIdentityResponse>(call, endpoint, new GetClusterIdentityRequest(), share).ConfigureAwait(false);
                if (response is { Header.Error: null })
                {
                    ClusterId = response.Header.ClusterId;
                    return response;
                }
                silent.Add(problem ?? $"{endpoint}: {response!.Header.Error.Message}");
            }
            if (round == MaxConnectRounds)
                throw Silent(silent);
            await call.PauseAsync(BackoffKind.Pd).ConfigureAwait(false);
        }
    }

    /// <param name="build">Makes the request without its header.</param>
    /// <exception cref="ServerErrorException">PD refused.</exception>
    public async Task<TResponse> AskAsync<TResponse>(Call call, Func<IPdRequest> build) where TResponse : class, IPdResponse
    {
        for (var failures = 1; ; failures++)
        {
            call.ThrowIfOver();
            var index = Volatile.Read(ref _current);
            var (response, problem) = await TryAsync<TResponse>(call, endpoints[index], build(), environment.Settings.PdAttemptTimeout).ConfigureAwait(false);
            switch (response)
            {
                case null:
                    call.Failed(Problem.Other, $"PD does not answer: {problem}");
                    Interlocked.CompareExchange(ref _current, (index + 1) % endpoints.Count, index);
                    if (failures % endpoints.Count == 0)
                        await call.PauseAsync(BackoffKind.Pd).ConfigureAwait(false);
                    break;
                case { Header.Error: null }:
                    return response;
                case { Header.Error.Type: ErrorType.NotBootstrapped }:
                    call.Failed(Problem.NotBootstrapped, response.Header.Error.Message);
                    await call.PauseAsync(BackoffKind.Pd).ConfigureAwait(false);
                    break;
                default:
                    throw call.Refused($"PD answered {response.Header.Error.Type}: {response.Header.Error.Message}");
            }
        }
    }

    /// <summary>A refused connection is refused again soon after; a node that is just starting gets this many more chances.</summary>
    private const int MaxConnectRounds = 3;

    private async Task<(TResponse? Response, string? Problem)> TryAsync<TResponse>(Call call, Endpoint endpoint, IPdRequest request, TimeSpan timeout)
        where TResponse : class, IPdResponse
    {
        request.Header = new RequestHeader { ClusterId = ClusterId };
        using var attempt = call.StartAttempt(timeout);
        try
        {
            var response = await transport.AskPdAsync(endpoint.ToString(), request, attempt.Token).ConfigureAwait(false);
            return response is TResponse { Header: not null } expected ? (expected, null)
                : (null, $"{endpoint}: answered {request.Descriptor.Name} with {response.Descriptor.Name}: is it of another version?");
        }
        catch (OperationCanceledException) when (call.Cancellation.IsCancellationRequested)
        {
            throw call.Cancelled();
        }
        catch (OperationCanceledException)
        {
            return (null, $"{endpoint}: no answer within {attempt.Timeout.TotalSeconds:0.#} s");
        }
        catch (NodeUnreachableException e)
        {
            return (null, e.Message);
        }
    }

    private ConnectionFailedException Silent(List<string> problems) => new(
        $"no answer from {string.Join(", ", endpoints)} ({string.Join("; ", problems.Distinct())}): is the node that has PD running there? It answers only to the host name that it was "
        + "given: a message to localhost is not for a node named 127.0.0.1");
}
