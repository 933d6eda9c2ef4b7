namespace TiKvActors.Protocol;

/// <summary>
/// TiKV's timestamps: milliseconds since 1970 UTC above a counter of 18 bits. Their order as numbers is the order in which they were issued.
/// </summary>
public static class TimestampLayout
{
    public const int LogicalBits = 18;

    /// <summary>Timestamps of one millisecond.</summary>
    public const long LogicalCount = 1L << LogicalBits;

    /// <summary>Exclusive: the years until 3084.</summary>
    public const long PhysicalCount = 1L << (63 - LogicalBits);

    public static long Compose(long physical, long logical) => (physical << LogicalBits) + logical;

    public static long Physical(long timestamp) => timestamp >> LogicalBits;

    public static long Logical(long timestamp) => timestamp & (LogicalCount - 1);
}
