using System.Runtime.InteropServices;
using System.Text;

namespace RocksDbSharp;

public sealed unsafe partial class RocksDb
{
    public byte[] Get(ReadOnlySpan<byte> key, ColumnFamilyHandle cf = null, ReadOptions readOptions = null)
    {
        var slice = GetPinned(key, cf, readOptions);
        if (slice == IntPtr.Zero) return null;
        var value = Value(slice).ToArray();
        NativeMethods.rocksdb_pinnableslice_destroy(slice);
        return value;
    }

    public byte[] Get(byte[] key, ColumnFamilyHandle cf = null, ReadOptions readOptions = null) => Get(key.AsSpan(), cf, readOptions);

    public byte[] Get(byte[] key, long keyLength, ColumnFamilyHandle cf = null, ReadOptions readOptions = null) =>
        Get(key.AsSpan(0, checked((int)keyLength)), cf, readOptions);

    public string Get(string key, ColumnFamilyHandle cf = null, ReadOptions readOptions = null, Encoding encoding = null)
    {
        var value = Get(BytesOf(key, encoding).AsSpan(), cf, readOptions);
        return value == null ? null : (encoding ?? Encoding.UTF8).GetString(value);
    }

    /// <summary>Copies what fits into the buffer and returns the whole length of the value, or -1 where there is none.</summary>
    public long Get(byte[] key, byte[] buffer, long offset, long length, ColumnFamilyHandle cf = null, ReadOptions readOptions = null) =>
        Get(key, key.Length, buffer, offset, length, cf, readOptions);

    public long Get(
        byte[] key, long keyLength, byte[] buffer, long offset, long length, ColumnFamilyHandle cf = null, ReadOptions readOptions = null)
    {
        var target = buffer.AsSpan(checked((int)offset), checked((int)length));
        var slice = GetPinned(key.AsSpan(0, checked((int)keyLength)), cf, readOptions);
        if (slice == IntPtr.Zero) return -1;
        var value = Value(slice);
        var total = value.Length;
        value[..Math.Min(total, target.Length)].CopyTo(target);
        NativeMethods.rocksdb_pinnableslice_destroy(slice);
        return total;
    }

    /// <summary>Hands the value to the deserializer without copying it; default where there is none.</summary>
    public T Get<T>(ReadOnlySpan<byte> key, ISpanDeserializer<T> deserializer, ColumnFamilyHandle cf = null, ReadOptions readOptions = null)
    {
        var slice = GetPinned(key, cf, readOptions);
        if (slice == IntPtr.Zero) return default;
        try
        {
            return deserializer.Deserialize(Value(slice));
        }
        finally
        {
            NativeMethods.rocksdb_pinnableslice_destroy(slice);
        }
    }

    public bool HasKey(ReadOnlySpan<byte> key, ColumnFamilyHandle cf = null, ReadOptions readOptions = null)
    {
        var slice = GetPinned(key, cf, readOptions);
        if (slice == IntPtr.Zero) return false;
        NativeMethods.rocksdb_pinnableslice_destroy(slice);
        return true;
    }

    public bool HasKey(byte[] key, long keyLength, ColumnFamilyHandle cf = null, ReadOptions readOptions = null) =>
        HasKey(key.AsSpan(0, checked((int)keyLength)), cf, readOptions);

    public bool HasKey(string key, ColumnFamilyHandle cf = null, ReadOptions readOptions = null, Encoding encoding = null) =>
        HasKey(BytesOf(key, encoding).AsSpan(), cf, readOptions);

    /// <summary>All values as of one moment, in the order of the keys; null where there is none.</summary>
    public KeyValuePair<byte[], byte[]>[] MultiGet(byte[][] keys, ColumnFamilyHandle[] cf = null, ReadOptions readOptions = null)
    {
        if (cf != null && cf.Length != keys.Length)
            throw new ArgumentException($"{keys.Length} keys, but {cf.Length} column families", nameof(cf));
        var options = readOptions ?? DefaultReadOptions;
        var count = keys.Length;
        var pins = new GCHandle[count];
        var starts = new IntPtr[count];
        var lengths = new nuint[count];
        var values = new IntPtr[count];
        var valueLengths = new nuint[count];
        var errors = new IntPtr[count];
        try
        {
            for (var i = 0; i < count; i++)
            {
                pins[i] = GCHandle.Alloc(keys[i], GCHandleType.Pinned);
                starts[i] = pins[i].AddrOfPinnedObject();
                lengths[i] = (nuint)keys[i].Length;
            }
            fixed (IntPtr* start = starts, value = values, error = errors, family = cf?.Select(f => f.Handle).ToArray())
            fixed (nuint* length = lengths, valueLength = valueLengths)
            {
                if (cf == null)
                    NativeMethods.rocksdb_multi_get(
                        Live, options.Handle, (nuint)count, (byte**)start, length, (byte**)value, valueLength, error);
                else
                    NativeMethods.rocksdb_multi_get_cf(
                        Live, options.Handle, family, (nuint)count, (byte**)start, length, (byte**)value, valueLength, error);
            }
        }
        finally
        {
            foreach (var pin in pins)
                if (pin.IsAllocated)
                    pin.Free();
            GC.KeepAlive(options);
        }

        var pairs = new KeyValuePair<byte[], byte[]>[count];
        RocksDbException failure = null;
        for (var i = 0; i < count; i++)
        {
            if (errors[i] != IntPtr.Zero)
            {
                var one = new RocksDbException(errors[i]);
                failure ??= one;
            }
            var found = values[i] != IntPtr.Zero;
            pairs[i] = new(keys[i], found ? new ReadOnlySpan<byte>((byte*)values[i], checked((int)valueLengths[i])).ToArray() : null);
            if (found) NativeMethods.rocksdb_free(values[i]);
        }
        return failure == null ? pairs : throw failure;
    }

