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

    // Of a bound's user key: a scan goes on from the successor of the last key it found, which may be a longest one.
    private const int MaxBoundBytes = RequestLimits.MaxKeyBytes + 1;

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

    /// <summary>
    /// [start, end). In V1 an empty end is unbounded. In V2 both bounds are of one keyspace, or the end is where the next one begins:
    /// beyond are other tenants' rows, and transactional data that is no raw row at all.
    /// </summary>
    public static string? CheckRange(ByteString start, ByteString end, APIVersion mode)
    {
        if (mode == APIVersion.V2 && CheckBounds(start, end) is { } outside)
            return outside;
        return CheckBound(start, mode) ?? CheckBound(end, mode)
            ?? (end.IsEmpty || KeyRange.Compare(start, end) <= 0
                ? null
                : $"inverted range: start {KeyText.Brief(start.Span)} is greater than end {KeyText.Brief(end.Span)}");
    }

    private static string? CheckBounds(ByteString start, ByteString end)
    {
        if (start.IsEmpty || end.IsEmpty)
            return $"the range from {KeyText.Brief(start.Span)} to {KeyText.Brief(end.Span)} lacks a bound: "
                + "in API mode v2 both begin with 'r' and the keyspace's three bytes";
        if (CheckPrefix(start, APIVersion.V2) is { } refusal)
            return refusal;
        var keyspace = new RawKeySpace(APIVersion.V2, new KeyspaceId(((uint)start[1] << 16) | ((uint)start[2] << 8) | start[3]));
        if (keyspace.Contains(end) || end.Equals(keyspace.ToRequestEnd([])) || KeyRange.Compare(start, end) > 0)
            return null;
        return $"the range from {KeyText.Brief(start.Span)} to {KeyText.Brief(end.Span)} leaves keyspace {keyspace.Keyspace}: "
            + "in API mode v2 it ends at the latest where the next keyspace begins";
    }

    private static string? CheckBound(ByteString key, APIVersion mode)
    {
        // The end of the last keyspace is the byte after 'r'.
        if (mode == APIVersion.V2 && key.Length == 1 && key[0] == RawKeySpace.RawPrefix + 1)
            return null;
        return CheckPrefix(key, mode) ?? (UserKey(key, mode).Length <= MaxBoundBytes ? null : RequestLimits.CheckKey(UserKey(key, mode)));
    }

    public static string? CheckFamily(string cf) =>
        ColumnFamilies.TryParse(cf, out _) ? null : $"column family \"{cf}\" is unknown: raw data is in default, lock or write";

    /// <summary>Of a name that <see cref="CheckFamily"/> has let pass.</summary>
    public static ColumnFamily Family(string cf) =>
        ColumnFamilies.TryParse(cf, out var family) ? family : throw new ArgumentException(CheckFamily(cf), nameof(cf));

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
            : $"invalid key mode: key {KeyText.Brief(key.Span)} does not begin with 'r' and the keyspace's three bytes, "
                + "as raw keys of API mode v2 do";

    private static ReadOnlySpan<byte> UserKey(ByteString key, APIVersion mode) =>
        mode == APIVersion.V2 ? key.Span[PrefixBytes..] : key.Span;

    private static string Name(APIVersion version) => version.ToString().ToLowerInvariant();
}
