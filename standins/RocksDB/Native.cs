using System.Runtime.InteropServices;

namespace RocksDbSharp;

/// <summary>
/// RocksDB's C API under its own names, for what the classes of this assembly do not wrap. Handles are checked by nobody.
/// </summary>
public abstract unsafe class Native
{
    public static Native Instance = new Bindings();

    // Public in the real package, where the subclass is made at run time.
    public Native()
    {
    }

    public abstract void rocksdb_flush_wal(IntPtr db, bool sync, out IntPtr errptr);

    public abstract void rocksdb_flush_cf(IntPtr db, IntPtr options, IntPtr column_family, out IntPtr errptr);

    public abstract void rocksdb_iter_get_error(IntPtr iterator, out IntPtr errptr);

    public abstract IntPtr rocksdb_get_pinned(IntPtr db, IntPtr options, byte* key, UIntPtr keylen, out IntPtr errptr);

    public abstract IntPtr rocksdb_get_pinned_cf(
        IntPtr db, IntPtr options, IntPtr column_family, byte* key, UIntPtr keylen, out IntPtr errptr);

    public abstract IntPtr rocksdb_pinnableslice_value(IntPtr t, out UIntPtr vlen);

    public abstract void rocksdb_pinnableslice_destroy(IntPtr v);

    public abstract void rocksdb_approximate_sizes_cf(
        IntPtr db, IntPtr column_family, int num_ranges, IntPtr range_start_key, IntPtr range_start_key_len, IntPtr range_limit_key,
        IntPtr range_limit_key_len, IntPtr sizes, out IntPtr errptr);

    public abstract void rocksdb_free(IntPtr ptr);

    public void rocksdb_flush_wal(IntPtr db, bool sync)
    {
        rocksdb_flush_wal(db, sync, out var error);
        RocksDbException.ThrowOn(error);
    }

    public void rocksdb_flush_cf(IntPtr db, IntPtr options, IntPtr column_family)
    {
        rocksdb_flush_cf(db, options, column_family, out var error);
        RocksDbException.ThrowOn(error);
    }

    public void rocksdb_iter_get_error(IntPtr iterator)
    {
        rocksdb_iter_get_error(iterator, out var error);
        RocksDbException.ThrowOn(error);
    }

    public IntPtr rocksdb_get_pinned(IntPtr db, IntPtr options, byte* key, UIntPtr keylen)
    {
        var slice = rocksdb_get_pinned(db, options, key, keylen, out var error);
        RocksDbException.ThrowOn(error);
        return slice;
    }

    public IntPtr rocksdb_get_pinned_cf(IntPtr db, IntPtr options, IntPtr column_family, byte* key, UIntPtr keylen)
    {
        var slice = rocksdb_get_pinned_cf(db, options, column_family, key, keylen, out var error);
        RocksDbException.ThrowOn(error);
        return slice;
    }

    public void rocksdb_approximate_sizes_cf(
        IntPtr db, IntPtr column_family, int num_ranges, IntPtr range_start_key, IntPtr range_start_key_len, IntPtr range_limit_key,
        IntPtr range_limit_key_len, IntPtr sizes)
    {
        rocksdb_approximate_sizes_cf(
            db, column_family, num_ranges, range_start_key, range_start_key_len, range_limit_key, range_limit_key_len, sizes,
            out var error);
        RocksDbException.ThrowOn(error);
    }

    public string rocksdb_property_value_string(IntPtr db, string propname) =>
        TakeString(NativeMethods.rocksdb_property_value(db, propname));

    public string rocksdb_property_value_cf_string(IntPtr db, IntPtr column_family, string propname) =>
        TakeString(NativeMethods.rocksdb_property_value_cf(db, column_family, propname));

    private static string TakeString(IntPtr text)
    {
        if (text == IntPtr.Zero) return null;
        var copy = Marshal.PtrToStringUTF8(text);
        NativeMethods.rocksdb_free(text);
        return copy;
    }

    private sealed class Bindings : Native
    {
        public override void rocksdb_flush_wal(IntPtr db, bool sync, out IntPtr errptr) =>
            NativeMethods.rocksdb_flush_wal(db, sync ? (byte)1 : (byte)0, out errptr);

        public override void rocksdb_flush_cf(IntPtr db, IntPtr options, IntPtr column_family, out IntPtr errptr) =>
            NativeMethods.rocksdb_flush_cf(db, options, column_family, out errptr);

        public override void rocksdb_iter_get_error(IntPtr iterator, out IntPtr errptr) =>
            NativeMethods.rocksdb_iter_get_error(iterator, out errptr);

        public override IntPtr rocksdb_get_pinned(IntPtr db, IntPtr options, byte* key, UIntPtr keylen, out IntPtr errptr) =>
            NativeMethods.rocksdb_get_pinned(db, options, key, keylen, out errptr);

        public override IntPtr rocksdb_get_pinned_cf(
            IntPtr db, IntPtr options, IntPtr column_family, byte* key, UIntPtr keylen, out IntPtr errptr) =>
            NativeMethods.rocksdb_get_pinned_cf(db, options, column_family, key, keylen, out errptr);

        public override IntPtr rocksdb_pinnableslice_value(IntPtr t, out UIntPtr vlen) =>
            (IntPtr)NativeMethods.rocksdb_pinnableslice_value(t, out vlen);

        public override void rocksdb_pinnableslice_destroy(IntPtr v) => NativeMethods.rocksdb_pinnableslice_destroy(v);

        public override void rocksdb_approximate_sizes_cf(
            IntPtr db, IntPtr column_family, int num_ranges, IntPtr range_start_key, IntPtr range_start_key_len, IntPtr range_limit_key,
            IntPtr range_limit_key_len, IntPtr sizes, out IntPtr errptr) =>
            NativeMethods.rocksdb_approximate_sizes_cf(
                db, column_family, num_ranges, (byte**)range_start_key, (nuint*)range_start_key_len, (byte**)range_limit_key,
                (nuint*)range_limit_key_len, (ulong*)sizes, out errptr);

        public override void rocksdb_free(IntPtr ptr) => NativeMethods.rocksdb_free(ptr);
    }
}
