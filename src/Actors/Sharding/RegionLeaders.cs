using Akka.Actor;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Sharding;

/// <summary>Asks PD which node leads the region where a shard's range begins. Thread-safe.</summary>
/// <param name="retryInterval">The pause before PD is asked again that did not know.</param>
internal sealed class RegionLeaders(ICanTell pd, MonotonicClock clock, TimeSpan retryInterval)
{
    /// <summary>Never changes once it is known.</summary>
    private volatile Identity? _identity;

    private sealed record Identity(ulong ClusterId, APIVersion ApiVersion)
    {
        public RequestHeader Header => new() { ClusterId = ClusterId };
    }

    /// <summary>Asks again and again.</summary>
    /// <returns>host:port of the leader's node; null: it was not known by then.</returns>
    /// <exception cref="FormatException">That is no shard's id.</exception>
    public async Task<string?> FindAsync(string shardId, TimeSpan deadline)
    {
        while (true)
        {
            if (await TryFindAsync(shardId, deadline).ConfigureAwait(false) is { } address)
                return address;
            if (clock.Now + retryInterval >= deadline)
                return null;
            await Task.Delay(retryInterval).ConfigureAwait(false);
        }
    }

    /// <summary>Asks once.</summary>
    /// <inheritdoc cref="FindAsync"/>
    public async Task<string?> TryFindAsync(string shardId, TimeSpan deadline)
    {
        _identity ??= await IdentifyAsync(deadline).ConfigureAwait(false);
        if (_identity is not { } cluster)
            return null;
        var key = PlacementShards.RegionKeyOf(shardId, cluster.ApiVersion);
        var region = await AskAsync<GetRegionResponse>(new GetRegionRequest { Header = cluster.Header, RegionKey = key }, deadline)
            .ConfigureAwait(false);
        if (region?.Leader is not { StoreId: not 0 } leader)
            return null;
        var store = await AskAsync<GetStoreResponse>(new GetStoreRequest { Header = cluster.Header, StoreId = leader.StoreId }, deadline)
            .ConfigureAwait(false);
        return store?.Store?.Address;
    }

    private async Task<Identity?> IdentifyAsync(TimeSpan deadline) =>
        await AskAsync<GetClusterIdentityResponse>(new GetClusterIdentityRequest { Header = new RequestHeader() }, deadline)
            .ConfigureAwait(false) is { } identity ? new Identity(identity.Header.ClusterId, identity.ApiVersion) : null;

    /// <returns>Null: no answer in time, or a refusal; PD may be on its way to another node.</returns>
    private async Task<T?> AskAsync<T>(IPdRequest request, TimeSpan deadline)
        where T : class, IPdResponse
    {
        if (deadline - clock.Now is var left && left <= TimeSpan.Zero)
            return null;
        try
        {
            var response = await pd.Ask<T>(request, left).ConfigureAwait(false);
            return response.Header.Error is null ? response : null;
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}
