using System.Runtime.Serialization;
using Hyperion.Internal;

namespace Hyperion.ValueSerializers;

/// <summary>Objects that travel as something else. References go to the object, never to what stands for it on the wire.</summary>
internal sealed class SurrogateSerializer(Surrogate surrogate) : ValueSerializer
{
    /// <summary>Finds the surrogate by what it reads.</summary>
    public static SurrogateSerializer Reader { get; } = new(null);

    public override Type GetElementType() => surrogate.From;

    public override void WriteManifest(Stream stream, SerializerSession session) => stream.WriteByte(Manifests.Surrogate);

    public override void WriteValue(Stream stream, object value, SerializerSession session)
    {
        session.TrackSerializedObject(value);
        session.Serializer.Write(stream, surrogate.ToSurrogate(value), session);
    }

    public override object ReadValue(Stream stream, DeserializerSession session) => session.ReadTracked(() =>
    {
        var read = session.Serializer.Read(stream, session);
        var found = session.Serializer.Options.Surrogates.FirstOrDefault(s => s.To.IsInstanceOfType(read))
            ?? throw new SerializationException($"No surrogate is made of {read?.GetType().ToString() ?? "null"} here");
        return found.FromSurrogate(read);
    });
}
