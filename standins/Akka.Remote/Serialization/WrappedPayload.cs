using Akka.Actor;
using Akka.Remote.Transport;

namespace Akka.Remote.Serialization;

/// <summary>A message inside another one: serializer id, manifest, length and bytes of its own serializer.</summary>
internal static class WrappedPayload
{
    /// <summary>Messages inside each other. Each level holds its own bytes and some of the stack.</summary>
    private const int Deepest = 32;

    [ThreadStatic] private static int _depth;

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
        var bytes = from.Bytes((int)length).ToArray();
        if (_depth == Deepest) throw new MalformedFrameException($"more than {Deepest} messages inside each other");
        _depth++;
        try
        {
            return system.Serialization.Deserialize(bytes, serializerId, manifest);
        }
        finally
        {
            _depth--;
        }
    }

    /// <summary>The bytes that a serializer's method wrote.</summary>
    public static byte[] Collect<T>(T message, Action<WireWriter, T> write)
    {
        using var to = new WireWriter(256);
        write(to, message);
        return to.Written.ToArray();
    }
}
