namespace TiKvActors.Protocol.Keys;

/// <summary>
/// TiKV's order-preserving encoding of byte strings: groups of eight bytes, zero padded, each followed by 0xFF minus the
/// number of padding bytes. The last group always has padding, so no encoded key is a prefix of another, and a suffix
/// (a timestamp) may follow without disturbing the order.
/// </summary>
public static class Memcomparable
{
    private const int GroupBytes = 8;
    private const int EncodedGroupBytes = GroupBytes + 1;
    private const byte FullGroupMarker = 0xFF;

    public static int EncodedLength(int keyLength) => (keyLength / GroupBytes + 1) * EncodedGroupBytes;

    public static byte[] Encode(ReadOnlySpan<byte> key)
    {
        var encoded = new byte[EncodedLength(key.Length)];
        Encode(key, encoded);
        return encoded;
    }

    /// <summary>Writes <see cref="EncodedLength"/> bytes and returns that number.</summary>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    public static int Encode(ReadOnlySpan<byte> key, Span<byte> destination)
    {
        var length = EncodedLength(key.Length);
        if (destination.Length < length)
            throw new ArgumentException($"needs {length} bytes, has {destination.Length}", nameof(destination));

        var group = destination;
        while (key.Length >= GroupBytes)
        {
            key[..GroupBytes].CopyTo(group);
            group[GroupBytes] = FullGroupMarker;
            key = key[GroupBytes..];
            group = group[EncodedGroupBytes..];
        }
        key.CopyTo(group);
        group[key.Length..GroupBytes].Clear();
        group[GroupBytes] = (byte)(FullGroupMarker - (GroupBytes - key.Length));
        return length;
    }

    /// <summary>Decodes the encoded key at the beginning of <paramref name="encoded"/>; whatever follows it is left alone.</summary>
    /// <returns>False if that is not an encoded key, or not a complete one.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, out byte[] key, out int consumed)
    {
        key = [];
        if (!TryMeasure(encoded, out var keyLength, out consumed))
            return false;
        key = new byte[keyLength];
        CopyGroups(encoded, key);
        return true;
    }

    /// <exception cref="FormatException">Not exactly one encoded key.</exception>
    public static byte[] Decode(ReadOnlySpan<byte> encoded)
    {
        if (!TryDecode(encoded, out var key, out var consumed))
            throw new FormatException($"not a memcomparable key: {KeyText.Brief(encoded)}");
        if (consumed != encoded.Length)
            throw new FormatException($"{encoded.Length - consumed} bytes follow the memcomparable key: {KeyText.Brief(encoded)}");
        return key;
    }

    private static bool TryMeasure(ReadOnlySpan<byte> encoded, out int keyLength, out int consumed)
    {
        keyLength = 0;
        for (consumed = EncodedGroupBytes; consumed <= encoded.Length; consumed += EncodedGroupBytes)
        {
            var group = encoded.Slice(consumed - EncodedGroupBytes, EncodedGroupBytes);
            var padding = FullGroupMarker - group[GroupBytes];
            if (padding > GroupBytes || group.Slice(GroupBytes - padding, padding).ContainsAnyExcept((byte)0))
                return false;
            keyLength += GroupBytes - padding;
            if (padding > 0)
                return true;
        }
        return false;
    }

    private static void CopyGroups(ReadOnlySpan<byte> encoded, Span<byte> key)
    {
        while (!key.IsEmpty)
        {
            var length = Math.Min(GroupBytes, key.Length);
            encoded[..length].CopyTo(key);
            key = key[length..];
            encoded = encoded[EncodedGroupBytes..];
        }
    }
}
