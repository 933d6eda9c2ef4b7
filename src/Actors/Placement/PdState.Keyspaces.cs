using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Keyspacepb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Placement;

/// <summary>Keyspaces (docs/architecture.md).</summary>
internal sealed partial class PdState
{
    private readonly Keyspaces _keyspaces = new();

    /// <param name="wall">Milliseconds since 1970 UTC.</param>
    /// <returns>Null for a message that is none of these.</returns>
    private PdDecision? ProcessKeyspaces(object command, long wall) => command switch
    {
        LoadKeyspaceRequest request =>
            WhenBootstrapped<LoadKeyspaceResponse>(request, (a, _) => Show(a, _keyspaces.Find(request.Name), $"named {request.Name}")),
        LoadKeyspaceByIDRequest request =>
            WhenBootstrapped<LoadKeyspaceResponse>(request, (a, _) => Show(a, _keyspaces.Find(request.Id), $"with id {request.Id}")),
        GetAllKeyspacesRequest request => WhenBootstrapped<GetAllKeyspacesResponse>(request, (a, _) => a.Keyspaces.AddRange(
            _keyspaces.All.Where(k => k.Id >= request.StartId)
                .Take(request.Limit == 0 ? int.MaxValue : (int)Math.Min(request.Limit, int.MaxValue)))),
        CreateKeyspaceRequest request => WhenBootstrapped<CreateKeyspaceResponse>(request, (a, e) => Decide(request, a, e, wall)),
        UpdateKeyspaceStateRequest request => WhenBootstrapped<UpdateKeyspaceStateResponse>(request, (a, e) => Decide(request, a, e, wall)),
        _ => null,
    };

    private void Show(LoadKeyspaceResponse answer, KeyspaceMeta? keyspace, string which)
    {
        answer.Keyspace = keyspace;
        if (keyspace is null)
            answer.Header = NoKeyspace(which);
    }

    private ResponseHeader NoKeyspace(string which) => Fail(ErrorType.EntryNotFound, $"there is no keyspace {which}");

    private void Decide(CreateKeyspaceRequest request, CreateKeyspaceResponse answer, List<IMessage> events, long wall)
    {
        if (ApiVersion != APIVersion.V2)
        {
            var mode = ApiVersion.ToString().ToLowerInvariant();
            answer.Header = Fail(ErrorType.InvalidValue, $"the API mode is {mode}, in which keys have no keyspace: that needs v2");
        }
        else if (Keyspaces.WhyNoName(request.Name) is { } why)
        {
            answer.Header = Fail(ErrorType.InvalidValue, why);
        }
        else if (_keyspaces.Find(request.Name) is { } there)
        {
            answer.Header = Fail(ErrorType.DuplicatedEntry, $"keyspace {there.Name} exists already, with id {there.Id}");
        }
        else if (_keyspaces.New(request.Name, wall / 1000) is not { } created)
        {
            answer.Header = Fail(ErrorType.Unknown, $"all {KeyspaceId.MaxValue + 1} keyspaces exist");
        }
        else
        {
            answer.Keyspace = created;
            events.Add(new KeyspaceChanged { Keyspace = created });
        }
    }

    private void Decide(UpdateKeyspaceStateRequest request, UpdateKeyspaceStateResponse answer, List<IMessage> events, long wall)
    {
        if (_keyspaces.Find(request.Id) is not { } keyspace)
        {
            answer.Header = NoKeyspace($"with id {request.Id}");
        }
        else if (Keyspaces.WhyNotChange(keyspace, request.State) is { } why)
        {
            answer.Header = Fail(ErrorType.Unknown, why);
        }
        else if (keyspace.State == request.State)
        {
            answer.Keyspace = keyspace;
        }
        else
        {
            answer.Keyspace = keyspace.Clone();
            (answer.Keyspace.State, answer.Keyspace.StateChangedAt) = (request.State, wall / 1000);
            events.Add(new KeyspaceChanged { Keyspace = answer.Keyspace });
        }
    }
}
