using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using Hyperion.Internal;
using Hyperion.Shapes;
using Hyperion.ValueSerializers;

namespace Hyperion;

/// <summary>
/// Writes object graphs and reads them back, with the classes of the objects. Threads may share a serializer, not a session.
/// A message on the wire: format version, flags, length, value; it is read whole before any object of it is made.
/// </summary>
public class Serializer
{
    private const byte FormatVersion = 1;
    private const byte PreservesReferences = 1;
    private const byte ToleratesVersions = 2;

    public readonly SerializerOptions Options;

    internal readonly TypeNames TypeNames;

    private readonly ConcurrentDictionary<Type, ValueSerializer> _writers = new();
    private readonly ConcurrentDictionary<Type, ValueSerializer> _readers = new();

    public Serializer()
        : this(SerializerOptions.Default)
    {
    }

    public Serializer(SerializerOptions options)
    {
        Options = options;
        TypeNames = new TypeNames(options);
    }

    public SerializerSession GetSerializerSession() => new(this);

    public DeserializerSession GetDeserializerSession() => new(this);

    public void Serialize(object obj, Stream stream) => Serialize(obj, stream, GetSerializerSession());

    /// <summary>Inside a writer, with that writer's session, it writes a part of the message.</summary>
    /// <exception cref="EvilDeserializationException">a type must not be written.</exception>
    /// <exception cref="UnsupportedTypeException">a type cannot be written.</exception>
    /// <exception cref="SerializationException">objects are nested too deeply, for example in a circle without preserved
    /// references.</exception>
    public void Serialize(object obj, Stream stream, SerializerSession session)
    {
        ArgumentNullException.ThrowIfNull(obj);
        if (session.IsOpen)
        {
            Write(stream, obj, session);
            return;
        }
        using var message = new MemoryStream();
        session.IsOpen = true;
        try
        {
            Write(message, obj, session);
        }
        finally
        {
            session.IsOpen = false;
        }
        stream.WriteByte(FormatVersion);
        stream.WriteByte((byte)((Options.PreserveObjectReferences ? PreservesReferences : 0) | (Options.VersionTolerance
            ? ToleratesVersions : 0)));
        stream.WriteLength(checked((int)message.Length));
        message.WriteTo(stream);
    }

    public T Deserialize<T>(Stream stream) => (T)Deserialize(stream);

    public T Deserialize<T>(Stream stream, DeserializerSession session) => (T)Deserialize(stream, session);

    public object Deserialize(Stream stream) => Deserialize(stream, GetDeserializerSession());

    /// <summary>Inside a reader, with that reader's session, it reads a part of the message.</summary>
    /// <exception cref="EvilDeserializationException">a type must not be read.</exception>
    /// <exception cref="TypeLoadException">a type is not known here.</exception>
    /// <exception cref="UnsupportedTypeException">objects of a type cannot be read.</exception>
    /// <exception cref="SerializationException">the bytes are no message, or not one for the types that there are.</exception>
    public object Deserialize(Stream stream, DeserializerSession session)
    {
        if (session.IsOpen) return Read(stream, session);
        var (flags, message) = ReadMessage(stream);
        session.Begin((flags & PreservesReferences) != 0, (flags & ToleratesVersions) != 0);
        try
        {
            var value = Read(message, session);
            return message.Position == message.Length ? value : throw new SerializationException("There are bytes behind the value");
        }
        catch (Exception e) when (!IsAnnounced(e))
        {
            throw new SerializationException($"The bytes cannot be read: {e.Message}", e);
        }
        finally
        {
            session.End();
        }
    }

    /// <exception cref="EvilDeserializationException">the type must not be written.</exception>
    /// <exception cref="UnsupportedTypeException">the type cannot be written.</exception>
    public ValueSerializer GetSerializerByType(Type type)
    {
        var written = BuiltIn.WrittenAs(type);
        if (Primitives.ByType.TryGetValue(written, out var primitive)) return primitive;
        return _writers.TryGetValue(written, out var known) ? known : _writers.GetOrAdd(written, BuildWriter(written));
    }

    /// <summary>Reads the manifest, and finds who reads the value behind it.</summary>
    public ValueSerializer GetDeserializerByManifest(Stream stream, DeserializerSession session)
    {
        var manifest = stream.ReadNumber<byte>();
        if (Primitives.Of(manifest) is { } primitive) return primitive;
        if (manifest == Manifests.Reference) return ObjectReferenceSerializer.Instance;
        if (manifest == Manifests.Surrogate) return SurrogateSerializer.Reader;
        var type = session.ReadType(stream, manifest);
        return _readers.TryGetValue(type, out var known) ? known : _readers.GetOrAdd(type, BuildReader(type));
    }

    internal void Write(Stream stream, object value, SerializerSession session)
    {
        if (value == null)
        {
            stream.WriteByte(0);
            return;
        }
        EnsureStack();
        ValueSerializer serializer;
        if (session.TryGetObjectId(value, out var id)) (serializer, value) = (ObjectReferenceSerializer.Instance, id);
        else serializer = GetSerializerByType(value.GetType());
        serializer.WriteManifest(stream, session);
        serializer.WriteValue(stream, value, session);
    }

    internal object Read(Stream stream, DeserializerSession session)
    {
        EnsureStack();
        return GetDeserializerByManifest(stream, session).ReadValue(stream, session);
    }

    private static bool IsAnnounced(Exception exception) =>
        exception is SerializationException or EvilDeserializationException or TypeLoadException or UnsupportedTypeException;

    /// <summary>A stack overflow would end the process.</summary>
    private static void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new SerializationException("Objects are nested too deeply, or in a circle without preserved references");
    }

    private static (byte Flags, Stream Message) ReadMessage(Stream stream)
    {
        var version = stream.ReadNumber<byte>();
        if (version != FormatVersion) throw new SerializationException($"Format version {version} instead of {FormatVersion}");
        var flags = stream.ReadNumber<byte>();
        if (flags > (PreservesReferences | ToleratesVersions)) throw new SerializationException($"Unknown flags {flags}");
        var left = stream.ReadLength();
        // Grows with what arrives, not with what is announced.
        var message = new MemoryStream();
        var buffer = new byte[Math.Min(left, 65536)];
        while (left > 0)
        {
            var read = stream.Read(buffer, 0, Math.Min(left, buffer.Length));
            if (read == 0) throw new SerializationException("The bytes end too early");
            message.Write(buffer, 0, read);
            left -= read;
        }
        message.Position = 0;
        return (flags, message);
    }

    private ValueSerializer BuildWriter(Type type)
    {
        if (Options.Factories.FirstOrDefault(f => f.CanSerialize(this, type)) is { } factory)
        {
            TypeNames.Check(type);
            return factory.BuildSerializer(this, type, _writers);
        }
        if (Options.Surrogates.FirstOrDefault(s => s.IsSurrogateFor(type)) is { } surrogate) return new SurrogateSerializer(surrogate);
        TypeNames.Check(type);
        return BuiltIn.SerializerOf(type);
    }

    private ValueSerializer BuildReader(Type type)
    {
        TypeNames.Check(type);
        return Options.Factories.FirstOrDefault(f => f.CanDeserialize(this, type)) is { } factory
            ? factory.BuildSerializer(this, type, _readers)
            : BuiltIn.SerializerOf(type);
    }
}
