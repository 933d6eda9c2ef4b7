using System.Collections.Immutable;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;

namespace TiKvActors.Simulation.Stores;

/// <summary>All that a data engine holds at one moment. Immutable.</summary>
internal sealed record DataState
{
    public static readonly DataState Empty = new();

    public Rows Default { get; init; } = Rows.Empty;

    public Rows Lock { get; init; } = Rows.Empty;

    public Rows Write { get; init; } = Rows.Empty;

    public ImmutableSortedDictionary<ulong, RegionLocalState> Regions { get; init; } =
        ImmutableSortedDictionary<ulong, RegionLocalState>.Empty;

    public ImmutableSortedDictionary<ulong, RaftApplyState> Applied { get; init; } = ImmutableSortedDictionary<ulong, RaftApplyState>.Empty;

    public ImmutableSortedDictionary<ulong, ApplyingSnapshot> Applying { get; init; } =
        ImmutableSortedDictionary<ulong, ApplyingSnapshot>.Empty;

    public Rows this[ColumnFamily family] => family switch
    {
        ColumnFamily.Default => Default,
        ColumnFamily.Lock => Lock,
        ColumnFamily.Write => Write,
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, null),
    };

    public DataState With(ColumnFamily family, Rows rows) => family switch
    {
        ColumnFamily.Default => this with { Default = rows },
        ColumnFamily.Lock => this with { Lock = rows },
        ColumnFamily.Write => this with { Write = rows },
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, null),
    };

    /// <summary>What replicas must agree on at equal applied index: the region itself, and its rows in all families.</summary>
    public ulong HashOf(Protocol.Metapb.Region region)
    {
        var hash = 0xcbf29ce484222325ul;
        hash = Mix(Mix(Mix(hash, region.Id), region.RegionEpoch.Version), region.RegionEpoch.ConfVer);
        hash = Mix(Mix(hash, region.StartKey.Span), region.EndKey.Span);
        foreach (var family in ColumnFamilies.OfData)
        {
            hash = Mix(hash, (ulong)family);
            foreach (var row in this[family].In(region.StartKey.Span, region.EndKey.Span)) hash = Mix(Mix(hash, row.Key.Span), row.Value);
        }

        return hash;
    }

    private static ulong Mix(ulong hash, ulong value) => (hash ^ value) * 0x100000001b3;

    private static ulong Mix(ulong hash, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes) hash = (hash ^ b) * 0x100000001b3;
        return Mix(hash, (ulong)bytes.Length);
    }
}
