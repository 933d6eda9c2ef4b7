namespace TiKvActors.Storage;

/// <summary>The column families of the data engine. Names and uses are TiKV's.</summary>
public enum ColumnFamily
{
    /// <summary>Raw values, and transactional values too long for a write record.</summary>
    Default,

    /// <summary>Percolator's locks.</summary>
    Lock,

    /// <summary>Percolator's commit and rollback records.</summary>
    Write,

    /// <summary>States of the regions on this store; not replicated.</summary>
    Raft,

    /// <summary>
    /// Rows of the meta group (<see cref="MetaRegion"/>). No family of RocksDB: a range of local keys in default, which no other region's
    /// rows reach.
    /// </summary>
    Meta,
}

public static class ColumnFamilies
{
    private static readonly IReadOnlyList<ColumnFamily> OfMeta = [ColumnFamily.Meta];

    /// <summary>The families that hold rows of regions other than the meta group.</summary>
    public static IReadOnlyList<ColumnFamily> OfData { get; } = [ColumnFamily.Default, ColumnFamily.Lock, ColumnFamily.Write];

    /// <summary>Those of RocksDB.</summary>
    internal static IReadOnlyList<ColumnFamily> Physical { get; } = [.. OfData, ColumnFamily.Raft];

    /// <summary>The families that hold a region's rows.</summary>
    public static IReadOnlyList<ColumnFamily> Of(ulong regionId) => regionId == MetaRegion.Id ? OfMeta : OfData;

    public static string NameOf(ColumnFamily family) => family switch
    {
        ColumnFamily.Default => "default",
        ColumnFamily.Lock => "lock",
        ColumnFamily.Write => "write",
        ColumnFamily.Raft => "raft",
        ColumnFamily.Meta => "meta",
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, null),
    };

    /// <summary>A family that holds rows, by the name in a request; empty stands for default.</summary>
    public static bool TryParse(string name, out ColumnFamily family)
    {
        (family, var known) = name switch
        {
            "" or "default" => (ColumnFamily.Default, true),
            "lock" => (ColumnFamily.Lock, true),
            "write" => (ColumnFamily.Write, true),
            _ => (ColumnFamily.Default, false),
        };
        return known;
    }
}
