namespace TiKvActors.Protocol.Keys;

/// <summary>A keyspace of API V2: three bytes in every key of its raw and its transactional data.</summary>
public readonly record struct KeyspaceId
{
    public const uint MaxValue = 0xFF_FFFF;

    /// <summary>The keyspace named DEFAULT, which exists from the start.</summary>
    public static KeyspaceId Default => default;

    /// <exception cref="ArgumentOutOfRangeException">More than three bytes.</exception>
    public KeyspaceId(uint value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        Value = value;
    }

    public uint Value { get; }

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
