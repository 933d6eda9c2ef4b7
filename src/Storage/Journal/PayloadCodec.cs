using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Serialization;

namespace TiKvActors.Storage.Journal;

/// <summary>Between objects and the bytes that their serializer makes of them. With transport information: an event may hold actor references.</summary>
public sealed class PayloadCodec(ExtendedActorSystem system)
{
    private readonly Serialization _serialization = system.Serialization;

    public (int SerializerId, string Manifest, byte[] Bytes) Encode(object payload)
    {
        var serializer = _serialization.FindSerializerFor(payload);
        var bytes = Serialization.WithTransport(system, (serializer, payload), static s => s.serializer.ToBinary(s.payload));
        return (serializer.Identifier, Serialization.ManifestFor(serializer, payload), bytes);
    }

    public object Decode(ReadOnlyMemory<byte> bytes, int serializerId, string manifest)
    {
        // Records are read into arrays of their own.
        var array = MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length ? segment.Array : bytes.ToArray();
        return Serialization.WithTransport(system, (_serialization, array, serializerId, manifest), static s => s._serialization.Deserialize(s.array, s.serializerId, s.manifest));
    }
}
