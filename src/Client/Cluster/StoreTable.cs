using System.Collections.Concurrent;
using TiKvActors.Client.Calls;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Cluster;

/// <summary>Where stores are, learned from PD. Any thread.</summary>
internal sealed class StoreTable(PdClient pd, ClientEnvironment environment)
{
    private readonly ConcurrentDictionary<ulong, string> _addresses = new();
    private int _refreshing;

    /// <returns>Null if PD knows no such store (any more).</returns>
    public ValueTask<string?> AddressOfAsync(Call call, ulong storeId) =>
        _addresses.TryGetValue(storeId, out var known) ? new(known) : LoadAsync(call, storeId);

    /// <summary>Another store answers at the address: PD is asked before anything is sent there again.</summary>
    public void Drop(ulong storeId) => _addresses.TryRemove(storeId, out _);

    /// <summary>
    /// The store cannot be reached; it may have moved. PD is asked in the background, because the store is more likely just away, and PD
    /// may be away with it.
    /// </summary>
    public void Suspect()
    {
        if (Interlocked.Exchange(ref _refreshing, 1) == 0)
            _ = RefreshAsync();
    }

    private async ValueTask<string?> LoadAsync(Call call, ulong storeId)
    {
        var response = await pd.AskAsync<GetAllStoresResponse>(call, () => new GetAllStoresRequest { ExcludeTombstoneStores = true })
            .ConfigureAwait(false);
        foreach (var store in response.Stores)
            _addresses[store.Id] = store.Address;
        return _addresses.GetValueOrDefault(storeId);
    }

    private async Task RefreshAsync()
    {
        try
        {
            var call = new Call(
                new Operation("look-up of stores"), CallKind.Read, environment.Settings.PdAttemptTimeout, environment,
                CancellationToken.None);
            await LoadAsync(call, 0).ConfigureAwait(false);
        }
        catch (TikvException)
        {
            // The addresses stay as they are; the next failure asks again.
        }
        finally
        {
            Volatile.Write(ref _refreshing, 0);
        }
    }
}
