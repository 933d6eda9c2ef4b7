using Google.Protobuf;
using TiKvActors.Client.Calls;
using TiKvActors.Client.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client;

/// <summary>
/// Calls about many keys. They are split by region and size; each part happens by itself, and a failed call may have done some of them.
/// </summary>
public sealed partial class RawClient
{
    /// <summary>What a pair costs in a request beyond its bytes.</summary>
    private const int PairOverheadBytes = 16;

    private const string PartlyDone = " (some of its keys may have been written)";

    /// <returns>A value or null (absent) for each key, in the keys' order.</returns>
    /// <exception cref="InvalidRequestException">A key is empty or too long.</exception>
    public async Task<IReadOnlyList<byte[]?>> BatchGetAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellation = default)
    {
        var items = ItemsOf(keys);
        var values = new byte[]?[keys.Count];
        var call = Start(new Operation($"batch get of {keys.Count} keys"), CallKind.Read, cancellation);
        await new RegionShares(_router, _cluster.Environment).RunAsync(call, items, async (part, region, share) =>
        {
            var response = await _router.TryAsync<RawBatchGetResponse>(
                part, region, () => new RawBatchGetRequest { Keys = { share.Select(i => i.RequestKey) } }).ConfigureAwait(false);
            return response is null ? share : Take(part, response, share, values);
        }).ConfigureAwait(false);
        return values;
    }

    /// <summary>Of several pairs with the same key the last one counts.</summary>
    /// <param name="ttl">Of all pairs, rounded up to whole seconds; null = for ever.</param>
    /// <exception cref="InvalidRequestException">A key, an entry or the TTL is beyond its limit; nothing was written.</exception>
    /// <exception cref="UndeterminedException">Answers were lost.</exception>
    public async Task BatchPutAsync(IReadOnlyList<RawKeyValue> pairs, TimeSpan? ttl = null, CancellationToken cancellation = default)
    {
        foreach (var (key, value) in pairs)
            Check(RequestLimits.CheckEntry(key.Span, value.Length));
        var seconds = TtlSeconds(ttl);
        var last = new Dictionary<ByteString, int>();
        for (var i = 0; i < pairs.Count; i++)
            last[_keys.ToRequestKey(pairs[i].Key.Span)] = i;
        var items =
            last.Select(e => new ShareItem(e.Value, e.Key, e.Key.Length + pairs[e.Value].Value.Length + PairOverheadBytes)).ToList();

        KvPair Pair(ShareItem item) => new() { Key = item.RequestKey, Value = ByteString.CopyFrom(pairs[item.Index].Value.Span) };
        var call = Start(new Operation($"batch put of {pairs.Count} pairs{PartlyDone}"), CallKind.IdempotentWrite, cancellation);
        await new RegionShares(_router, _cluster.Environment).RunAsync(call, items, async (part, region, share) =>
        {
            var response = await _router.TryAsync<RawBatchPutResponse>(part, region, () =>
            {
                var request = new RawBatchPutRequest { Pairs = { share.Select(Pair) } };
                if (seconds > 0)
                    request.Ttls.Add(seconds);
                return request;
            }).ConfigureAwait(false);
            return response is null ? share : [];
        }).ConfigureAwait(false);
    }

    /// <summary>Absent keys are no error.</summary>
    /// <exception cref="InvalidRequestException">A key is empty or too long; nothing was deleted.</exception>
    /// <exception cref="UndeterminedException">Answers were lost.</exception>
    public async Task BatchDeleteAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellation = default)
    {
        var items = ItemsOf(keys);
        var call = Start(new Operation($"batch delete of {keys.Count} keys{PartlyDone}"), CallKind.IdempotentWrite, cancellation);
        await new RegionShares(_router, _cluster.Environment).RunAsync(call, items, async (part, region, share) =>
        {
            var response = await _router.TryAsync<RawBatchDeleteResponse>(
                part, region, () => new RawBatchDeleteRequest { Keys = { share.Select(i => i.RequestKey) } }).ConfigureAwait(false);
            return response is null ? share : [];
        }).ConfigureAwait(false);
    }

    private List<ShareItem> ItemsOf(IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        var items = new List<ShareItem>(keys.Count);
        foreach (var key in keys)
        {
            Check(RequestLimits.CheckKey(key.Span));
            items.Add(new ShareItem(items.Count, _keys.ToRequestKey(key.Span), key.Length + PairOverheadBytes));
        }
        return items;
    }

    /// <returns>The items whose values did not fit into the response.</returns>
    private static List<ShareItem> Take(Call call, RawBatchGetResponse response, IReadOnlyList<ShareItem> share, byte[]?[] values)
    {
        var again = new List<ShareItem>();
        var pairs = new Dictionary<ByteString, KvPair>(response.Pairs.Count);
        foreach (var pair in response.Pairs)
            pairs[pair.Key] = pair;
        foreach (var item in share)
        {
            if (!pairs.TryGetValue(item.RequestKey, out var pair))
                continue;
            if (pair.Error is null)
                values[item.Index] = pair.Value.ToByteArray();
            else
                again.Add(item);
        }
        // Progress is certain only if something fitted.
        return again.Count < share.Count ? again : throw call.Refused($"no value came back: {pairs[share[0].RequestKey].Error.Retryable}");
    }
}
