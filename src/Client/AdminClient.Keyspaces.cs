using TiKvActors.Protocol;
using TiKvActors.Protocol.Keyspacepb;

namespace TiKvActors.Client;

/// <summary>The keyspaces of a cluster whose API mode is v2.</summary>
public sealed partial class AdminClient
{
    /// <summary>Keyspaces that one message brings.</summary>
    private const int KeyspacesPerPage = 10_000;

    /// <summary>All keyspaces by id.</summary>
    public async Task<IReadOnlyList<KeyspaceMeta>> ListKeyspacesAsync(CancellationToken cancellation = default)
    {
        var call = Start("list of keyspaces", cancellation);
        var all = new List<KeyspaceMeta>();
        while (true)
        {
            var from = all.Count == 0 ? 0 : all[^1].Id + 1;
            var page = await _cluster.Pd.AskAsync<GetAllKeyspacesResponse>(
                call, () => new GetAllKeyspacesRequest { StartId = from, Limit = KeyspacesPerPage }).ConfigureAwait(false);
            all.AddRange(page.Keyspaces);
            if (page.Keyspaces.Count < KeyspacesPerPage)
                return all;
        }
    }

    /// <returns>Null if there is none with this name.</returns>
    public async Task<KeyspaceMeta?> GetKeyspaceAsync(string name, CancellationToken cancellation = default) =>
        (await ListKeyspacesAsync(cancellation).ConfigureAwait(false)).FirstOrDefault(k => k.Name == name);

    /// <param name="name">1 to 20 letters, digits, hyphens and underscores.</param>
    /// <exception cref="ServerErrorException">There is one with this name, the name is none, or the API mode is not v2.</exception>
    /// <exception cref="UndeterminedException">PD did not answer in time, or an earlier try may have made the one there is.</exception>
    public async Task<KeyspaceMeta> CreateKeyspaceAsync(string name, CancellationToken cancellation = default)
    {
        var response = await ChangeAsync<CreateKeyspaceResponse>(
            $"creation of keyspace {name}", () => new CreateKeyspaceRequest { Name = name }, cancellation).ConfigureAwait(false);
        return response.Keyspace;
    }

    /// <summary>Who opens a keyspace that is not enabled is refused; what has opened it goes on. Repeating it does no harm.</summary>
    /// <exception cref="ServerErrorException">It is unknown, DEFAULT, or archived.</exception>
    /// <exception cref="UndeterminedException">PD did not answer in time.</exception>
    public async Task<KeyspaceMeta> SetKeyspaceStateAsync(uint id, KeyspaceState state, CancellationToken cancellation = default)
    {
        var response = await ChangeAsync<UpdateKeyspaceStateResponse>(
            $"change of keyspace {id}", () => new UpdateKeyspaceStateRequest { Id = id, State = state }, cancellation)
            .ConfigureAwait(false);
        return response.Keyspace;
    }
}
