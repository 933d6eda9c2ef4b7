using System.Buffers.Binary;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Storage.Raw;

/// <summary>
/// A raw value as it is stored. No clock here: expiry is absolute, in seconds since 1970 UTC, fixed when the write is proposed.
/// <code>
/// V1      value
/// V1TTL   value  expiry(8, big-endian; 0 = never)
/// V2      value  [expiry(8, big-endian)]  flags(1): bit 0 an expiry precedes, bit 1 deleted
/// </code>
/// (TiKV's V2 keys also end with a timestamp; ours do not, values are replaced in place.)
/// </summary>
public readonly ref struct RawValue
{
    private const byte HasExpiry = 0b01;
    private const byte IsDeleted = 0b10;
    private const int ExpiryBytes = 8;

    private RawValue(ReadOnlySpan<byte> userValue, ulong expiresAt)
    {
        UserValue = userValue;
        ExpiresAt = expiresAt;
    }

    public ReadOnlySpan<byte> UserValue { get; }

    /// <summary>Unix seconds; 0 = never.</summary>
    public ulong ExpiresAt { get; }

    public bool IsExpired(ulong nowSeconds) => ExpiresAt != 0 && ExpiresAt <= nowSeconds;

    /// <summary>Seconds left; 0 for a value that never expires. Not for an expired one.</summary>
    public ulong TtlAt(ulong nowSeconds) => ExpiresAt == 0 ? 0 : ExpiresAt - nowSeconds;

    public static int EncodedLength(APIVersion mode, int userValueLength, ulong expiresAt) => mode switch
    {
        APIVersion.V1 => userValueLength,
        APIVersion.V1Ttl => userValueLength + ExpiryBytes,
        APIVersion.V2 => userValueLength + (expiresAt == 0 ? 0 : ExpiryBytes) + 1,
        _ => throw Unknown(mode),
    };

    /// <param name="expiresAt">Unix seconds; 0 = never.</param>
    /// <exception cref="ArgumentException">
    /// An expiry under V1, which has none: refuse the request before ("ttl is not enabled, but get put request with ttl").
    /// </exception>
    public static byte[] Encode(APIVersion mode, ReadOnlySpan<byte> userValue, ulong expiresAt)
    {
        if (mode == APIVersion.V1 && expiresAt != 0)
            throw new ArgumentException("ttl is not enabled, but get put request with ttl", nameof(expiresAt));
        var stored = new byte[EncodedLength(mode, userValue.Length, expiresAt)];
        userValue.CopyTo(stored);
        var tail = stored.AsSpan(userValue.Length);
        if (mode == APIVersion.V1Ttl) BinaryPrimitives.WriteUInt64BigEndian(tail, expiresAt);
        if (mode != APIVersion.V2 || expiresAt == 0) return stored;
        BinaryPrimitives.WriteUInt64BigEndian(tail, expiresAt);
        tail[ExpiryBytes] = HasExpiry;
        return stored;
    }

    /// <exception cref="CorruptionException">These bytes are no stored value of this mode.</exception>
    public static RawValue Decode(APIVersion mode, ReadOnlySpan<byte> regionKey, ReadOnlySpan<byte> stored)
    {
        switch (mode)
        {
            case APIVersion.V1:
                return new RawValue(stored, 0);
            case APIVersion.V1Ttl when stored.Length >= ExpiryBytes:
                return new RawValue(stored[..^ExpiryBytes], BinaryPrimitives.ReadUInt64BigEndian(stored[^ExpiryBytes..]));
            case APIVersion.V2 when stored is [.. var value, 0]:
                return new RawValue(value, 0);
            case APIVersion.V2 when stored is [.. var value, HasExpiry] && value.Length >= ExpiryBytes:
                return new RawValue(value[..^ExpiryBytes], BinaryPrimitives.ReadUInt64BigEndian(value[^ExpiryBytes..]));
            case APIVersion.V1Ttl or APIVersion.V2:
                var flags = mode == APIVersion.V2 && !stored.IsEmpty
                    ? $", flags {stored[^1]:x2}{((stored[^1] & IsDeleted) != 0 ? " (deleted, which is not stored)" : "")}"
                    : "";
                throw new CorruptionException(
                    "data (default)", regionKey,
                    $"{stored.Length} bytes are no raw value of API mode {mode}{flags}: was the store written in another mode?");
            default:
                throw Unknown(mode);
        }
    }

    private static ArgumentOutOfRangeException Unknown(APIVersion mode) => new(nameof(mode), mode, "no API mode of raw values");
}
