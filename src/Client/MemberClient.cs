using TiKvActors.Client.Calls;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol;
using Member = TiKvActors.Protocol.MetaMembersResponse.Types.Member;
using Verdict = TiKvActors.Protocol.MetaMembersResponse.Types.Verdict;

namespace TiKvActors.Client;

/// <summary>The group has never had such a member.</summary>
public sealed class NoSuchMemberException(string message) : TikvException(message);

/// <summary>
/// Members of the meta group: any node is asked and asks the group. Unlike <see cref="AdminClient"/> it needs no PD, which needs the group.
/// A change is done once it is recorded; the group carries it out by itself, which <see cref="ListAsync"/> shows. Repeating one that was
/// recorded changes nothing.
/// </summary>
public sealed class MemberClient : IAsyncDisposable
{
    /// <summary>Where nobody listens, nobody will soon; a node that is about to start gets some chances nevertheless.</summary>
    private const int MaxRefusedRounds = 4;

    private readonly IReadOnlyList<Endpoint> _endpoints;
    private readonly ITransport _transport;
    private readonly ClientEnvironment _environment;

    internal MemberClient(IReadOnlyList<Endpoint> endpoints, Func<ClientSettings, ITransport> start, RawClientOptions options)
    {
        var settings = ClientSettings.Read(options.Config);
        settings = settings with { CallTimeout = options.CallTimeout ?? settings.CallTimeout };
        (_endpoints, _transport) = (endpoints, start(settings));
        _environment = new ClientEnvironment(options.TimeProvider, options.Random, settings);
    }

    /// <summary>Through an actor system of its own.</summary>
    /// <param name="endpoints">HOST:PORT[,HOST:PORT...] of nodes.</param>
    public static async Task<MemberClient> ConnectAsync(
        string endpoints, RawClientOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new RawClientOptions();
        var list = Endpoint.ParseList(endpoints);
        var system = await ActorSystems.StartOwnAsync(list, options, cancellation).ConfigureAwait(false);
        return new MemberClient(list, settings => new ActorTransport(system, ownsSystem: true, settings), options);
    }

    /// <summary>Everybody that the group has or had, ascending by id, as its leader sees it.</summary>
    public Task<IReadOnlyList<Member>> ListAsync(CancellationToken cancellation = default) => AskAsync(
        "list of members", CallKind.Read, new MetaMembersRequest { List = new MetaMembersRequest.Types.List() }, cancellation);

    /// <param name="address">HOST:PORT of the node that is configured as this member.</param>
    /// <exception cref="InvalidRequestException">The address is malformed.</exception>
    /// <exception cref="ServerErrorException">The group refuses, for the reason in the message.</exception>
    public Task<IReadOnlyList<Member>> AddAsync(ulong id, string address, CancellationToken cancellation = default) => AskAsync(
        $"addition of member {id}", CallKind.IdempotentWrite,
        new MetaMembersRequest { Add = new MetaMembersRequest.Types.Add { Id = id, Address = HostAndPort(address) } }, cancellation);

    /// <exception cref="NoSuchMemberException"/>
    /// <exception cref="ServerErrorException">The group refuses, for the reason in the message.</exception>
    public Task<IReadOnlyList<Member>> RemoveAsync(ulong id, CancellationToken cancellation = default) => AskAsync(
        $"removal of member {id}", CallKind.IdempotentWrite,
        new MetaMembersRequest { Remove = new MetaMembersRequest.Types.Remove { Id = id } }, cancellation);

    /// <param name="address">HOST:PORT of the node that is configured as the new member.</param>
    /// <exception cref="InvalidRequestException">The address is malformed.</exception>
    /// <exception cref="NoSuchMemberException"/>
    /// <exception cref="ServerErrorException">The group refuses, for the reason in the message.</exception>
    public Task<IReadOnlyList<Member>> ReplaceAsync(ulong oldId, ulong newId, string address, CancellationToken cancellation = default) =>
        AskAsync(
            $"replacement of member {oldId}", CallKind.IdempotentWrite,
            new MetaMembersRequest
            {
                Replace = new MetaMembersRequest.Types.Replace { OldId = oldId, NewId = newId, Address = HostAndPort(address) },
            },
            cancellation);

    public ValueTask DisposeAsync() => _transport.DisposeAsync();

    private static string HostAndPort(string address) => Endpoint.Parse(address).ToString();

    private async Task<IReadOnlyList<Member>> AskAsync(
        string what, CallKind kind, MetaMembersRequest request, CancellationToken cancellation)
    {
        var call = new Call(new Operation(what), kind, _environment.Settings.CallTimeout, _environment, cancellation);
        for (var refusedRounds = 0; ;)
        {
            var refused = 0;
            foreach (var endpoint in _endpoints)
            {
                call.ThrowIfOver();
                var (response, problem, isRefused) = await TryAsync(call, endpoint, request).ConfigureAwait(false);
                switch (response?.Verdict)
                {
                    case Verdict.Accepted:
                        return response.Members;
                    case Verdict.NotFound:
                        throw new NoSuchMemberException(response.Why);
                    case Verdict.Refused:
                        // Whatever became of earlier attempts: one that was recorded would have been accepted once more.
                        throw new ServerErrorException($"{what} refused: {response.Why}");
                }

                call.Failed(Problem.Other, problem ?? $"{endpoint}: {response!.Why}");
                refused += isRefused ? 1 : 0;
                if (refused == _endpoints.Count && ++refusedRounds == MaxRefusedRounds)
                    throw new ConnectionFailedException($"no answer from {string.Join(", ", _endpoints)} ({problem}): do nodes run there?");
            }

            if (refused < _endpoints.Count)
                refusedRounds = 0;
            await call.PauseAsync(BackoffKind.Pd).ConfigureAwait(false);
        }
    }

    private async Task<(MetaMembersResponse? Response, string? Problem, bool IsRefused)> TryAsync(
        Call call, Endpoint endpoint, MetaMembersRequest request)
    {
        using var attempt = call.StartAttempt(_environment.Settings.MembersAttemptTimeout);
        var delivery = new Delivery();
        try
        {
            var response = await _transport.AskMembersAsync(endpoint.ToString(), request.Clone(), delivery, attempt.Token)
                .ConfigureAwait(false);
            if (response.Verdict == Verdict.Unknown)
                call.MayHaveHappenedUnlessRead();
            return (response, null, false);
        }
        catch (OperationCanceledException)
        {
            if (delivery.MayHaveArrived())
                call.MayHaveHappenedUnlessRead();
            return call.Cancellation.IsCancellationRequested
                ? throw call.Cancelled()
                : (null, $"{endpoint}: no answer within {attempt.Timeout.TotalSeconds:0.#} s", false);
        }
        catch (NodeUnreachableException e)
        {
            var arrived = delivery.MayHaveArrived();
            if (arrived)
                call.MayHaveHappenedUnlessRead();
            return (null, e.Message, !arrived);
        }
    }
}
