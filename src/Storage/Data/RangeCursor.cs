using RocksDbSharp;

namespace TiKvActors.Storage.Data;

/// <summary>
/// Walks the keys of one family in [start, end), in either direction:
/// <c>for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())</c>. Keys are region keys. A read error comes out of <see cref="Valid"/>.
/// For one thread at a time.
/// </summary>
public sealed class RangeCursor : IRangeCursor
{
    private readonly DataEngine _engine;
    private readonly ReadOptions _options;
    private readonly Iterator _iterator;
    private readonly ColumnFamily _family;
    private readonly int _prefixBytes;
    private readonly byte[] _start;
    private readonly byte[] _end;
    private bool _disposed;

    internal RangeCursor(DataSnapshot snapshot, ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, bool fillCache)
    {
        _engine = snapshot.Engine;
        _family = family;
        _prefixBytes = Keys.DataPrefix(family).Length;
        _start = Keys.Data(family, start);
        _end = Keys.DataRangeEnd(family, end);
        // RocksDB does not like inverted bounds; an inverted range holds nothing.
        if (_end.AsSpan().SequenceCompareTo(_start) < 0) _end = _start;
        _options = _engine.RentReadOptions().SetSnapshot(snapshot.Native).SetIterateLowerBound(_start).SetIterateUpperBound(_end)
            .SetFillCache(fillCache);
        _iterator = _engine.Db.NewIterator(_engine.Handle(family), _options);
    }

    /// <exception cref="RocksDbException">The last move failed: a disk error or a damaged file.</exception>
    public bool Valid
    {
        get
        {
            if (_iterator.Valid()) return true;
            // With the real package an iterator that failed only looks like one at its end.
            Native.Instance.rocksdb_iter_get_error(_iterator.Handle);
            return false;
        }
    }

    /// <summary>Valid until the cursor moves.</summary>
    public ReadOnlySpan<byte> Key => _iterator.GetKeySpan()[_prefixBytes..];

    /// <summary>Valid until the cursor moves.</summary>
    public ReadOnlySpan<byte> Value => _iterator.GetValueSpan();

    public void SeekToFirst() => _iterator.SeekToFirst();

    public void SeekToLast() => _iterator.SeekToLast();

    /// <summary>To the first key at or after the given one.</summary>
    public void Seek(ReadOnlySpan<byte> regionKey) => _iterator.Seek(Keys.Data(_family, regionKey));

    /// <summary>To the last key at or before the given one.</summary>
    public void SeekForPrev(ReadOnlySpan<byte> regionKey) => _iterator.SeekForPrev(Keys.Data(_family, regionKey));

    public void Next() => _iterator.Next();

    public void Prev() => _iterator.Prev();

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _iterator.Dispose();
        _engine.ReturnReadOptions(_options.SetFillCache(true));
    }
}
