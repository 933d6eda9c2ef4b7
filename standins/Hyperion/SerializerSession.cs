using System.Runtime.Serialization;

namespace Hyperion;

/// <summary>What one writer has told its reader already: types and objects, by number. Not for several threads.</summary>
public class SerializerSession
{
    public readonly Serializer Serializer;

    private readonly Dictionary<Type, ushort> _types = new();
    private readonly Dictionary<object, int> _objects = new(ReferenceEqualityComparer.Instance);

    public SerializerSession(Serializer serializer) => Serializer = serializer;

    /// <summary>A message is being written.</summary>
    internal bool IsOpen { get; set; }

    public bool ShouldWriteTypeManifest(Type type, out ushort index) => !TryGetValue(type, out index);

    public bool TryGetValue(Type key, out ushort value) => _types.TryGetValue(key, out value);

    public void TrackSerializedType(Type type)
    {
        if (_types.Count > ushort.MaxValue) throw new SerializationException("Too many types in one session");
        _types.Add(type, (ushort)_types.Count);
    }

    public bool TryGetObjectId(object obj, out int objectId) => _objects.TryGetValue(obj, out objectId);

    /// <summary>Gives the object the next number, if it has none and references are preserved.</summary>
    public void TrackSerializedObject(object obj)
    {
        if (Serializer.Options.PreserveObjectReferences) _objects.TryAdd(obj, _objects.Count);
    }
}
