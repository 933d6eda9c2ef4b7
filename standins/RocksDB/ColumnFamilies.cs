using System.Collections;

namespace RocksDbSharp;

/// <summary>The column families to open, with their options; "default" is always among them.</summary>
public class ColumnFamilies : IEnumerable<ColumnFamilies.Descriptor>
{
    public static readonly string DefaultName = "default";

    private readonly List<Descriptor> _descriptors = [];

    public ColumnFamilies(ColumnFamilyOptions options = null) => Add(DefaultName, options ?? new ColumnFamilyOptions());

    public IEnumerable<string> Names => _descriptors.Select(d => d.Name);

    public IEnumerable<IntPtr> OptionHandles => _descriptors.Select(d => d.Options.Handle);

    public void Add(string name, ColumnFamilyOptions options) => Add(new Descriptor(name, options));

    public void Add(Descriptor descriptor)
    {
        var known = _descriptors.FindIndex(d => d.Name == descriptor.Name);
        if (known >= 0) _descriptors[known] = descriptor;
        else _descriptors.Add(descriptor);
    }

    public IEnumerator<Descriptor> GetEnumerator() => _descriptors.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public class Descriptor
    {
        public Descriptor(string name, ColumnFamilyOptions options)
        {
            Name = name;
            Options = options;
        }

        public string Name { get; }

        public ColumnFamilyOptions Options { get; }
    }
}

/// <summary>A family of an open database; it ends with the database.</summary>
public interface ColumnFamilyHandle
{
    IntPtr Handle { get; }
}

internal sealed class OwnedColumnFamilyHandle(IntPtr handle) : ColumnFamilyHandle
{
    public IntPtr Handle { get; private set; } = handle;

    public void Destroy()
    {
        NativeMethods.rocksdb_column_family_handle_destroy(Handle);
        Handle = IntPtr.Zero;
    }
}
