using TiKvActors.Protocol.Keys;

namespace TiKvActors.Protocol;

/// <summary>
/// What a request may hold, checked by the client before it sends and by the store before it proposes. Every check returns null or
/// a sentence that names the input and the limit.
/// </summary>
public static class RequestLimits
{
    /// <summary>Of a user key.</summary>
    public const int MaxKeyBytes = 8 * 1024;

    /// <summary>Of one replicated command: keys and values together.</summary>
    public const int MaxEntryBytes = 8 * 1024 * 1024;

    /// <summary>
    /// What an encoded Raft entry may have beyond <see cref="MaxEntryBytes"/>: headers, key encoding, framing of the pairs.
    /// </summary>
    public const int MaxEntryOverheadBytes = 64 * 1024;

    /// <summary>A hundred years.</summary>
    public const long MaxTtlSeconds = 100L * 365 * 24 * 60 * 60;

    public static string? CheckKey(ReadOnlySpan<byte> userKey)
    {
        if (userKey.IsEmpty)
            return "the key is empty: a key has 1 to 8192 bytes";
        return userKey.Length <= MaxKeyBytes ? null
            : $"max key size exceeded: key {KeyText.Brief(userKey)} has {userKey.Length} bytes, the limit is {MaxKeyBytes}";
    }

    public static string? CheckEntry(ReadOnlySpan<byte> userKey, long valueBytes)
    {
        var entryBytes = userKey.Length + valueBytes;
        return CheckKey(userKey) ?? (entryBytes <= MaxEntryBytes ? null
            : $"entry too large: key {KeyText.Brief(userKey)} and its value have {entryBytes} bytes, the limit is {MaxEntryBytes}");
    }

    /// <summary>The bounds of a range: [start, end), each empty for 'no bound'. An empty range (start = end) is allowed.</summary>
    public static string? CheckRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        if (start.Length > MaxKeyBytes)
            return $"max key size exceeded: start {KeyText.Brief(start)} has {start.Length} bytes, the limit is {MaxKeyBytes}";
        if (end.Length > MaxKeyBytes)
            return $"max key size exceeded: end {KeyText.Brief(end)} has {end.Length} bytes, the limit is {MaxKeyBytes}";
        return end.IsEmpty || start.SequenceCompareTo(end) <= 0 ? null
            : $"inverted range: start {KeyText.Brief(start)} is greater than end {KeyText.Brief(end)}";
    }

    /// <param name="seconds">Null = for ever.</param>
    public static string? CheckTtl(long? seconds) => seconds switch
    {
        null => null,
        <= 0 => $"TTL of {seconds} s: a TTL is at least 1 second (leave it out to keep the key for ever)",
        > MaxTtlSeconds => $"TTL of {seconds} s: the limit is {MaxTtlSeconds} s (100 years)",
        _ => null,
    };
}
