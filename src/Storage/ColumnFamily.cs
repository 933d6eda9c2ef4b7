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
}

public static class ColumnFamilies
{
    /// <summary>The families that hold rows of regions.</summary>
    public static IReadOnlyList<ColumnFamily> OfData { get; } = [ColumnFamily.Default, ColumnFamily.Lock, ColumnFamily.Write];

    public static string NameOf(ColumnFamily family) => family switch
    {
        ColumnFamily.Default => "default",
        ColumnFamily.Lock => "lock",
        ColumnFamily.Write => "write",
        ColumnFamily.Raft => "raft",
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
