using System.Runtime.InteropServices;

namespace RocksDbSharp;

/// <summary>
/// The part of RocksDB's C API (rocksdb/c.h of 7.8) that this assembly calls. Flags are bytes ('unsigned char' there), sizes nuint,
/// and every call that can fail fills <c>error</c> with a malloc()ed text or null.
/// </summary>
internal static unsafe partial class NativeMethods
{
    private const string Library = "librocksdb";

    // The run-time package of a distribution installs only the versioned name; newer ones are tried because the C API only grows.
    private static readonly string[] FileNames =
    [
        "librocksdb.so.7.8", "librocksdb.so", "librocksdb.so.8.9", "librocksdb.so.9.10", "librocksdb.dylib", "librocksdb.7.dylib",
        "/opt/homebrew/lib/librocksdb.dylib", "/usr/local/lib/librocksdb.dylib", "rocksdb.dll",
    ];

    static NativeMethods() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, (name, assembly, path) =>
    {
        if (name != Library) return 0;
        foreach (var file in FileNames)
            if (NativeLibrary.TryLoad(file, assembly, path, out var handle))
                return handle;
        throw new DllNotFoundException(
            $"RocksDB's native library is not installed; tried {string.Join(", ", FileNames)}. On Debian and Ubuntu: "
                + "apt install librocksdb7.8");
    });

    [LibraryImport(Library)] public static partial void rocksdb_free(IntPtr pointer);

    // Databases and column families
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial IntPtr rocksdb_open_column_families(
        IntPtr options, string name, int count, string[] names, IntPtr[] familyOptions, [Out] IntPtr[] handles, out IntPtr error);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial IntPtr rocksdb_open_for_read_only_column_families(
        IntPtr options, string name, int count, string[] names, IntPtr[] familyOptions, [Out] IntPtr[] handles, byte errorIfWalExists,
        out IntPtr error);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial IntPtr* rocksdb_list_column_families(IntPtr options, string name, out nuint count, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_list_column_families_destroy(IntPtr* list, nuint count);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial IntPtr rocksdb_create_column_family(IntPtr db, IntPtr options, string name, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_drop_column_family(IntPtr db, IntPtr family, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_column_family_handle_destroy(IntPtr family);
    [LibraryImport(Library)] public static partial void rocksdb_close(IntPtr db);

    // Reads and writes
    [LibraryImport(Library)] public static partial void rocksdb_put(
        IntPtr db, IntPtr options, byte* key, nuint keyLength, byte* value, nuint valueLength, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_put_cf(
        IntPtr db, IntPtr options, IntPtr family, byte* key, nuint keyLength, byte* value, nuint valueLength, out IntPtr error);
    [LibraryImport(Library)]
    public static partial void rocksdb_delete(IntPtr db, IntPtr options, byte* key, nuint keyLength, out IntPtr error);
    [LibraryImport(Library)]
    public static partial void rocksdb_delete_cf(IntPtr db, IntPtr options, IntPtr family, byte* key, nuint keyLength, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_write(IntPtr db, IntPtr options, IntPtr batch, out IntPtr error);
    [LibraryImport(Library)]
    public static partial IntPtr rocksdb_get_pinned(IntPtr db, IntPtr options, byte* key, nuint keyLength, out IntPtr error);
    [LibraryImport(Library)] public static partial IntPtr rocksdb_get_pinned_cf(
        IntPtr db, IntPtr options, IntPtr family, byte* key, nuint keyLength, out IntPtr error);
    [LibraryImport(Library), SuppressGCTransition] public static partial byte* rocksdb_pinnableslice_value(IntPtr slice, out nuint length);
    [LibraryImport(Library)] public static partial void rocksdb_pinnableslice_destroy(IntPtr slice);
    [LibraryImport(Library)] public static partial void rocksdb_multi_get(
        IntPtr db, IntPtr options, nuint count, byte** keys, nuint* keyLengths, byte** values, nuint* valueLengths, IntPtr* errors);
    [LibraryImport(Library)] public static partial void rocksdb_multi_get_cf(
        IntPtr db, IntPtr options, IntPtr* families, nuint count, byte** keys, nuint* keyLengths, byte** values, nuint* valueLengths,
        IntPtr* errors);

    // Iterators: the accessors are a few instructions, so they need no GC transition; what may read a block keeps it.
    [LibraryImport(Library)] public static partial IntPtr rocksdb_create_iterator(IntPtr db, IntPtr options);
    [LibraryImport(Library)] public static partial IntPtr rocksdb_create_iterator_cf(IntPtr db, IntPtr options, IntPtr family);
    [LibraryImport(Library)] public static partial void rocksdb_iter_destroy(IntPtr iterator);
    [LibraryImport(Library), SuppressGCTransition] public static partial byte rocksdb_iter_valid(IntPtr iterator);
    [LibraryImport(Library)] public static partial void rocksdb_iter_seek_to_first(IntPtr iterator);
    [LibraryImport(Library)] public static partial void rocksdb_iter_seek_to_last(IntPtr iterator);
    [LibraryImport(Library)] public static partial void rocksdb_iter_seek(IntPtr iterator, byte* key, nuint length);
    [LibraryImport(Library)] public static partial void rocksdb_iter_seek_for_prev(IntPtr iterator, byte* key, nuint length);
    [LibraryImport(Library)] public static partial void rocksdb_iter_next(IntPtr iterator);
    [LibraryImport(Library)] public static partial void rocksdb_iter_prev(IntPtr iterator);
    [LibraryImport(Library), SuppressGCTransition] public static partial byte* rocksdb_iter_key(IntPtr iterator, out nuint length);
    [LibraryImport(Library), SuppressGCTransition] public static partial byte* rocksdb_iter_value(IntPtr iterator, out nuint length);
    [LibraryImport(Library)] public static partial void rocksdb_iter_get_error(IntPtr iterator, out IntPtr error);

    // Snapshots, checkpoints, maintenance
    [LibraryImport(Library)] public static partial IntPtr rocksdb_create_snapshot(IntPtr db);
    [LibraryImport(Library)] public static partial void rocksdb_release_snapshot(IntPtr db, IntPtr snapshot);
    [LibraryImport(Library)] public static partial IntPtr rocksdb_checkpoint_object_create(IntPtr db, out IntPtr error);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void rocksdb_checkpoint_create(IntPtr checkpoint, string folder, ulong logSizeForFlush, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_checkpoint_object_destroy(IntPtr checkpoint);
    [LibraryImport(Library)]
    public static partial void rocksdb_compact_range(IntPtr db, byte* start, nuint startLength, byte* limit, nuint limitLength);
    [LibraryImport(Library)] public static partial void rocksdb_compact_range_cf(
        IntPtr db, IntPtr family, byte* start, nuint startLength, byte* limit, nuint limitLength);
    [LibraryImport(Library)] public static partial void rocksdb_flush(IntPtr db, IntPtr options, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_flush_cf(IntPtr db, IntPtr options, IntPtr family, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_flush_wal(IntPtr db, byte sync, out IntPtr error);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial IntPtr rocksdb_property_value(IntPtr db, string name);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial IntPtr rocksdb_property_value_cf(IntPtr db, IntPtr family, string name);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void rocksdb_ingest_external_file(IntPtr db, string[] files, nuint count, IntPtr options, out IntPtr error);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial void rocksdb_ingest_external_file_cf(
        IntPtr db, IntPtr family, string[] files, nuint count, IntPtr options, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_approximate_sizes_cf(
        IntPtr db, IntPtr family, int count, byte** starts, nuint* startLengths, byte** limits, nuint* limitLengths, ulong* sizes,
        out IntPtr error);

    // Write batches
    [LibraryImport(Library)] public static partial IntPtr rocksdb_writebatch_create();
    [LibraryImport(Library)] public static partial IntPtr rocksdb_writebatch_create_from(byte* rep, nuint size);
    [LibraryImport(Library)] public static partial void rocksdb_writebatch_destroy(IntPtr batch);
    [LibraryImport(Library)] public static partial void rocksdb_writebatch_clear(IntPtr batch);
    [LibraryImport(Library)] public static partial int rocksdb_writebatch_count(IntPtr batch);
    [LibraryImport(Library)]
    public static partial void rocksdb_writebatch_put(IntPtr batch, byte* key, nuint keyLength, byte* value, nuint valueLength);
    [LibraryImport(Library)] public static partial void rocksdb_writebatch_put_cf(
        IntPtr batch, IntPtr family, byte* key, nuint keyLength, byte* value, nuint valueLength);
    [LibraryImport(Library)] public static partial void rocksdb_writebatch_delete(IntPtr batch, byte* key, nuint keyLength);
    [LibraryImport(Library)]
    public static partial void rocksdb_writebatch_delete_cf(IntPtr batch, IntPtr family, byte* key, nuint keyLength);
    [LibraryImport(Library)]
    public static partial void rocksdb_writebatch_delete_range(IntPtr batch, byte* start, nuint startLength, byte* end, nuint endLength);
    [LibraryImport(Library)] public static partial void rocksdb_writebatch_delete_range_cf(
        IntPtr batch, IntPtr family, byte* start, nuint startLength, byte* end, nuint endLength);
    [LibraryImport(Library)] public static partial byte* rocksdb_writebatch_data(IntPtr batch, out nuint size);
    [LibraryImport(Library)] public static partial void rocksdb_writebatch_set_save_point(IntPtr batch);
    [LibraryImport(Library)] public static partial void rocksdb_writebatch_rollback_to_save_point(IntPtr batch, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_writebatch_pop_save_point(IntPtr batch, out IntPtr error);

    // SST files
    [LibraryImport(Library)] public static partial IntPtr rocksdb_envoptions_create();
    [LibraryImport(Library)] public static partial void rocksdb_envoptions_destroy(IntPtr options);
    [LibraryImport(Library)] public static partial IntPtr rocksdb_sstfilewriter_create(IntPtr envOptions, IntPtr ioOptions);
    [LibraryImport(Library)] public static partial void rocksdb_sstfilewriter_destroy(IntPtr writer);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void rocksdb_sstfilewriter_open(IntPtr writer, string name, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_sstfilewriter_put(
        IntPtr writer, byte* key, nuint keyLength, byte* value, nuint valueLength, out IntPtr error);
    [LibraryImport(Library)]
    public static partial void rocksdb_sstfilewriter_delete(IntPtr writer, byte* key, nuint keyLength, out IntPtr error);
    [LibraryImport(Library)] public static partial void rocksdb_sstfilewriter_finish(IntPtr writer, out IntPtr error);
    [LibraryImport(Library)] public static partial IntPtr rocksdb_ingestexternalfileoptions_create();
    [LibraryImport(Library)] public static partial void rocksdb_ingestexternalfileoptions_destroy(IntPtr options);
    [LibraryImport(Library)] public static partial void rocksdb_ingestexternalfileoptions_set_move_files(IntPtr options, byte value);
    [LibraryImport(Library)]
    public static partial void rocksdb_ingestexternalfileoptions_set_snapshot_consistency(IntPtr options, byte value);
    [LibraryImport(Library)]
    public static partial void rocksdb_ingestexternalfileoptions_set_allow_global_seqno(IntPtr options, byte value);
    [LibraryImport(Library)]
    public static partial void rocksdb_ingestexternalfileoptions_set_allow_blocking_flush(IntPtr options, byte value);
}
