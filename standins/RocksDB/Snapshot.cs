namespace RocksDbSharp;

/// <summary>The state of a database at one moment, kept readable until disposed.</summary>
public class Snapshot : IDisposable
{
    private readonly RocksDb _db;
    private IntPtr _handle;

    internal Snapshot(RocksDb db)
    {
        _db = db;
        _handle = NativeMethods.rocksdb_create_snapshot(db.Live);
        db.Adopt(this);
    }

    public IntPtr Handle => _handle;

    public void Dispose()
    {
        _db.Disown(this);
        var handle = Interlocked.Exchange(ref _handle, IntPtr.Zero);
        if (handle != IntPtr.Zero) NativeMethods.rocksdb_release_snapshot(_db.Live, handle);
    }
}

/// <summary>Makes copies of an open database, with hard links for its tables.</summary>
public class Checkpoint : IDisposable
{
    private IntPtr _handle;

    public Checkpoint(IntPtr handle) => _handle = handle;

    public IntPtr Handle => _handle;

    /// <param name="checkpointDir">Must not exist.</param>
    /// <param name="logSizeForFlush">
    /// Memtables are flushed when the write-ahead logs hold at least so many bytes; below, the logs are copied.
    /// </param>
    public void Save(string checkpointDir, ulong logSizeForFlush = 0)
    {
        ObjectDisposedException.ThrowIf(_handle == IntPtr.Zero, this);
        NativeMethods.rocksdb_checkpoint_create(_handle, checkpointDir, logSizeForFlush, out var error);
        RocksDbException.ThrowOn(error);
    }

    public void Dispose()
    {
        var handle = Interlocked.Exchange(ref _handle, IntPtr.Zero);
        if (handle != IntPtr.Zero) NativeMethods.rocksdb_checkpoint_object_destroy(handle);
    }
}
