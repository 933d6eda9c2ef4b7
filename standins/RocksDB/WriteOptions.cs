namespace RocksDbSharp;

public class WriteOptions
{
    public WriteOptions() => Handle = NativeMethods.rocksdb_writeoptions_create();

    ~WriteOptions() => NativeMethods.rocksdb_writeoptions_destroy(Handle);

    public IntPtr Handle { get; protected set; }

    /// <summary>Whether a write returns only after the write-ahead log was synced to the disk.</summary>
    public WriteOptions SetSync(bool value)
    {
        NativeMethods.rocksdb_writeoptions_set_sync(Handle, value ? (byte)1 : (byte)0);
        return this;
    }

    public WriteOptions DisableWal(int disable)
    {
        NativeMethods.rocksdb_writeoptions_disable_WAL(Handle, disable);
        return this;
    }
}
