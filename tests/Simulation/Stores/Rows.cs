using Google.Protobuf;

namespace TiKvActors.Simulation.Stores;

/// <summary>An ordered map that is never changed, only replaced: small, so that a copy costs little. Keys are region keys.</summary>
internal sealed class Rows
{
    public static readonly Rows Empty = new([]);

    private readonly KeyValuePair<ByteString, byte[]>[] _rows;

    private Rows(KeyValuePair<ByteString, byte[]>[] rows) => _rows = rows;

    public ReadOnlySpan<KeyValuePair<ByteString, byte[]>> All => _rows;

    public byte[]? Get(ReadOnlySpan<byte> key) => Find(key) is var at && at >= 0 ? _rows[at].Value : null;

    public Rows With(ByteString key, byte[] value)
    {
        var at = Find(key.Span);
        var row = KeyValuePair.Create(key, value);
        if (at < 0) return new Rows([.. _rows.AsSpan(0, ~at), row, .. _rows.AsSpan(~at)]);
        var rows = (KeyValuePair<ByteString, byte[]>[])_rows.Clone();
        rows[at] = row;
        return new Rows(rows);
    }

    public Rows Without(ByteString key) =>
        Find(key.Span) is var at && at < 0 ? this : new Rows([.. _rows.AsSpan(0, at), .. _rows.AsSpan(at + 1)]);

    /// <param name="end">Exclusive; empty = unbounded.</param>
    public Rows Without(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        var (from, to) = Range(start, end);
        return from >= to ? this : new Rows([.. _rows.AsSpan(0, from), .. _rows.AsSpan(to)]);
    }

    /// <param name="end">Exclusive; empty = unbounded.</param>
    public ReadOnlySpan<KeyValuePair<ByteString, byte[]>> In(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        var (from, to) = Range(start, end);
        return from >= to ? [] : _rows.AsSpan(from, to - from);
    }

    private (int From, int To) Range(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end) =>
        (FirstAtOrAfter(start), end.IsEmpty ? _rows.Length : FirstAtOrAfter(end));

    private int FirstAtOrAfter(ReadOnlySpan<byte> key) => Find(key) is var at && at < 0 ? ~at : at;

    private int Find(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _rows.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = _rows[middle].Key.Span.SequenceCompareTo(key);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }
}
