using System.Runtime.InteropServices;
using System.Text;

namespace RocksDbSharp;

/// <summary>
/// How to read. RocksDB keeps pointers to the bounds, so this object owns copies of them, and an iterator keeps its options alive. One
/// thread at a time may change it; changing it does not touch iterators made before, except that bounds must stay as they are while one
/// lives.
/// </summary>
public unsafe class ReadOptions
{
    private byte* _lowerBound;
    private byte* _upperBound;

    public ReadOptions() => Handle = NativeMethods.rocksdb_readoptions_create();

    ~ReadOptions()
    {
        NativeMethods.rocksdb_readoptions_destroy(Handle);
        NativeMemory.Free(_lowerBound);
        NativeMemory.Free(_upperBound);
    }

    public IntPtr Handle { get; protected set; }

    /// <summary>The snapshot must stay undisposed while these options are read with.</summary>
    public ReadOptions SetSnapshot(Snapshot snapshot)
    {
        NativeMethods.rocksdb_readoptions_set_snapshot(Handle, snapshot.Handle);
        return this;
    }

    public ReadOptions SetIterateLowerBound(byte* key, ulong keylen)
    {
        _lowerBound = Copy(_lowerBound, key, (nuint)keylen);
        NativeMethods.rocksdb_readoptions_set_iterate_lower_bound(Handle, _lowerBound, (nuint)keylen);
        return this;
    }

    public ReadOptions SetIterateLowerBound(byte[] key, ulong keyLen)
    {
        fixed (byte* bytes = key.AsSpan(0, checked((int)keyLen))) return SetIterateLowerBound(bytes, keyLen);
    }

    public ReadOptions SetIterateLowerBound(byte[] key) => SetIterateLowerBound(key, (ulong)key.Length);

    public ReadOptions SetIterateLowerBound(string stringKey, Encoding encoding = null) =>
        SetIterateLowerBound((encoding ?? Encoding.UTF8).GetBytes(stringKey));

    public ReadOptions SetIterateUpperBound(byte* key, ulong keylen)
    {
        _upperBound = Copy(_upperBound, key, (nuint)keylen);
        NativeMethods.rocksdb_readoptions_set_iterate_upper_bound(Handle, _upperBound, (nuint)keylen);
        return this;
    }

    public ReadOptions SetIterateUpperBound(byte[] key, ulong keyLen)
    {
        fixed (byte* bytes = key.AsSpan(0, checked((int)keyLen))) return SetIterateUpperBound(bytes, keyLen);
    }

    public ReadOptions SetIterateUpperBound(byte[] key) => SetIterateUpperBound(key, (ulong)key.Length);

    public ReadOptions SetIterateUpperBound(string stringKey, Encoding encoding = null) =>
        SetIterateUpperBound((encoding ?? Encoding.UTF8).GetBytes(stringKey));

    public ReadOptions SetVerifyChecksums(bool value)
    {
        NativeMethods.rocksdb_readoptions_set_verify_checksums(Handle, value ? (byte)1 : (byte)0);
        return this;
    }

    public ReadOptions SetFillCache(bool value)
    {
        NativeMethods.rocksdb_readoptions_set_fill_cache(Handle, value ? (byte)1 : (byte)0);
        return this;
    }

    public ReadOptions SetReadTier(int value)
    {
        NativeMethods.rocksdb_readoptions_set_read_tier(Handle, value);
        return this;
    }

    public ReadOptions SetTailing(bool value)
    {
        NativeMethods.rocksdb_readoptions_set_tailing(Handle, value ? (byte)1 : (byte)0);
        return this;
    }

    public ReadOptions SetReadaheadSize(ulong size)
    {
        NativeMethods.rocksdb_readoptions_set_readahead_size(Handle, (nuint)size);
        return this;
    }

    public ReadOptions SetPinData(bool enable)
    {
        NativeMethods.rocksdb_readoptions_set_pin_data(Handle, enable ? (byte)1 : (byte)0);
        return this;
    }

    public ReadOptions SetTotalOrderSeek(bool enable)
    {
        NativeMethods.rocksdb_readoptions_set_total_order_seek(Handle, enable ? (byte)1 : (byte)0);
        return this;
    }

    public ReadOptions SetPrefixSameAsStart(bool prefixSameAsStart)
    {
        NativeMethods.rocksdb_readoptions_set_prefix_same_as_start(Handle, prefixSameAsStart ? (byte)1 : (byte)0);
        return this;
    }

    public ReadOptions SetBackgroundPurgeOnIteratorCleanup(bool value)
    {
        NativeMethods.rocksdb_readoptions_set_background_purge_on_iterator_cleanup(Handle, value ? (byte)1 : (byte)0);
        return this;
    }

    // At least one byte: a null pointer would take the bound away.
    private static byte* Copy(byte* old, byte* key, nuint length)
    {
        var copy = (byte*)NativeMemory.Realloc(old, Math.Max(length, 1));
        NativeMemory.Copy(key, copy, length);
        return copy;
    }
}
