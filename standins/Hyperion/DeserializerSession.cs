using System.Reflection;
using System.Runtime.Serialization;
using Hyperion.Internal;

namespace Hyperion;

/// <summary>The fields of a type as its writer knows them.</summary>
public class TypeVersionInfo
{
    /// <summary>Null where the writer tolerates no other version; <see cref="Hash"/> counts then.</summary>
    internal string[] Names { get; init; }

    internal uint Hash { get; init; }

    /// <summary>
    /// The reader's fields, in the writer's order; null for one that only the writer has. Set when the first object is read.
    /// </summary>
    internal FieldInfo[] Fields { get; set; }
}

/// <summary>What one reader knows from its writer already: types and objects, by number. Not for several threads.</summary>
public class DeserializerSession
{
    private static readonly object _unfinished = new();

    public readonly Serializer Serializer;

    private readonly List<Type> _types = [];
    private readonly Dictionary<Type, TypeVersionInfo> _versions = new();
    private readonly List<object> _objects = [];
    /// <summary>Numbers of the objects that are being read now, the innermost last.</summary>
    private readonly Stack<int> _reading = new();
    private bool _preservesReferences;
    private bool _toleratesVersions;

    public DeserializerSession(Serializer serializer) => Serializer = serializer;

    /// <summary>A message is being read.</summary>
    internal bool IsOpen { get; private set; }

    public Type GetTypeFromTypeId(int typeId) =>
        typeId < _types.Count ? _types[typeId] : throw new SerializationException($"There is no type {typeId} before");

    public void TrackDeserializedType(Type type) => _types.Add(type);

    public void TrackDeserializedTypeWithVersion(Type type, TypeVersionInfo versionInfo)
    {
        TrackDeserializedType(type);
        _versions[type] = versionInfo;
    }

    public TypeVersionInfo GetVersionInfo(Type type) =>
        _versions.GetValueOrDefault(type) ?? throw new SerializationException($"The fields of {type} are missing");

    /// <summary>
    /// From now on others may refer to the object that is being read. Without this call it has its number when it is complete.
    /// </summary>
    public void TrackDeserializedObject(object obj)
    {
        if (!_preservesReferences) return;
        if (_reading.TryPeek(out var id) && _objects[id] == _unfinished) _objects[id] = obj;
        else _objects.Add(obj);
    }

    public object GetDeserializedObject(int id)
    {
        if (id >= _objects.Count) throw new SerializationException($"There is no object {id} before");
        return _objects[id] == _unfinished
            ? throw new SerializationException($"Object {id} is inside itself, but cannot be made before its parts are") : _objects[id];
    }

    internal void Begin(bool preservesReferences, bool toleratesVersions) =>
        (IsOpen, _preservesReferences, _toleratesVersions) = (true, preservesReferences, toleratesVersions);

    internal void End()
    {
        IsOpen = false;
        _reading.Clear();
    }

    internal object ReadTracked(Func<object> read)
    {
        if (!_preservesReferences) return read();
        var id = _objects.Count;
        _objects.Add(_unfinished);
        _reading.Push(id);
        var value = read();
        _reading.Pop();
        return _objects[id] = value;
    }

    internal Type ReadType(Stream stream, byte manifest)
    {
        if (manifest == Manifests.Index) return GetTypeFromTypeId(stream.ReadLength());
        var type = manifest switch
        {
            Manifests.Name or Manifests.NameVersion => Serializer.TypeNames.Read(stream),
            Manifests.Known or Manifests.KnownVersion => KnownType(stream.ReadLength()),
            _ => throw new SerializationException($"Unknown manifest {manifest}")
        };
        if (manifest is Manifests.NameVersion or Manifests.KnownVersion) TrackDeserializedTypeWithVersion(type,
            FieldLayout.Read(stream, _toleratesVersions));
        else TrackDeserializedType(type);
        return type;
    }

    private Type KnownType(int id) =>
        id < Serializer.Options.KnownTypes.Length ? Serializer.Options.KnownTypes[id]
            : throw new SerializationException($"There is no known type {id} here");
}
