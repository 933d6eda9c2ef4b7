using System.Text;

namespace RocksDbSharp;

public class EnvOptions
{
    public EnvOptions() => Handle = NativeMethods.rocksdb_envoptions_create();

    ~EnvOptions() => NativeMethods.rocksdb_envoptions_destroy(Handle);

    public IntPtr Handle { get; protected set; }
}

/// <summary>Writes a table file outside of any database; keys must come in ascending order.</summary>
public unsafe class SstFileWriter : IDisposable
{
    // The native writer refers to them.
    private readonly EnvOptions _envOptions;
    private readonly ColumnFamilyOptions _ioOptions;
    private IntPtr _handle;

    public SstFileWriter(EnvOptions envOptions = null, ColumnFamilyOptions ioOptions = null)
    {
        _envOptions = envOptions ?? new EnvOptions();
        _ioOptions = ioOptions ?? new ColumnFamilyOptions();
        _handle = NativeMethods.rocksdb_sstfilewriter_create(_envOptions.Handle, _ioOptions.Handle);
    }

    public IntPtr Handle
    {
        get => _handle;
        protected set => _handle = value;
    }

    private IntPtr Live => _handle != IntPtr.Zero ? _handle : throw new ObjectDisposedException(nameof(SstFileWriter));

    public void Open(string filename)
    {
        NativeMethods.rocksdb_sstfilewriter_open(Live, filename, out var error);
        RocksDbException.ThrowOn(error);
    }

    public void Put(byte[] key, byte[] val)
    {
        IntPtr error;
        fixed (byte* k = key, v = val) NativeMethods.rocksdb_sstfilewriter_put(Live, k, (nuint)key.Length, v, (nuint)val.Length, out error);
        RocksDbException.ThrowOn(error);
    }

    public void Add(byte[] key, byte[] val) => Put(key, val);

    public void Add(string key, string val) => Put(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(val));

    public void Delete(byte[] key)
    {
        IntPtr error;
        fixed (byte* k = key) NativeMethods.rocksdb_sstfilewriter_delete(Live, k, (nuint)key.Length, out error);
        RocksDbException.ThrowOn(error);
    }

    /// <summary>Writes the index and syncs the file. A file without keys is an error.</summary>
    public void Finish()
    {
        NativeMethods.rocksdb_sstfilewriter_finish(Live, out var error);
        RocksDbException.ThrowOn(error);
    }

    public void Dispose()
    {
        var handle = Interlocked.Exchange(ref _handle, IntPtr.Zero);
        if (handle != IntPtr.Zero) NativeMethods.rocksdb_sstfilewriter_destroy(handle);
        GC.KeepAlive(_envOptions);
        GC.KeepAlive(_ioOptions);
    }
}

public class IngestExternalFileOptions
{
    public IngestExternalFileOptions() => Handle = NativeMethods.rocksdb_ingestexternalfileoptions_create();

    ~IngestExternalFileOptions() => NativeMethods.rocksdb_ingestexternalfileoptions_destroy(Handle);

    public IntPtr Handle { get; protected set; }

    /// <summary>Whether files are moved (hard-linked) into the database rather than copied.</summary>
    public IngestExternalFileOptions SetMoveFiles(bool moveFiles)
    {
        NativeMethods.rocksdb_ingestexternalfileoptions_set_move_files(Handle, moveFiles ? (byte)1 : (byte)0);
        return this;
    }

    public IngestExternalFileOptions SetSnapshotConsistency(bool snapshotConsistency)
    {
        NativeMethods.rocksdb_ingestexternalfileoptions_set_snapshot_consistency(Handle, snapshotConsistency ? (byte)1 : (byte)0);
        return this;
    }

    public IngestExternalFileOptions SetAllowGlobalSeqno(bool allow)
    {
        NativeMethods.rocksdb_ingestexternalfileoptions_set_allow_global_seqno(Handle, allow ? (byte)1 : (byte)0);
        return this;
    }

    public IngestExternalFileOptions SetAllowBlockingFlush(bool allow)
    {
        NativeMethods.rocksdb_ingestexternalfileoptions_set_allow_blocking_flush(Handle, allow ? (byte)1 : (byte)0);
        return this;
    }
}
