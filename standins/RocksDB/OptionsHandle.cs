namespace RocksDbSharp;

/// <summary>
/// Owner of a native option object. It has no Dispose (the real package's has none); the finalizer destroys it, and the collector is told
/// of its native size so that short-lived options do not pile up.
/// </summary>
public abstract class OptionsHandle
{
    private const long NativeBytes = 2048;

    public OptionsHandle() : this(NativeMethods.rocksdb_options_create())
    {
    }

    internal OptionsHandle(IntPtr handle)
    {
        Handle = handle;
        GC.AddMemoryPressure(NativeBytes);
    }

    ~OptionsHandle()
    {
        Destroy(Handle);
        GC.RemoveMemoryPressure(NativeBytes);
    }

    public IntPtr Handle { get; }

    internal virtual void Destroy(IntPtr handle) => NativeMethods.rocksdb_options_destroy(handle);
}

public class DbOptions : Options<DbOptions>
{
}

public class ColumnFamilyOptions : Options<ColumnFamilyOptions>
{
}

public class FlushOptions : OptionsHandle
{
    public FlushOptions() : base(NativeMethods.rocksdb_flushoptions_create())
    {
    }

    public FlushOptions SetWaitForFlush(bool waitForFlush)
    {
        NativeMethods.rocksdb_flushoptions_set_wait(Handle, waitForFlush ? (byte)1 : (byte)0);
        return this;
    }

    internal override void Destroy(IntPtr handle) => NativeMethods.rocksdb_flushoptions_destroy(handle);
}
