using System.Reflection;
using System.Runtime.Serialization;
using System.Text;

namespace Hyperion.Internal;

/// <summary>The fields of a type that are written, in the order of their names.</summary>
internal sealed class FieldLayout
{
    private readonly Type _type;
    private readonly string[] _names;
    private readonly FieldInfo[] _fields;
    private readonly uint _hash;

    /// <param name="fields">those of the type itself before those of its base classes.</param>
    public FieldLayout(Type type, IEnumerable<FieldInfo> fields)
    {
        _type = type;
        var byName = new SortedDictionary<string, FieldInfo>(StringComparer.Ordinal);
        // A base class may have a private field of the same name.
        foreach (var field in fields)
            if (!byName.TryAdd(field.Name, field)) byName.Add(field.DeclaringType!.FullName + "." + field.Name, field);
        _names = [.. byName.Keys];
        _fields = [.. byName.Values];
        _hash = HashOf(_names);
    }

    public IReadOnlyList<FieldInfo> Fields => _fields;

    /// <summary>The names, or where no other version is tolerated only enough to notice one.</summary>
    public void Write(Stream stream, bool tolerant)
    {
        if (!tolerant)
        {
            stream.WriteNumber(_hash);
            return;
        }
        stream.WriteLength(_names.Length);
        foreach (var name in _names) stream.WriteText(name);
    }

    public static TypeVersionInfo Read(Stream stream, bool tolerant)
    {
        if (!tolerant) return new TypeVersionInfo { Hash = stream.ReadNumber<uint>() };
        var names = new string[stream.ReadCount()];
        for (var i = 0; i < names.Length; i++) names[i] = stream.ReadText();
        return new TypeVersionInfo { Names = names };
    }

    /// <summary>This type's fields in the writer's order.</summary>
    /// <exception cref="SerializationException">the writer has other fields, and tolerates no other version.</exception>
    public FieldInfo[] Resolve(TypeVersionInfo written)
    {
        if (written.Names != null) return Array.ConvertAll(written.Names, name => Array.IndexOf(_names, name) is >= 0 and var at
            ? _fields[at] : null);
        return written.Hash == _hash ? _fields
            : throw new SerializationException($"{_type} has other fields here than where it was written");
    }

    /// <summary>FNV-1a: the same in every process.</summary>
    private static uint HashOf(string[] names) =>
        Encoding.UTF8.GetBytes(string.Join('\n', names)).Aggregate(2166136261u, (hash, next) => unchecked((hash ^ next) * 16777619u));
}
