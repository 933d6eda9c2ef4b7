using Hyperion.Internal;

namespace Hyperion.ValueSerializers;

/// <summary>An object that came before, by its number.</summary>
internal sealed class ObjectReferenceSerializer : ValueSerializer
{
    public static ObjectReferenceSerializer Instance { get; } = new();

    public override Type GetElementType() => typeof(object);

    public override void WriteManifest(Stream stream, SerializerSession session) => stream.WriteByte(Manifests.Reference);

    public override void WriteValue(Stream stream, object value, SerializerSession session) => stream.WriteLength((int)value);

    public override object ReadValue(Stream stream, DeserializerSession session) => session.GetDeserializedObject(stream.ReadLength());
}
