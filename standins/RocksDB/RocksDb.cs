using System.Runtime.InteropServices;

namespace RocksDbSharp;

/// <summary>
/// An open database. All members but <see cref="Dispose"/> may be called by several threads at once. Dispose first releases the iterators
/// and snapshots that are still there; nobody may be inside a call meanwhile, later calls throw <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed unsafe partial class RocksDb : IDisposable
{
    private static readonly ReadOptions DefaultReadOptions = new();
    private static readonly WriteOptions DefaultWriteOptions = new();

    private readonly Dictionary<string, OwnedColumnFamilyHandle> _families = [];
    private readonly HashSet<IDisposable> _children = [];
    private IntPtr _handle;

    private RocksDb(IntPtr handle, string[] names, IntPtr[] families)
    {
        _handle = handle;
        for (var i = 0; i < names.Length; i++) _families.Add(names[i], new OwnedColumnFamilyHandle(families[i]));
    }

    public IntPtr Handle => _handle;

    internal IntPtr Live => _handle != IntPtr.Zero ? _handle : throw new ObjectDisposedException(nameof(RocksDb));

    public static RocksDb Open(OptionsHandle options, string path) => Open(options, path, [ColumnFamilies.DefaultName], [options.Handle]);

    public static RocksDb Open(DbOptions options, string path, ColumnFamilies columnFamilies)
    {
        var db = Open(options, path, columnFamilies.Names.ToArray(), columnFamilies.OptionHandles.ToArray());
        GC.KeepAlive(columnFamilies);
        return db;
    }

    public static RocksDb OpenReadOnly(OptionsHandle options, string path, bool errorIfLogFileExists) =>
        OpenReadOnly(options, path, [ColumnFamilies.DefaultName], [options.Handle], errorIfLogFileExists);

    public static RocksDb OpenReadOnly(DbOptions options, string path, ColumnFamilies columnFamilies, bool errIfLogFileExists)
    {
        var db = OpenReadOnly(options, path, columnFamilies.Names.ToArray(), columnFamilies.OptionHandles.ToArray(), errIfLogFileExists);
        GC.KeepAlive(columnFamilies);
        return db;
    }

    public static IEnumerable<string> ListColumnFamilies(DbOptions options, string name)
    {
        var list = NativeMethods.rocksdb_list_column_families(options.Handle, name, out var count, out var error);
        GC.KeepAlive(options);
        RocksDbException.ThrowOn(error);
        var names = new string[(int)count];
        for (var i = 0; i < names.Length; i++) names[i] = Marshal.PtrToStringUTF8(list[i]);
        NativeMethods.rocksdb_list_column_families_destroy(list, count);
        return names;
    }

    public static bool TryListColumnFamilies(DbOptions options, string name, out string[] columnFamilies)
    {
        try
        {
            columnFamilies = (string[])ListColumnFamilies(options, name);
            return true;
        }
        catch (RocksDbException)
        {
            columnFamilies = [];
            return false;
        }
    }

    public void Dispose()
    {
        if (_handle == IntPtr.Zero) return;
        IDisposable[] children;
        lock (_children) children = [.. _children];
        foreach (var child in children) child.Dispose();
        foreach (var family in _families.Values) family.Destroy();
        _families.Clear();
        NativeMethods.rocksdb_close(Interlocked.Exchange(ref _handle, IntPtr.Zero));
    }

    public ColumnFamilyHandle GetDefaultColumnFamily() => GetColumnFamily(ColumnFamilies.DefaultName);

    public ColumnFamilyHandle GetColumnFamily(string name) =>
        TryGetColumnFamily(name, out var handle)
            ? handle : throw new KeyNotFoundException($"The given column family '{name}' is not open.");

    public bool TryGetColumnFamily(string name, out ColumnFamilyHandle handle)
    {
        lock (_families)
        {
            _families.TryGetValue(name, out var owned);
            handle = owned;
            return owned != null;
        }
    }

    public ColumnFamilyHandle CreateColumnFamily(ColumnFamilyOptions cfOptions, string name)
    {
        var handle = NativeMethods.rocksdb_create_column_family(Live, cfOptions.Handle, name, out var error);
        GC.KeepAlive(cfOptions);
        RocksDbException.ThrowOn(error);
        var family = new OwnedColumnFamilyHandle(handle);
        lock (_families) _families.Add(name, family);
        return family;
    }

    public void DropColumnFamily(string name)
    {
        var family = (OwnedColumnFamilyHandle)GetColumnFamily(name);
        NativeMethods.rocksdb_drop_column_family(Live, family.Handle, out var error);
        RocksDbException.ThrowOn(error);
        lock (_families) _families.Remove(name);
        family.Destroy();
    }

    public Snapshot CreateSnapshot() => new(this);

    public Checkpoint Checkpoint()
    {
        var handle = NativeMethods.rocksdb_checkpoint_object_create(Live, out var error);
        RocksDbException.ThrowOn(error);
        return new Checkpoint(handle);
    }

    public Iterator NewIterator(ColumnFamilyHandle cf = null, ReadOptions readOptions = null)
    {
        var options = readOptions ?? DefaultReadOptions;
        var handle = cf == null
            ? NativeMethods.rocksdb_create_iterator(Live, options.Handle)
            : NativeMethods.rocksdb_create_iterator_cf(Live, options.Handle, cf.Handle);
        return new Iterator(this, handle, options);
    }

    internal void Adopt(IDisposable child)
    {
        lock (_children) _children.Add(child);
    }

    internal void Disown(IDisposable child)
    {
        lock (_children) _children.Remove(child);
    }

    private static RocksDb Open(OptionsHandle options, string path, string[] names, IntPtr[] familyOptions)
    {
        var families = new IntPtr[names.Length];
        var handle = NativeMethods.rocksdb_open_column_families(
            options.Handle, path, names.Length, names, familyOptions, families, out var error);
        GC.KeepAlive(options);
        RocksDbException.ThrowOn(error);
        return new RocksDb(handle, names, families);
    }

    private static RocksDb OpenReadOnly(OptionsHandle options, string path, string[] names, IntPtr[] familyOptions, bool errorIfWalExists)
    {
        var families = new IntPtr[names.Length];
        var handle = NativeMethods.rocksdb_open_for_read_only_column_families(
            options.Handle, path, names.Length, names, familyOptions, families, errorIfWalExists ? (byte)1 : (byte)0, out var error);
        GC.KeepAlive(options);
        RocksDbException.ThrowOn(error);
        return new RocksDb(handle, names, families);
    }
}
