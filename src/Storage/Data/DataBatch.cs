using System.Buffers;
using Google.Protobuf;
using RocksDbSharp;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Storage.Data;

/// <summary>
/// Changes to the data engine that become visible and durable together. Keys are region keys; a later change of a key wins over an earlier
/// one. For one thread at a time.
/// </summary>
public sealed class DataBatch : IDataBatch
{
    private const int StackBytes = 512;

    private readonly DataEngine _engine;

    internal DataBatch(DataEngine engine) => _engine = engine;

    internal WriteBatch Writes { get; } = new();

    public int Count => Writes.Count();

    /// <summary>Bytes of keys and values put since the last <see cref="Clear"/>.</summary>
    public long PutBytes { get; private set; }

    public bool IsEmpty => Count == 0;

    public void Put(ColumnFamily family, ReadOnlySpan<byte> regionKey, ReadOnlySpan<byte> value)
    {
        byte[]? rented = null;
        var length = Keys.DataPrefix(family).Length + regionKey.Length;
        var key = length <= StackBytes ? stackalloc byte[StackBytes] : rented = ArrayPool<byte>.Shared.Rent(length);
        Writes.Put(WithPrefix(family, regionKey, key), value, _engine.Handle(family));
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        PutBytes += regionKey.Length + value.Length;
    }

    public void Delete(ColumnFamily family, ReadOnlySpan<byte> regionKey)
    {
        byte[]? rented = null;
        var length = Keys.DataPrefix(family).Length + regionKey.Length;
        var key = length <= StackBytes ? stackalloc byte[StackBytes] : rented = ArrayPool<byte>.Shared.Rent(length);
        Writes.Delete(WithPrefix(family, regionKey, key), _engine.Handle(family));
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>Deletes [start, end); an empty end is the end of all data. An empty range changes nothing.</summary>
    /// <exception cref="ArgumentException">The range is inverted.</exception>
    public void DeleteRange(ColumnFamily family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        var (from, to) = (Keys.Data(family, start), Keys.DataRangeEnd(family, end));
        var order = from.AsSpan().SequenceCompareTo(to);
        if (order > 0)
            throw new ArgumentException(
                $"inverted range: {Protocol.Keys.KeyText.Brief(start)} is greater than {Protocol.Keys.KeyText.Brief(end)}", nameof(end));
        if (order == 0) return;
        Writes.DeleteRange(from, (ulong)from.Length, to, (ulong)to.Length, _engine.Handle(family));
    }

    public void PutRegionState(RegionLocalState state) => PutLocal(ColumnFamily.Raft, Keys.RegionState(IdOf(state)), state);

    public void PutApplyState(ulong regionId, RaftApplyState state) => PutLocal(ColumnFamily.Raft, Keys.ApplyState(regionId), state);

    public void PutApplyingSnapshot(ulong regionId, ApplyingSnapshot snapshot) =>
        PutLocal(ColumnFamily.Raft, Keys.ApplyingSnapshot(regionId), snapshot);

    public void DeleteApplyingSnapshot(ulong regionId) => Writes.Delete(Keys.ApplyingSnapshot(regionId), _engine.Handle(ColumnFamily.Raft));

    public void DeleteApplyState(ulong regionId) => Writes.Delete(Keys.ApplyState(regionId), _engine.Handle(ColumnFamily.Raft));

    /// <summary>Forgets a region altogether. A Tombstone must stay as long as somebody could still create its peer.</summary>
    public void DeleteRegionState(ulong regionId) => Writes.Delete(Keys.RegionState(regionId), _engine.Handle(ColumnFamily.Raft));

    /// <summary>What follows can be taken back by <see cref="RollbackToSavePoint"/>.</summary>
    public void SetSavePoint() => Writes.SetSavePoint();

    /// <summary>Takes back everything since the last save point, which is used up.</summary>
    public void RollbackToSavePoint() => Writes.RollbackToSavePoint();

    /// <summary>Keeps everything since the last save point, which is used up.</summary>
    public void PopSavePoint() => Writes.PopSavePoint();

    public void Clear()
    {
        Writes.Clear();
        PutBytes = 0;
    }

    public void Dispose() => Writes.Dispose();

    internal void PutLocal(ColumnFamily family, ReadOnlySpan<byte> key, IMessage record) =>
        Writes.Put(key, record.ToByteArray(), _engine.Handle(family));

    private static ReadOnlySpan<byte> WithPrefix(ColumnFamily family, ReadOnlySpan<byte> regionKey, Span<byte> buffer)
    {
        var prefix = Keys.DataPrefix(family);
        prefix.CopyTo(buffer);
        regionKey.CopyTo(buffer[prefix.Length..]);
        return buffer[..(prefix.Length + regionKey.Length)];
    }

    private static ulong IdOf(RegionLocalState state) => state.Region is { Id: not 0 } region
        ? region.Id
        : throw new ArgumentException("a region state needs its region's id", nameof(state));
}