    public KeyValuePair<string, string>[] MultiGet(string[] keys, ColumnFamilyHandle[] cf = null, ReadOptions readOptions = null)
    {
        var pairs = MultiGet(keys.Select(k => BytesOf(k, null)).ToArray(), cf, readOptions);
        return pairs.Select((p, i) => new KeyValuePair<string, string>(keys[i], p.Value == null ? null : Encoding.UTF8.GetString(p.Value)))
            .ToArray();
    }

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ColumnFamilyHandle cf = null, WriteOptions writeOptions = null)
    {
        var options = writeOptions ?? DefaultWriteOptions;
        IntPtr error;
        fixed (byte* k = key, v = value)
        {
            if (cf == null) NativeMethods.rocksdb_put(Live, options.Handle, k, (nuint)key.Length, v, (nuint)value.Length, out error);
            else NativeMethods.rocksdb_put_cf(Live, options.Handle, cf.Handle, k, (nuint)key.Length, v, (nuint)value.Length, out error);
        }
        GC.KeepAlive(options);
        RocksDbException.ThrowOn(error);
    }

    public void Put(byte[] key, byte[] value, ColumnFamilyHandle cf = null, WriteOptions writeOptions = null) =>
        Put(key.AsSpan(), value.AsSpan(), cf, writeOptions);

    public void Put(
        byte[] key, long keyLength, byte[] value, long valueLength, ColumnFamilyHandle cf = null, WriteOptions writeOptions = null) =>
        Put(key.AsSpan(0, checked((int)keyLength)), value.AsSpan(0, checked((int)valueLength)), cf, writeOptions);

    public void Put(string key, string value, ColumnFamilyHandle cf = null, WriteOptions writeOptions = null, Encoding encoding = null) =>
        Put(BytesOf(key, encoding).AsSpan(), BytesOf(value, encoding).AsSpan(), cf, writeOptions);

    public void Remove(ReadOnlySpan<byte> key, ColumnFamilyHandle cf = null, WriteOptions writeOptions = null)
    {
        var options = writeOptions ?? DefaultWriteOptions;
        IntPtr error;
        fixed (byte* k = key)
        {
            if (cf == null) NativeMethods.rocksdb_delete(Live, options.Handle, k, (nuint)key.Length, out error);
            else NativeMethods.rocksdb_delete_cf(Live, options.Handle, cf.Handle, k, (nuint)key.Length, out error);
        }
        GC.KeepAlive(options);
        RocksDbException.ThrowOn(error);
    }

    public void Remove(byte[] key, ColumnFamilyHandle cf = null, WriteOptions writeOptions = null) =>
        Remove(key.AsSpan(), cf, writeOptions);

    public void Remove(byte[] key, long keyLength, ColumnFamilyHandle cf = null, WriteOptions writeOptions = null) =>
        Remove(key.AsSpan(0, checked((int)keyLength)), cf, writeOptions);

    public void Remove(string key, ColumnFamilyHandle cf = null, WriteOptions writeOptions = null) =>
        Remove(BytesOf(key, null).AsSpan(), cf, writeOptions);

    public void Write(WriteBatch writeBatch, WriteOptions writeOptions = null)
    {
        var options = writeOptions ?? DefaultWriteOptions;
        NativeMethods.rocksdb_write(Live, options.Handle, writeBatch.Live, out var error);
        GC.KeepAlive(options);
        RocksDbException.ThrowOn(error);
    }

    // A null key is a NullReferenceException in the real package too.
    private static byte[] BytesOf(string text, Encoding encoding)
    {
        if (text.Length == 0) return [];
        return (encoding ?? Encoding.UTF8).GetBytes(text);
    }

    private static ReadOnlySpan<byte> Value(IntPtr slice)
    {
        var start = NativeMethods.rocksdb_pinnableslice_value(slice, out var length);
        return new ReadOnlySpan<byte>(start, checked((int)length));
    }

    private IntPtr GetPinned(ReadOnlySpan<byte> key, ColumnFamilyHandle cf, ReadOptions readOptions)
    {
        var options = readOptions ?? DefaultReadOptions;
        IntPtr slice, error;
        fixed (byte* k = key)
        {
            slice = cf == null
                ? NativeMethods.rocksdb_get_pinned(Live, options.Handle, k, (nuint)key.Length, out error)
                : NativeMethods.rocksdb_get_pinned_cf(Live, options.Handle, cf.Handle, k, (nuint)key.Length, out error);
        }
        GC.KeepAlive(options);
        RocksDbException.ThrowOn(error);
        return slice;
    }
}
