using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;

namespace TiKvActors.Protocol.Serialization;

/// <summary>Akka serializer of every message that is sent or persisted; bound to <see cref="IMessage"/> in reference.conf.</summary>
public sealed class ProtocolSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Frozen, see docs/wire.md.</summary>
    public const int Id = 1000;

    public override int Identifier => Id;

    public override string Manifest(object o) => Manifests.Of(o);

    public override byte[] ToBinary(object obj) => ((IMessage)obj).ToByteArray();

    /// <exception cref="SerializationException">Unknown manifest, or bytes that are not such a message.</exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            return Manifests.MessageOf(manifest).Parse(bytes);
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException)
        {
            throw new SerializationException($"manifest \"{manifest}\": {e.Message}", e);
        }
    }
}
