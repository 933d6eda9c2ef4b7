using System.Text;

namespace RocksDbSharp;

/// <summary>Changes that are written together or not at all, in their order. For one thread at a time.</summary>
public unsafe class WriteBatch : IDisposable
{
    private IntPtr _handle;

    public WriteBatch() => _handle = NativeMethods.rocksdb_writebatch_create();

    /// <param name="rep">The bytes of another batch, as <see cref="ToBytes()"/> gave them.</param>
    /// <param name="size">How many of them count; -1 for all.</param>
    public WriteBatch(byte[] rep, long size = -1)
    {
        var bytes = size < 0 ? rep.AsSpan() : rep.AsSpan(0, checked((int)size));
        fixed (byte* start = bytes) _handle = NativeMethods.rocksdb_writebatch_create_from(start, (nuint)bytes.Length);
    }

    public IntPtr Handle => _handle;

    internal IntPtr Live => _handle != IntPtr.Zero ? _handle : throw new ObjectDisposedException(nameof(WriteBatch));

    public void Dispose()
    {
        var handle = Interlocked.Exchange(ref _handle, IntPtr.Zero);
        if (handle != IntPtr.Zero) NativeMethods.rocksdb_writebatch_destroy(handle);
    }

    public WriteBatch Clear()
    {
        NativeMethods.rocksdb_writebatch_clear(Live);
        return this;
    }

    public int Count() => NativeMethods.rocksdb_writebatch_count(Live);

    public void Put(byte* key, ulong klen, byte* val, ulong vlen, ColumnFamilyHandle cf = null)
    {
        if (cf == null) NativeMethods.rocksdb_writebatch_put(Live, key, (nuint)klen, val, (nuint)vlen);
        else NativeMethods.rocksdb_writebatch_put_cf(Live, cf.Handle, key, (nuint)klen, val, (nuint)vlen);
    }

    public WriteBatch Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ColumnFamilyHandle cf = null)
    {
        fixed (byte* k = key, v = value) Put(k, (ulong)key.Length, v, (ulong)value.Length, cf);
        return this;
    }

    public WriteBatch Put(byte[] key, byte[] val, ColumnFamilyHandle cf = null) => Put(key.AsSpan(), val.AsSpan(), cf);

    public WriteBatch Put(byte[] key, ulong klen, byte[] val, ulong vlen, ColumnFamilyHandle cf = null) =>
        Put(key.AsSpan(0, checked((int)klen)), val.AsSpan(0, checked((int)vlen)), cf);

    public WriteBatch Put(string key, string val, Encoding encoding = null) =>
        Put((encoding ?? Encoding.UTF8).GetBytes(key).AsSpan(), (encoding ?? Encoding.UTF8).GetBytes(val).AsSpan());

    public void Delete(byte* key, ulong klen, ColumnFamilyHandle cf = null)
    {
        if (cf == null) NativeMethods.rocksdb_writebatch_delete(Live, key, (nuint)klen);
        else NativeMethods.rocksdb_writebatch_delete_cf(Live, cf.Handle, key, (nuint)klen);
    }

    public WriteBatch Delete(ReadOnlySpan<byte> key, ColumnFamilyHandle cf = null)
    {
        fixed (byte* k = key) Delete(k, (ulong)key.Length, cf);
        return this;
    }

    public WriteBatch Delete(byte[] key, ColumnFamilyHandle cf = null) => Delete(key.AsSpan(), cf);

    public WriteBatch Delete(byte[] key, ulong klen, ColumnFamilyHandle cf = null) => Delete(key.AsSpan(0, checked((int)klen)), cf);

    /// <summary>Removes the keys from the first up to, but without, the second.</summary>
    public void DeleteRange(byte* startKey, ulong sklen, byte* endKey, ulong eklen, ColumnFamilyHandle cf = null)
    {
        if (cf == null) NativeMethods.rocksdb_writebatch_delete_range(Live, startKey, (nuint)sklen, endKey, (nuint)eklen);
        else NativeMethods.rocksdb_writebatch_delete_range_cf(Live, cf.Handle, startKey, (nuint)sklen, endKey, (nuint)eklen);
    }

    public WriteBatch DeleteRange(byte[] startKey, ulong sklen, byte[] endKey, ulong eklen, ColumnFamilyHandle cf = null)
    {
        fixed (byte* s = startKey.AsSpan(
            0, checked((int)sklen)), e = endKey.AsSpan(0, checked((int)eklen))) DeleteRange(s, sklen, e, eklen, cf);
        return this;
    }

    public byte[] ToBytes()
    {
        var bytes = NativeMethods.rocksdb_writebatch_data(Live, out var size);
        return new ReadOnlySpan<byte>(bytes, checked((int)size)).ToArray();
    }

    public void SetSavePoint() => NativeMethods.rocksdb_writebatch_set_save_point(Live);

    public void RollbackToSavePoint()
    {
        NativeMethods.rocksdb_writebatch_rollback_to_save_point(Live, out var error);
        RocksDbException.ThrowOn(error);
    }

    public void PopSavePoint()
    {
        NativeMethods.rocksdb_writebatch_pop_save_point(Live, out var error);
        RocksDbException.ThrowOn(error);
    }
}
