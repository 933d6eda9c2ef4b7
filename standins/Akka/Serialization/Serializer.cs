using Akka.Actor;
using Akka.Util;

namespace Akka.Serialization;

/// <summary>Turns objects into bytes and back. Called from many threads at once.</summary>
public abstract class Serializer
{
    protected readonly ExtendedActorSystem system;

    private int? _configuredIdentifier;

    protected Serializer(ExtendedActorSystem system) => this.system = system;

    /// <summary>
    /// Names this serializer on the wire, the same on all systems; 0 to 40 belong to the library. Overridden or configured.
    /// </summary>
    /// <exception cref="ArgumentException">neither overridden nor configured at akka.actor.serialization-identifiers.</exception>
    public virtual int Identifier =>
        _configuredIdentifier ??= SerializerIdentifierHelper.GetSerializerIdentifierFromConfig(GetType(), system);

    /// <summary>Whether the class of the object has to travel beside the bytes.</summary>
    public abstract bool IncludeManifest { get; }

    public abstract byte[] ToBinary(object obj);

    /// <param name="type">the object's class; null where it did not travel.</param>
    public abstract object FromBinary(byte[] bytes, Type type);

    public T FromBinary<T>(byte[] bytes) => (T)FromBinary(bytes, typeof(T));

    /// <summary>Like <see cref="ToBinary"/>; actor references in the object are written with the address.</summary>
    public byte[] ToBinaryWithAddress(Address address, object obj) => Serialization.WithTransport(system, address, () => ToBinary(obj));
}

/// <summary>
/// A serializer that says by a short text of its own, the manifest, what the bytes are; names of classes may change then.
/// </summary>
public abstract class SerializerWithStringManifest : Serializer
{
    protected SerializerWithStringManifest(ExtendedActorSystem system)
        : base(system)
    {
    }

    public sealed override bool IncludeManifest => true;

    public sealed override object FromBinary(byte[] bytes, Type type) => FromBinary(bytes, type.TypeQualifiedName());

    public abstract object FromBinary(byte[] bytes, string manifest);

    public abstract string Manifest(object o);
}

public static class SerializerIdentifierHelper
{
    private const string Path = "akka.actor.serialization-identifiers";

    /// <exception cref="ArgumentException">the configuration has none for the type.</exception>
    public static int GetSerializerIdentifierFromConfig(Type type, ExtendedActorSystem system)
    {
        var identifiers = system.Settings.Config.GetConfig(Path)?.Root.GetObject();
        var identifier = identifiers?.GetKey(type.TypeQualifiedName())
            ?? identifiers?.GetKey(type.FullName + ", " + type.Assembly.GetName().Name);
        return identifier?.GetInt() ?? throw new ArgumentException(
            $"Serializer {type} neither overrides Identifier nor has one configured at {Path}.\"{type.TypeQualifiedName()}\"");
    }
}
