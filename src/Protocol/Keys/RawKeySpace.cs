using Google.Protobuf;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Protocol.Keys;

/// <summary>
/// The raw keys of one keyspace as they stand in requests. Three forms of a key follow from one another:
/// <code>
/// user key     what an application passes                  "abc"
/// request key  in RawGetRequest.key and the like           V2: 'r' keyspace(3, big-endian) user key      V1, V1TTL: user key
/// region key   in region boundaries and the data engine    V2: memcomparable(request key)                V1, V1TTL: user key
/// </code>
/// (The data engine puts its own prefix 'z' before the region key.)
/// </summary>
public sealed class RawKeySpace
{
    public const byte RawPrefix = (byte)'r';
    private const int PrefixBytes = 4;

    private readonly byte[] _prefix;
    private readonly ByteString _first;
    private readonly ByteString _end;

    public RawKeySpace(APIVersion apiVersion, KeyspaceId keyspace)
    {
        ApiVersion = apiVersion;
        Keyspace = keyspace;
        _prefix = apiVersion == APIVersion.V2 ? PrefixOf(RawPrefix, keyspace.Value) : [];
        _first = ByteString.CopyFrom(_prefix);
        _end = apiVersion == APIVersion.V2 ? ByteString.CopyFrom(PrefixAfter(keyspace)) : ByteString.Empty;
    }

    public APIVersion ApiVersion { get; }

    public KeyspaceId Keyspace { get; }

    public ByteString ToRequestKey(ReadOnlySpan<byte> userKey)
    {
        if (_prefix.Length == 0)
            return ByteString.CopyFrom(userKey);
        var key = new byte[PrefixBytes + userKey.Length];
        _prefix.CopyTo(key, 0);
        userKey.CopyTo(key.AsSpan(PrefixBytes));
        return UnsafeByteOperations.UnsafeWrap(key);
    }

    /// <summary>First key of a range; empty = from the keyspace's beginning.</summary>
    public ByteString ToRequestStart(ReadOnlySpan<byte> userStart) => userStart.IsEmpty ? _first : ToRequestKey(userStart);

    /// <summary>Exclusive end of a range; empty = up to the keyspace's end.</summary>
    public ByteString ToRequestEnd(ReadOnlySpan<byte> userEnd) => userEnd.IsEmpty ? _end : ToRequestKey(userEnd);

    /// <summary>Whether a request key is of this keyspace.</summary>
    public bool Contains(ByteString requestKey) => requestKey.Span.StartsWith(_prefix);

    /// <exception cref="FormatException">The key is of another keyspace, or not a raw key of API V2.</exception>
    public ReadOnlyMemory<byte> ToUserKey(ByteString requestKey)
    {
        if (!Contains(requestKey))
            throw new FormatException(
                $"key {KeyText.Brief(requestKey.Span)} does not begin with {KeyText.Escape(_prefix)} (keyspace {Keyspace})");
        return requestKey.Memory[_prefix.Length..];
    }

    private static byte[] PrefixOf(byte mode, uint keyspace) => [mode, (byte)(keyspace >> 16), (byte)(keyspace >> 8), (byte)keyspace];

    private static byte[] PrefixAfter(KeyspaceId keyspace) =>
        keyspace.Value == KeyspaceId.MaxValue ? [RawPrefix + 1] : PrefixOf(RawPrefix, keyspace.Value + 1);
}
