using System.Buffers;
using Google.Protobuf;
using RocksDbSharp;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Storage.Data;

/// <summary>
/// The data engine as it was at one moment. Gets may come from several threads; a <see cref="RangeCursor"/> is for one. Disposing is once,
/// and after all cursors.
/// </summary>
public sealed class DataSnapshot : IDataSnapshot
{
    private const int StackBytes = 512;

    private readonly DataEngine _engine;
    private readonly Snapshot _snapshot;
    private readonly ReadOptions _options;
    private int _disposed;

    internal DataSnapshot(DataEngine engine)
    {
        _engine = engine;
        _snapshot = engine.Db.CreateSnapshot();
        _options = engine.RentReadOptions().SetSnapshot(_snapshot);
    }

    internal DataEngine Engine => _engine;

    internal Snapshot Native => _snapshot;

    /// <summary>Null if there is no such key.</summary>
    public byte[]? Get(ColumnFamily family, ReadOnlySpan<byte> regionKey) => Get(family, regionKey, BytesReader.Instance);

    /// <summary>The value without a copy: the reader sees it where RocksDB keeps it. Default (null) if there is no such key.</summary>
    public T? Get<T>(ColumnFamily family, ReadOnlySpan<byte> regionKey, ISpanDeserializer<T> reader)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        byte[]? rented = null;
        var prefix = Keys.DataPrefix(family);
        var length = prefix.Length + regionKey.Length;
        var key = length <= StackBytes ? stackalloc byte[StackBytes] : rented = ArrayPool<byte>.Shared.Rent(length);
        prefix.CopyTo(key);
        regionKey.CopyTo(key[prefix.Length..]);
        var value = _engine.Db.Get(key[..length], reader, _engine.Handle(family), _options);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return value;
    }

    /// <summary>A cursor over the keys in [start, end); an empty end is the end of all data.</summary>
    /// <param name="fillCache">False for reads that would push hot blocks out of the cache, such as a region's snapshot.</param>
    public RangeCursor OpenCursor(ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, bool fillCache = true)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return new RangeCursor(this, family, start, end, fillCache);
    }

    IRangeCursor IDataSnapshot.OpenCursor(ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, bool fillCache) =>
        OpenCursor(family, start, end, fillCache);

    /// <inheritdoc cref="DataEngine.ReadRegionState"/>
    public RegionLocalState? ReadRegionState(ulong regionId) => ReadLocal(Keys.RegionState(regionId), RegionLocalState.Parser);

    /// <inheritdoc cref="DataEngine.ReadRegionState"/>
    public RaftApplyState? ReadApplyState(ulong regionId) => ReadLocal(Keys.ApplyState(regionId), RaftApplyState.Parser);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _engine.ReturnReadOptions(_options);
        _snapshot.Dispose();
        _engine.ExitUse();
    }

    private T? ReadLocal<T>(byte[] key, MessageParser<T> parser) where T : class, IMessage<T>, new()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _engine.Db.Get(
            key, new RecordReader<T>(_engine.NameOf(ColumnFamily.Raft), key, parser), _engine.Handle(ColumnFamily.Raft), _options);
    }
}
