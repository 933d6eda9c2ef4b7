namespace TiKvActors.Client;

/// <summary>A pair to be written.</summary>
public readonly record struct RawKeyValue(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value);

/// <summary>A pair that was read.</summary>
/// <param name="Value">Empty in scans for keys only.</param>
public readonly record struct RawPair(byte[] Key, byte[] Value);

/// <summary>How long a key lives on.</summary>
/// <param name="Remaining">Null = for ever.</param>
public readonly record struct RawTtl(TimeSpan? Remaining);

/// <param name="Swapped">The new value was written.</param>
/// <param name="Previous">The value before the call; null if the key was absent.</param>
public readonly record struct RawCasResult(bool Swapped, byte[]? Previous);

/// <summary>Of all live keys in a range, each with its value. Equal data has equal checksums, however it is split into regions.</summary>
/// <param name="Crc64Xor">The exclusive or of a CRC-64/XZ per pair.</param>
/// <param name="TotalBytes">Of keys (as in requests) and values.</param>
public readonly record struct RawChecksum(ulong Crc64Xor, ulong TotalKeys, ulong TotalBytes);

/// <summary>[Start, End); empty = no bound.</summary>
public readonly record struct RawRange(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte> End);

public sealed record RawScanOptions
{
    /// <summary>Null = all.</summary>
    public int? Limit { get; init; }

    /// <summary>From the range's end to its start.</summary>
    public bool Reverse { get; init; }

    public bool KeysOnly { get; init; }
}
