using TiKvActors.Client.Calls;
using TiKvActors.Protocol;

namespace TiKvActors.Client;

/// <summary>The stores' states, and their removal.</summary>
public sealed partial class AdminClient
{
    /// <summary>All stores by id, those that were removed included.</summary>
    public async Task<IReadOnlyList<StoreStatus>> ListStoreStatusAsync(CancellationToken cancellation = default) =>
        (await AskForStatusAsync(Start("list of stores", cancellation), 0).ConfigureAwait(false)).Stores;

    /// <returns>Null if there is no such store.</returns>
    public async Task<StoreStatus?> GetStoreStatusAsync(ulong storeId, CancellationToken cancellation = default)
    {
        if (storeId == 0)
            return null;
        var response = await AskForStatusAsync(Start($"look-up of store {storeId}", cancellation), storeId).ConfigureAwait(false);
        return response.Stores.FirstOrDefault();
    }

    /// <summary>
    /// PD moves everything off the store, and never lets it back in. It has only begun when this completes: see the store's status.
    /// Repeating it does no harm.
    /// </summary>
    /// <param name="physicallyDestroyed">
    /// It is dead for ever: a new store may use its address at once. Refused while the store is alive.
    /// </param>
    /// <exception cref="ServerErrorException">
    /// It is unknown, removed already, alive though it should be destroyed, or the last one.
    /// </exception>
    /// <exception cref="UndeterminedException">PD did not answer in time.</exception>
    public Task RemoveStoreAsync(ulong storeId, bool physicallyDestroyed = false, CancellationToken cancellation = default) =>
        ChangeAsync<RemoveStoreResponse>(
            $"removal of store {storeId}",
            () => new RemoveStoreRequest { StoreId = storeId, PhysicallyDestroyed = physicallyDestroyed },
            cancellation);

    /// <summary>What has moved already stays where it is.</summary>
    /// <exception cref="ServerErrorException">It is unknown, or removed for good.</exception>
    /// <exception cref="UndeterminedException">PD did not answer in time.</exception>
    public Task CancelStoreRemovalAsync(ulong storeId, CancellationToken cancellation = default) =>
        ChangeAsync<CancelStoreRemovalResponse>(
            $"cancelling of the removal of store {storeId}", () => new CancelStoreRemovalRequest { StoreId = storeId }, cancellation);

    private Task<GetStoreStatusResponse> AskForStatusAsync(Call call, ulong storeId) =>
        _cluster.Pd.AskAsync<GetStoreStatusResponse>(call, () => new GetStoreStatusRequest { StoreId = storeId });
}
