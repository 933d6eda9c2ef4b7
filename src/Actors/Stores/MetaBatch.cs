using Google.Protobuf;
using TiKvActors.Actors.Journal;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Stores;

/// <summary>The meta group's part of a batch. RocksDB's batches cannot be read, so what is in the batch is kept beside it.</summary>
internal sealed class MetaBatch(IDataEngine engine, IDataBatch writes) : IMetaRows
{
    /// <summary>Null for a deleted key. Counts before <see cref="_deletedRanges"/>.</summary>
    private readonly Dictionary<ByteString, byte[]?> _changed = [];
    private readonly List<(byte[] Start, byte[] End)> _deletedRanges = [];

    public byte[]? Get(byte[] key)
    {
        if (_changed.TryGetValue(ByteString.CopyFrom(key), out var value))
            return value;
        if (_deletedRanges.Any(r => IsWithin(key, r.Start, r.End)))
            return null;
        using var snapshot = engine.NewSnapshot();
        return snapshot.Get(ColumnFamily.Meta, key);
    }

    public void Put(byte[] key, byte[] value)
    {
        _changed[ByteString.CopyFrom(key)] = value;
        writes.Put(ColumnFamily.Meta, key, value);
    }

    public void Delete(byte[] key)
    {
        _changed[ByteString.CopyFrom(key)] = null;
        writes.Delete(ColumnFamily.Meta, key);
    }

    public void DeleteRange(byte[] start, byte[] end)
    {
        foreach (var key in _changed.Keys.Where(k => IsWithin(k.Span, start, end)).ToList())
            _changed.Remove(key);
        _deletedRanges.Add((start, end));
        writes.DeleteRange(ColumnFamily.Meta, start, end);
    }

    /// <summary>The batch is written.</summary>
    public void Clear()
    {
        _changed.Clear();
        _deletedRanges.Clear();
    }

    private static bool IsWithin(ReadOnlySpan<byte> key, byte[] start, byte[] end) =>
        key.SequenceCompareTo(start) >= 0 && key.SequenceCompareTo(end) < 0;
}
