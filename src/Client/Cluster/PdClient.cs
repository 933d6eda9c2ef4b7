using TiKvActors.Client.Calls;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Cluster;

/// <summary>Questions to PD, through whichever endpoint answers. Any thread.</summary>
internal sealed class PdClient(IReadOnlyList<Endpoint> endpoints, ITransport transport, ClientEnvironment environment)
{
    /// <summary>Where nobody listens, nobody will soon; a node that is about to start gets some chances nevertheless.</summary>
    private const int MaxRefusedRounds = 4;

    /// <summary>A node that is starting drops what its actors are not there for yet: ask again soon.</summary>
    private static readonly TimeSpan ConnectAttempt = TimeSpan.FromSeconds(1);

    /// <summary>Index of the endpoint that answered last.</summary>
    private int _current;

    /// <summary>0 until <see cref="ConnectAsync"/>.</summary>
    public ulong ClusterId { get; private set; }

    /// <summary>Asks for the cluster's identity.</summary>
    /// <exception cref="ConnectionFailedException">No endpoint answered in the call's time, or all refuse connections.</exception>
    public async Task<GetClusterIdentityResponse> ConnectAsync(Call call)
    {
        var problems = new List<string>();
        for (var refusedRounds = 0; ;)
        {
            var refused = 0;
            for (var index = 0; index < endpoints.Count; index++)
            {
                if (call.Remaining == TimeSpan.Zero)
                    throw Silent(problems);
                var answer = await TryAsync<GetClusterIdentityResponse>(
                    call, endpoints[index], new GetClusterIdentityRequest(), ConnectAttempt).ConfigureAwait(false);
                if (answer.Response is { Header.Error: null } identity)
                {
                    ClusterId = identity.Header.ClusterId;
                    _current = index;
                    return identity;
                }
                problems.Add(answer.Problem ?? $"{endpoints[index]}: {answer.Response!.Header.Error.Message}");
                refused += answer.IsRefused ? 1 : 0;
            }
            refusedRounds = refused == endpoints.Count ? refusedRounds + 1 : 0;
            if (refusedRounds == MaxRefusedRounds)
                throw Silent(problems);
            await call.PauseAsync(BackoffKind.Pd).ConfigureAwait(false);
        }
    }

    /// <param name="build">Makes the request without its header.</param>
    /// <exception cref="ServerErrorException">PD refused.</exception>
    public async Task<TResponse> AskAsync<TResponse>(Call call, Func<IPdRequest> build) where TResponse : class, IPdResponse =>
        (await AskAsync<TResponse>(call, build, rounds: int.MaxValue).ConfigureAwait(false))!;

    /// <summary>Asks for something that PD does at most once, however often it is asked.</summary>
    /// <exception cref="UndeterminedException">An answer was lost, and no later one says that it is done.</exception>
    /// <inheritdoc cref="AskAsync{TResponse}(Call, Func{IPdRequest})"/>
    public async Task<TResponse> ChangeAsync<TResponse>(Call call, Func<IPdRequest> build) where TResponse : class, IPdResponse =>
        (await AskAsync<TResponse>(call, build, rounds: int.MaxValue, isChange: true).ConfigureAwait(false))!;

    /// <returns>Null if no endpoint answers; each is asked once.</returns>
    /// <inheritdoc cref="AskAsync{TResponse}(Call, Func{IPdRequest})"/>
    public Task<TResponse?> AskOnceAsync<TResponse>(Call call, Func<IPdRequest> build) where TResponse : class, IPdResponse =>
        AskAsync<TResponse>(call, build, rounds: 1);

    private async Task<TResponse?> AskAsync<TResponse>(Call call, Func<IPdRequest> build, int rounds, bool isChange = false)
        where TResponse : class, IPdResponse
    {
        for (var failures = 1; ; failures++)
        {
            call.ThrowIfOver();
            var index = Volatile.Read(ref _current);
            var answer = await TryAsync<TResponse>(call, endpoints[index], build(), environment.Settings.PdAttemptTimeout)
                .ConfigureAwait(false);
            switch (answer.Response)
            {
                case null:
                    call.Failed(Problem.Other, $"PD does not answer: {answer.Problem}");
                    if (isChange)
                        call.MayHaveHappenedUnlessRead();
                    Interlocked.CompareExchange(ref _current, (index + 1) % endpoints.Count, index);
                    if (failures / endpoints.Count == rounds)
                        return null;
                    if (failures % endpoints.Count == 0)
                        await call.PauseAsync(BackoffKind.Pd).ConfigureAwait(false);
                    break;
                case { Header.Error: null } response:
                    return response;
                case { Header.Error.Type: ErrorType.NotBootstrapped } waiting:
                    call.Failed(Problem.NotBootstrapped, waiting.Header.Error.Message);
                    await call.PauseAsync(BackoffKind.Pd).ConfigureAwait(false);
                    break;
                case var failed:
                    throw call.Refused($"PD answered {failed.Header.Error.Type}: {failed.Header.Error.Message}");
            }
        }
    }

    private async Task<Answer<TResponse>> TryAsync<TResponse>(Call call, Endpoint endpoint, IPdRequest request, TimeSpan timeout)
        where TResponse : class, IPdResponse
    {
        request.Header = new RequestHeader { ClusterId = ClusterId };
        using var attempt = call.StartAttempt(timeout);
        try
        {
            var response = await transport.AskPdAsync(endpoint.ToString(), request, attempt.Token).ConfigureAwait(false);
            return response is TResponse { Header: not null } expected ? new(expected, null)
                : new(null, $"{endpoint}: answered {request.Descriptor.Name} with {response.Descriptor.Name}: is it of another version?");
        }
        catch (OperationCanceledException) when (call.Cancellation.IsCancellationRequested)
        {
            throw call.Cancelled();
        }
        catch (OperationCanceledException)
        {
            return new(null, $"{endpoint}: no answer within {attempt.Timeout.TotalSeconds:0.#} s");
        }
        catch (NodeUnreachableException e)
        {
            return new(null, e.Message, IsRefused: true);
        }
    }

    private ConnectionFailedException Silent(List<string> problems) => new(
        $"no answer from {string.Join(", ", endpoints)} ({string.Join("; ", problems.Distinct())}): "
            + "is the node that has PD running there? It answers only to the host name that it was "
        + "given: a message to localhost is not for a node named 127.0.0.1");

    /// <param name="IsRefused">There is no connection.</param>
    private readonly record struct Answer<TResponse>(TResponse? Response, string? Problem, bool IsRefused = false) where TResponse : class;
}
