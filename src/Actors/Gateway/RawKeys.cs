using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Gateway;

/// <summary>
/// What is checked of a raw request before it goes to a region: API mode, keys, sizes, TTL. Every check gives null or a sentence that
/// names the input and the limit.
/// </summary>
internal static class RawKeys
{
    private const int PrefixBytes = 4;

    /// <param name="context">Null: the cluster's mode is meant.</param>
    public static string? CheckMode(Context? context, APIVersion cluster)
    {
        if (context is null || context.ApiVersion == cluster)
            return null;
        if (cluster == APIVersion.V1Ttl && context.ApiVersion == APIVersion.V1)
            return null;
        return $"the request is of API mode {Name(context.ApiVersion)}, the cluster runs {Name(cluster)}: set context.api_version"
            + (cluster == APIVersion.V2 ? " and begin keys with 'r' and the keyspace's three bytes" : "");
    }

    public static string? CheckKey(ByteString key, APIVersion mode) => CheckPrefix(key, mode) ?? RequestLimits.CheckKey(UserKey(key, mode));

    public static string? CheckEntry(ByteString key, long valueBytes, APIVersion mode) =>
        CheckPrefix(key, mode) ?? RequestLimits.CheckEntry(UserKey(key, mode), valueBytes);

    public static string? CheckBound(ByteString key, APIVersion mode)
    {
        if (mode != APIVersion.V2 || key.IsEmpty)
            return key.Length <= RequestLimits.MaxKeyBytes ? null : RequestLimits.CheckKey(key.Span);
        // The end of the last keyspace is the byte after 'r'.
        if (key.Length == 1 && key[0] == RawKeySpace.RawPrefix + 1)
            return null;
        return CheckPrefix(key, mode) ?? RequestLimits.CheckRange(UserKey(key, mode), []);
    }

    /// <summary>[start, end); an empty end is unbounded.</summary>
    public static string? CheckRange(ByteString start, ByteString end, APIVersion mode) =>
        CheckBound(start, mode) ?? CheckBound(end, mode)
        ?? (end.IsEmpty || KeyRange.Compare(start, end) <= 0
            ? null
            : $"inverted range: start {KeyText.Brief(start.Span)} is greater than end {KeyText.Brief(end.Span)}");

    public static string? CheckFamily(string cf) =>
        ColumnFamilies.TryParse(cf, out _) ? null : $"column family \"{cf}\" is unknown: raw data is in default, lock or write";

    /// <param name="ttlSeconds">0 = for ever.</param>
    public static string? CheckTtl(ulong ttlSeconds, APIVersion mode)
    {
        if (ttlSeconds == 0)
            return null;
        if (mode == APIVersion.V1)
            return "ttl is not enabled, but get put request with ttl";
        return RequestLimits.CheckTtl(ttlSeconds > long.MaxValue ? long.MaxValue : (long)ttlSeconds);
    }

    private static string? CheckPrefix(ByteString key, APIVersion mode) =>
        mode != APIVersion.V2 || (key.Length >= PrefixBytes && key[0] == RawKeySpace.RawPrefix)
            ? null
            : $"invalid key mode: key {KeyText.Brief(key.Span)} does not begin with 'r' and the keyspace's three bytes, as raw keys of API mode v2 do";

    private static ReadOnlySpan<byte> UserKey(ByteString key, APIVersion mode) => mode == APIVersion.V2 ? key.Span[PrefixBytes..] : key.Span;

    private static string Name(APIVersion version) => version.ToString().ToLowerInvariant();
}
