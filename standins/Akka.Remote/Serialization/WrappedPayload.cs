using Akka.Actor;
using Akka.Remote.Transport;

namespace Akka.Remote.Serialization;

/// <summary>A message inside another one: serializer id, manifest, length and bytes of its own serializer.</summary>
internal static class WrappedPayload
{
    public static void Write(WireWriter to, ExtendedActorSystem system, object message)
    {
        var serializer = system.Serialization.FindSerializerFor(message);
        var bytes = serializer.ToBinary(message) ?? [];
        to.Int32(serializer.Identifier);
        to.Text(Akka.Serialization.Serialization.ManifestFor(serializer, message));
        to.Var((uint)bytes.Length);
        to.Bytes(bytes);
    }

    public static object Read(ref WireReader from, ExtendedActorSystem system)
    {
        var serializerId = from.Int32();
        var manifest = from.Text();
        var length = from.Var();
        if (length > int.MaxValue) throw new MalformedFrameException($"a wrapped message of {length} bytes");
        return system.Serialization.Deserialize(from.Bytes((int)length).ToArray(), serializerId, manifest);
    }

    /// <summary>The bytes that a serializer's method wrote.</summary>
    public static byte[] Collect<T>(T message, Action<WireWriter, T> write)
    {
        using var to = new WireWriter(256);
        write(to, message);
        return to.Written.ToArray();
    }
}
