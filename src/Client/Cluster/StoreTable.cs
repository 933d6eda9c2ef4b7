using System.Collections.Concurrent;
using TiKvActors.Client.Calls;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Cluster;

/// <summary>Where stores are, learned from PD. Any thread.</summary>
internal sealed class StoreTable(PdClient pd)
{
    private readonly ConcurrentDictionary<ulong, string> _addresses = new();

    /// <returns>Null if PD knows no such store (any more).</returns>
    public async ValueTask<string?> AddressOfAsync(Call call, ulong storeId)
    {
        if (_addresses.TryGetValue(storeId, out var known))
            return known;
        var response = await pd.AskAsync<GetAllStoresResponse>(call, () => new GetAllStoresRequest { ExcludeTombstoneStores = true }).ConfigureAwait(false);
        foreach (var store in response.Stores)
            _addresses[store.Id] = store.Address;
        return _addresses.GetValueOrDefault(storeId);
    }

    /// <summary>The address did not lead to the store: PD is asked again before it is used.</summary>
    public void Drop(ulong storeId) => _addresses.TryRemove(storeId, out _);
}
