namespace Hyperion.ValueSerializers;

/// <summary>
/// Writes and reads values of one type. On the wire each value stands behind its manifest, which finds the serializer again. Called from
/// many threads.
/// </summary>
public abstract class ValueSerializer
{
    public abstract Type GetElementType();

    public abstract void WriteManifest(Stream stream, SerializerSession session);

    public abstract void WriteValue(Stream stream, object value, SerializerSession session);

    public abstract object ReadValue(Stream stream, DeserializerSession session);
}
