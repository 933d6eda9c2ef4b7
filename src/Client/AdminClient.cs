using Google.Protobuf;
using TiKvActors.Client.Calls;
using TiKvActors.Client.Cluster;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client;

/// <summary>A region as PD knows it.</summary>
/// <param name="StartKey">
/// The first raw key (as applications write it) that the region can hold; empty = it begins at or before the keyspace.
/// </param>
/// <param name="EndKey">Exclusive; empty = it ends at or after the keyspace's end.</param>
/// <param name="Leader">Null until one has reported to PD.</param>
public sealed record RegionInfo(Protocol.Metapb.Region Region, byte[] StartKey, byte[] EndKey, Peer? Leader);

/// <summary>Stores and regions as PD knows them, splitting, and timestamps. Fails like <see cref="RawClient"/>.</summary>
public sealed partial class AdminClient : IAsyncDisposable
{
    private readonly ClusterConnection _cluster;

    internal AdminClient(ClusterConnection cluster) => _cluster = cluster;

    public ulong ClusterId => _cluster.Pd.ClusterId;

    /// <summary>Of the cluster, fixed when it was made.</summary>
    public APIVersion ApiVersion => _cluster.Keys.ApiVersion;

    public async Task<IReadOnlyList<Store>> ListStoresAsync(CancellationToken cancellation = default)
    {
        var response = await _cluster.Pd.AskAsync<GetAllStoresResponse>(
            Start("list of stores", cancellation), () => new GetAllStoresRequest()).ConfigureAwait(false);
        return response.Stores;
    }

    /// <summary>What a store has done since its process started; asked of the store itself.</summary>
    /// <exception cref="ConnectionFailedException">The store does not answer.</exception>
    public async Task<StoreStatistics> StoreStatisticsAsync(Store store, CancellationToken cancellation = default)
    {
        using var attempt = Start($"statistics of store {store.Id}", cancellation)
            .StartAttempt(_cluster.Environment.Settings.AttemptTimeout);
        try
        {
            return await _cluster.Transport.AskStoreAsync(store.Address, new StoreStatisticsRequest(), attempt.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new ConnectionFailedException(
                $"store {store.Id} at {store.Address} did not answer within {attempt.Timeout.TotalSeconds:0.#} s");
        }
        catch (NodeUnreachableException e)
        {
            throw new ConnectionFailedException($"store {store.Id} cannot be reached: {e.Message}", e);
        }
    }

    /// <summary>All regions in key order.</summary>
    public async Task<IReadOnlyList<RegionInfo>> ListRegionsAsync(CancellationToken cancellation = default)
    {
        var response = await _cluster.Pd.AskAsync<ScanRegionsResponse>(
            Start("list of regions", cancellation), () => new ScanRegionsRequest()).ConfigureAwait(false);
        return [.. response.Regions.Select(r => Describe(r.Region_, r.Leader))];
    }

    /// <returns>Null if PD knows no such region.</returns>
    public async Task<RegionInfo?> GetRegionAsync(ulong regionId, CancellationToken cancellation = default)
    {
        var call = Start($"look-up of region {regionId}", cancellation);
        var response = await _cluster.Pd.AskAsync<GetRegionResponse>(call, () => new GetRegionByIDRequest { RegionId = regionId })
            .ConfigureAwait(false);
        return response.Region is null ? null : Describe(response.Region, response.Leader);
    }

    /// <summary>The region of a raw key.</summary>
    /// <exception cref="InvalidRequestException">The key is empty or too long.</exception>
    public async Task<RegionInfo?> GetRegionOfKeyAsync(ReadOnlyMemory<byte> key, CancellationToken cancellation = default)
    {
        var regionKey = RegionKeys.FromRawRequestKey(ApiVersion, RequestKey(key));
        var call = Start("look-up of a key's region", cancellation);
        var response = await _cluster.Pd.AskAsync<GetRegionResponse>(call, () => new GetRegionRequest { RegionKey = regionKey })
            .ConfigureAwait(false);
        return response.Region is null ? null : Describe(response.Region, response.Leader);
    }

    /// <summary>Splits the region that holds a raw key, so that a region begins with the key.</summary>
    /// <returns>The regions that came out, in key order.</returns>
    /// <exception cref="InvalidRequestException">The key is empty or too long.</exception>
    /// <exception cref="UndeterminedException">The answer was lost.</exception>
    public async Task<IReadOnlyList<RegionInfo>> SplitRegionAsync(ReadOnlyMemory<byte> key, CancellationToken cancellation = default)
    {
        var requestKey = RequestKey(key);
        var call = _cluster.Start(new Operation("split of the region at key", key), CallKind.ConditionalWrite, cancellation);
        var response = await _cluster.Router.SendAsync<SplitRegionResponse>(
            call, requestKey, () => new SplitRegionRequest { SplitKeys = { requestKey }, IsRawKv = true }).ConfigureAwait(false);
        return [.. response.Regions.Select(region => Describe(region, null))];
    }

    /// <summary>
    /// A timestamp of PD, greater than every one that anybody has been given before this call. Concurrent calls share requests.
    /// </summary>
    /// <returns>Milliseconds since 1970 UTC above 18 bits of a counter.</returns>
    public Task<ulong> GetTimestampAsync(CancellationToken cancellation = default) => _cluster.Timestamps.GetAsync(1, cancellation);

    /// <summary>Consecutive timestamps, of which <see cref="GetTimestampAsync"/> says the rest.</summary>
    /// <param name="count">1 to 262,144.</param>
    /// <returns>The first; each of the others is the one before plus one.</returns>
    /// <exception cref="ArgumentOutOfRangeException"/>
    public Task<ulong> GetTimestampsAsync(int count, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, TimestampLayout.LogicalCount);
        return _cluster.Timestamps.GetAsync(count, cancellation);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private Task<TResponse> ChangeAsync<TResponse>(string what, Func<IPdRequest> build, CancellationToken cancellation)
        where TResponse : class, IPdResponse =>
        _cluster.Pd.ChangeAsync<TResponse>(_cluster.Start(new Operation(what), CallKind.IdempotentWrite, cancellation), build);

    private Call Start(string what, CancellationToken cancellation) => _cluster.Start(new Operation(what), CallKind.Read, cancellation);

    private ByteString RequestKey(ReadOnlyMemory<byte> key) =>
        RequestLimits.CheckKey(key.Span) is { } complaint
            ? throw new InvalidRequestException(complaint)
            : _cluster.Keys.ToRequestKey(key.Span);

    private RegionInfo Describe(Protocol.Metapb.Region region, Peer? leader) =>
        new(region, UserBoundary(region.StartKey), UserBoundary(region.EndKey), leader is { Id: not 0 } ? leader : null);

    private byte[] UserBoundary(ByteString regionKey)
    {
        var requestKey = RegionKeys.ToRawRequestKey(ApiVersion, regionKey);
        return _cluster.Keys.Contains(requestKey) ? _cluster.Keys.ToUserKey(requestKey).ToArray() : [];
    }
}
