using Google.Protobuf;
using TiKvActors.Client.Calls;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client;

/// <summary>Calls about one key.</summary>
public sealed partial class RawClient
{
    /// <returns>Null if the key is absent.</returns>
    /// <exception cref="InvalidRequestException">The key is empty or too long.</exception>
    public async Task<byte[]?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellation = default)
    {
        Check(RequestLimits.CheckKey(key.Span));
        var requestKey = _keys.ToRequestKey(key.Span);
        var call = Start(new Operation("get of key", key), CallKind.Read, cancellation);
        var response = await _router.SendAsync<RawGetResponse>(call, requestKey, () => new RawGetRequest { Key = requestKey })
            .ConfigureAwait(false);
        return response.NotFound ? null : response.Value.ToByteArray();
    }

    /// <param name="ttl">Rounded up to whole seconds; null = for ever.</param>
    /// <exception cref="InvalidRequestException">Key, entry or TTL beyond its limit.</exception>
    /// <exception cref="UndeterminedException">No try was answered.</exception>
    public async Task PutAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, TimeSpan? ttl = null, CancellationToken cancellation = default)
    {
        Check(RequestLimits.CheckEntry(key.Span, value.Length));
        var seconds = TtlSeconds(ttl);
        var requestKey = _keys.ToRequestKey(key.Span);
        var copy = ByteString.CopyFrom(value.Span);
        var call = Start(new Operation("put of key", key), CallKind.IdempotentWrite, cancellation);
        await _router.SendAsync<RawPutResponse>(call, requestKey, () => new RawPutRequest { Key = requestKey, Value = copy, Ttl = seconds })
            .ConfigureAwait(false);
    }

    /// <summary>An absent key is no error.</summary>
    /// <exception cref="InvalidRequestException">The key is empty or too long.</exception>
    /// <exception cref="UndeterminedException">No try was answered.</exception>
    public async Task DeleteAsync(ReadOnlyMemory<byte> key, CancellationToken cancellation = default)
    {
        Check(RequestLimits.CheckKey(key.Span));
        var requestKey = _keys.ToRequestKey(key.Span);
        var call = Start(new Operation("delete of key", key), CallKind.IdempotentWrite, cancellation);
        await _router.SendAsync<RawDeleteResponse>(call, requestKey, () => new RawDeleteRequest { Key = requestKey }).ConfigureAwait(false);
    }

    /// <summary>Writes <paramref name="value"/> exactly if the present value is <paramref name="expected"/>, as one step.</summary>
    /// <param name="expected">Null: the key must be absent.</param>
    /// <param name="ttl">Rounded up to whole seconds; null = for ever.</param>
    /// <exception cref="InvalidRequestException">Key, entry or TTL beyond its limit.</exception>
    /// <exception cref="UndeterminedException">
    /// An answer was lost; it is not tried again, because that would compare with its own result.
    /// </exception>
    public async Task<RawCasResult> CompareAndSwapAsync(
        ReadOnlyMemory<byte> key, byte[]? expected, ReadOnlyMemory<byte> value, TimeSpan? ttl = null,
        CancellationToken cancellation = default)
    {
        Check(RequestLimits.CheckEntry(key.Span, value.Length) ?? RequestLimits.CheckEntry(key.Span, expected?.Length ?? 0));
        var seconds = TtlSeconds(ttl);
        var requestKey = _keys.ToRequestKey(key.Span);
        var (before, after) = (ByteString.CopyFrom(expected ?? []), ByteString.CopyFrom(value.Span));
        var call = Start(new Operation("compare-and-swap of key", key), CallKind.ConditionalWrite, cancellation);
        var response = await _router.SendAsync<RawCASResponse>(
            call,
            requestKey,
            () => new RawCASRequest
            {
                Key = requestKey,
                PreviousNotExist = expected is null,
                PreviousValue = before,
                Value = after,
                Ttl = seconds
            }).ConfigureAwait(false);
        return response.Succeed
            ? new RawCasResult(true, expected?.ToArray())
            : new RawCasResult(false, response.PreviousNotExist ? null : response.PreviousValue.ToByteArray());
    }

    /// <returns>Null if the key is absent.</returns>
    /// <exception cref="InvalidRequestException">The key is empty or too long.</exception>
    public async Task<RawTtl?> GetTtlAsync(ReadOnlyMemory<byte> key, CancellationToken cancellation = default)
    {
        Check(RequestLimits.CheckKey(key.Span));
        var requestKey = _keys.ToRequestKey(key.Span);
        var call = Start(new Operation("TTL of key", key), CallKind.Read, cancellation);
        var response = await _router.SendAsync<RawGetKeyTTLResponse>(call, requestKey, () => new RawGetKeyTTLRequest { Key = requestKey })
            .ConfigureAwait(false);
        if (response.NotFound)
            return null;
        return new RawTtl(response.Ttl == 0 ? null : TimeSpan.FromSeconds(response.Ttl));
    }
}
