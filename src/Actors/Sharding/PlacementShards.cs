using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Sharding;

/// <summary>Of which of a keyspace's data a key is; the letter that API V2 puts before its keys.</summary>
public enum KeyMode
{
    Raw = 'r',
    Txn = 'x',
}

/// <summary>
/// Shards that are ranges of keys: those user keys of one keyspace that begin with the same bytes. A shard's id is the mode letter, the
/// keyspace and these bytes, in hex; a key that is shorter counts as if zeros followed. All ids of a type have one length, their
/// order is that of the ranges, and they do not depend on the cluster's API mode.
/// <code>
///   key "ab" in raw keyspace 1, prefix of 4 bytes      r 000001 61620000
/// </code>
/// A longer prefix places entities more exactly; a coordinator remembers every shard that ever had one, so a shorter one costs less. It is
/// the same on all nodes, and does not change while a cluster runs: which shard an entity is in follows from it.
/// </summary>
public sealed class PlacementShards
{
    public const int MaxPrefixBytes = 32;

    private const int KeyspaceBytes = 3;
    private const int HeadLength = 1 + 2 * KeyspaceBytes;
    private const char Separator = '-';

    private readonly int _prefixBytes;

    /// <param name="prefixBytes">Bytes of a key that decide about its shard: 1 to <see cref="MaxPrefixBytes"/>.</param>
    public PlacementShards(int prefixBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(prefixBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixBytes, MaxPrefixBytes);
        _prefixBytes = prefixBytes;
    }

    /// <summary>Characters of every shard id.</summary>
    public int IdLength => HeadLength + 2 * _prefixBytes;

    /// <param name="keyspace">The default one where the API mode knows none.</param>
    public string ShardId(KeyMode mode, KeyspaceId keyspace, ReadOnlySpan<byte> userKey)
    {
        Span<byte> prefix = stackalloc byte[_prefixBytes];
        prefix.Clear();
        userKey[..Math.Min(userKey.Length, _prefixBytes)].CopyTo(prefix);
        return $"{(char)mode}{keyspace.Value:x6}{Convert.ToHexStringLower(prefix)}";
    }

    /// <summary>An id for an entity that is to live near a key: the shard's, and a name that tells it from others there.</summary>
    public string EntityId(KeyMode mode, KeyspaceId keyspace, ReadOnlySpan<byte> userKey, string name) =>
        $"{ShardId(mode, keyspace, userKey)}{Separator}{name}";

    /// <returns>Null: that is no id of <see cref="EntityId"/> with this length of prefix.</returns>
    public string? ShardIdOf(string entityId) =>
        entityId.Length > IdLength && entityId[IdLength] == Separator && IsShardId(entityId[..IdLength]) ? entityId[..IdLength] : null;

    /// <summary>Whether it is an id of <see cref="ShardId"/>, with any length of prefix.</summary>
    public static bool IsShardId(string text) => TryParse(text, out _, out _, out _);

    /// <summary>The smallest user key of a shard's range; empty: its keyspace's first.</summary>
    /// <exception cref="FormatException">That is no shard's id.</exception>
    public static ByteString StartOf(string shardId) => ByteString.CopyFrom(Parse(shardId).Start);

    /// <summary>The region key (<see cref="RawKeySpace"/>) of <see cref="StartOf"/>.</summary>
    /// <exception cref="FormatException">That is no shard's id.</exception>
    public static ByteString RegionKeyOf(string shardId, APIVersion apiVersion)
    {
        var (mode, keyspace, start) = Parse(shardId);
        if (apiVersion != APIVersion.V2)
            return UnsafeByteOperations.UnsafeWrap(mode == KeyMode.Txn ? Memcomparable.Encode(start) : start);
        var requestKey = new byte[1 + KeyspaceBytes + start.Length];
        BinaryPrimitives.WriteUInt32BigEndian(requestKey, keyspace.Value);
        requestKey[0] = (byte)mode;
        start.CopyTo(requestKey, 1 + KeyspaceBytes);
        return UnsafeByteOperations.UnsafeWrap(Memcomparable.Encode(requestKey));
    }

    private static (KeyMode Mode, KeyspaceId Keyspace, byte[] Start) Parse(string shardId) =>
        TryParse(shardId, out var mode, out var keyspace, out var start)
            ? (mode, keyspace, start)
            : throw new FormatException($"\"{shardId}\" is no shard of placement keys");

    private static bool TryParse(string text, out KeyMode mode, out KeyspaceId keyspace, out byte[] start)
    {
        (mode, keyspace, start) = (default, default, []);
        var digits = text.Length - HeadLength;
        if (digits < 2 || digits > 2 * MaxPrefixBytes || digits % 2 != 0 || text[0] is not ((char)KeyMode.Raw or (char)KeyMode.Txn)
            || !text.AsSpan(1).ContainsOnlyLowerHex())
            return false;
        mode = (KeyMode)text[0];
        keyspace = new KeyspaceId(uint.Parse(text.AsSpan(1, HeadLength - 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        // The zeros at the end stand for no bytes as well, and without them the key is smaller.
        start = Convert.FromHexString(text.AsSpan(HeadLength)).AsSpan().TrimEnd((byte)0).ToArray();
        return true;
    }
}

file static class Hex
{
    public static bool ContainsOnlyLowerHex(this ReadOnlySpan<char> text) => !text.ContainsAnyExcept("0123456789abcdef");
}
