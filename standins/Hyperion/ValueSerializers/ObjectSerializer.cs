using Hyperion.Internal;

namespace Hyperion.ValueSerializers;

/// <summary>Values of one type, named by it on the wire; what follows the name is written and read by the delegates.</summary>
public class ObjectSerializer : ValueSerializer
{
    public const byte ManifestFull = Manifests.Name;
    public const byte ManifestIndex = Manifests.Index;
    public const byte ManifestVersion = Manifests.NameVersion;

    private readonly FieldLayout _layout;
    private ObjectReader _reader;
    private ObjectWriter _writer;

    public ObjectSerializer(Type type)
        : this(type, null)
    {
    }

    /// <param name="layout">null for a type that is not written field by field.</param>
    internal ObjectSerializer(Type type, FieldLayout layout)
    {
        Type = type;
        _layout = layout;
        _reader = (_, _) => throw new UnsupportedTypeException(type, $"The serializer of {type} is not initialized");
        _writer = (_, _, _) => throw new UnsupportedTypeException(type, $"The serializer of {type} is not initialized");
    }

    public Type Type { get; }

    public override Type GetElementType() => Type;

    /// <param name="preallocatedBufferSize">without effect.</param>
    public void Initialize(ObjectReader reader, ObjectWriter writer, int preallocatedBufferSize = 0)
    {
        _reader = reader;
        _writer = writer;
    }

    public override void WriteManifest(Stream stream, SerializerSession session)
    {
        if (!session.ShouldWriteTypeManifest(Type, out var index))
        {
            stream.WriteByte(Manifests.Index);
            stream.WriteLength(index);
            return;
        }
        session.TrackSerializedType(Type);
        if (session.Serializer.Options.KnownTypeIds.TryGetValue(Type, out var id))
        {
            stream.WriteByte(_layout == null ? Manifests.Known : Manifests.KnownVersion);
            stream.WriteLength(id);
        }
        else
        {
            stream.WriteByte(_layout == null ? Manifests.Name : Manifests.NameVersion);
            session.Serializer.TypeNames.Write(stream, Type);
        }
        _layout?.Write(stream, session.Serializer.Options.VersionTolerance);
    }

    public override void WriteValue(Stream stream, object value, SerializerSession session)
    {
        if (!Type.IsValueType) session.TrackSerializedObject(value);
        _writer(stream, value, session);
    }

    public override object ReadValue(Stream stream, DeserializerSession session) =>
        Type.IsValueType ? _reader(stream, session) : session.ReadTracked(() => _reader(stream, session));
}
