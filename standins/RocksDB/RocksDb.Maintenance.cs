using System.Text;

namespace RocksDbSharp;

public sealed unsafe partial class RocksDb
{
    /// <summary>
    /// Writes the default family's memtable to a table file. For other families see
    /// <see cref="Native.rocksdb_flush_cf(IntPtr, IntPtr, IntPtr)"/>.
    /// </summary>
    public void Flush(FlushOptions flushOptions)
    {
        NativeMethods.rocksdb_flush(Live, flushOptions.Handle, out var error);
        GC.KeepAlive(flushOptions);
        RocksDbException.ThrowOn(error);
    }

    public void CompactRange(byte[] start, byte[] limit, ColumnFamilyHandle cf = null)
    {
        fixed (byte* s = start, l = limit)
        {
            if (cf == null) NativeMethods.rocksdb_compact_range(Live, s, (nuint)(start?.Length ?? 0), l, (nuint)(limit?.Length ?? 0));
            else NativeMethods.rocksdb_compact_range_cf(Live, cf.Handle, s, (nuint)(start?.Length ?? 0), l, (nuint)(limit?.Length ?? 0));
        }
    }

    public void CompactRange(string start, string limit, ColumnFamilyHandle cf = null, Encoding encoding = null) => CompactRange(
        start == null ? null : (encoding ?? Encoding.UTF8).GetBytes(start),
        limit == null ? null : (encoding ?? Encoding.UTF8).GetBytes(limit),
        cf);

    /// <summary>Null for an unknown property.</summary>
    public string GetProperty(string propertyName) => Native.Instance.rocksdb_property_value_string(Live, propertyName);

    public string GetProperty(string propertyName, ColumnFamilyHandle cf) =>
        Native.Instance.rocksdb_property_value_cf_string(Live, cf.Handle, propertyName);

    public void IngestExternalFiles(string[] files, IngestExternalFileOptions ingestOptions, ColumnFamilyHandle cf = null)
    {
        IntPtr error;
        if (cf == null) NativeMethods.rocksdb_ingest_external_file(Live, files, (nuint)files.Length, ingestOptions.Handle, out error);
        else NativeMethods.rocksdb_ingest_external_file_cf(Live, cf.Handle, files, (nuint)files.Length, ingestOptions.Handle, out error);
        GC.KeepAlive(ingestOptions);
        RocksDbException.ThrowOn(error);
    }
}
