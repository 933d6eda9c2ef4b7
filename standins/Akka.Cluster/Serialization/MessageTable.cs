using System.Runtime.Serialization;
using Akka.Remote.Serialization;
using Akka.Remote.Transport;

namespace Akka.Cluster.Serialization;

internal delegate T ReadMessage<out T>(ref WireReader from);

/// <summary>The messages that a serializer knows: each with its manifest, how it is written and how it is read.</summary>
internal sealed class MessageTable(string serializer)
{
    private readonly Dictionary<Type, Row> _byType = [];
    private readonly Dictionary<string, Row> _byManifest = [];

    /// <summary>For a class without subclasses.</summary>
    public void Add<T>(string manifest, Action<WireWriter, T> write, ReadMessage<T> read) where T : class =>
        Add(manifest, write, bytes =>
        {
            var from = new WireReader(bytes);
            return read(ref from);
        });

    /// <summary>For a class without subclasses.</summary>
    public void Add<T>(string manifest, Action<WireWriter, T> write, Func<byte[], T> read) where T : class
    {
        var row = new Row(manifest, (to, message) => write(to, (T)message), read);
        _byType.Add(typeof(T), row);
        _byManifest.Add(manifest, row);
    }

    /// <exception cref="ArgumentException">The message is not in the table.</exception>
    public string Manifest(object message) => RowOf(message).Manifest;

    /// <exception cref="ArgumentException">The message is not in the table.</exception>
    public byte[] ToBinary(object message) => WrappedPayload.Collect(message, RowOf(message).Write);

    /// <exception cref="SerializationException">The manifest is not in the table, or the bytes are not of its kind of message.</exception>
    /// <exception cref="MalformedFrameException">The bytes end too early.</exception>
    public object FromBinary(byte[] bytes, string manifest) =>
        _byManifest.TryGetValue(manifest ?? "", out var row)
            ? row.Read(bytes)
            : throw new SerializationException($"Unknown manifest '{manifest}' for {serializer}");

    private Row RowOf(object message) =>
        message != null && _byType.TryGetValue(message.GetType(), out var row)
            ? row
            : throw new ArgumentException($"Cannot serialize a {message?.GetType()} here", nameof(message));

    private sealed record Row(string Manifest, Action<WireWriter, object> Write, Func<byte[], object> Read);
}
