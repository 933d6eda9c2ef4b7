using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization.Hyperion;
using Akka.Util;
using Hyperion;
using ObjectGraphSerializer = Hyperion.Serializer;

namespace Akka.Serialization;

/// <summary>
/// Messages as object graphs. Actor references, paths and addresses inside are those of the same actors on the other side.
/// </summary>
public class HyperionSerializer : Serializer
{
    public readonly HyperionSerializerSettings Settings;

    private readonly ObjectGraphSerializer _serializer;

    public HyperionSerializer(ExtendedActorSystem system)
        : this(system, HyperionSerializerSettings.Default)
    {
    }

    /// <param name="config">what stands below akka.actor.serialization-settings for this serializer's name.</param>
    public HyperionSerializer(ExtendedActorSystem system, Config config)
        : this(system, HyperionSerializerSettings.Create(config))
    {
    }

    /// <param name="settings">what the system's <see cref="HyperionSerializerSetup"/> says goes before them.</param>
    public HyperionSerializer(ExtendedActorSystem system, HyperionSerializerSettings settings)
        : base(system)
    {
        var setup = system.Settings.Setup?.Get<HyperionSerializerSetup>() ?? Option<HyperionSerializerSetup>.None;
        Settings = setup.GetOrElse(HyperionSerializerSetup.Empty).ApplyTo(settings);
        var ofReferences = Surrogate.Create<ISurrogated, ISurrogate>(from => from.ToSurrogate(system), to => to.FromSurrogate(system));
        _serializer = new ObjectGraphSerializer(new SerializerOptions(
            Settings.VersionTolerance,
            Settings.PreserveObjectReferences,
            [.. Settings.Surrogates, ofReferences],
            null,
            KnownTypes(Settings.KnownTypesProvider),
            true,
            Settings.PackageNameOverrides,
            Settings.DisallowUnsafeType,
            Settings.TypeFilter));
    }

    public override int Identifier => -5;

    public override bool IncludeManifest => false;

    public static Config DefaultConfiguration() =>
        ConfigurationFactory.FromResource<HyperionSerializer>("Akka.Serialization.Hyperion.reference.conf");

    /// <exception cref="ArgumentNullException">null is no message.</exception>
    public override byte[] ToBinary(object obj)
    {
        using var stream = new MemoryStream();
        _serializer.Serialize(obj, stream);
        return stream.ToArray();
    }

    /// <param name="type">not needed: the bytes name the class.</param>
    /// <exception cref="SerializationException">the bytes are no message of known and allowed types; the cause is inside.</exception>
    public override object FromBinary(byte[] bytes, Type type)
    {
        try
        {
            using var stream = new MemoryStream(bytes, false);
            var message = _serializer.Deserialize(stream);
            return stream.Position == stream.Length ? message : throw new SerializationException("There are bytes behind the message");
        }
        catch (Exception e)
        {
            throw new SerializationException($"Cannot deserialize a message{(type == null ? "" : $" of type {type}")}: {e.Message}", e);
        }
    }

    private IEnumerable<Type> KnownTypes(Type provider)
    {
        var takesSystem = provider.GetConstructor([typeof(ExtendedActorSystem)]) ?? provider.GetConstructor([typeof(ActorSystem)]);
        return ((IKnownTypesProvider)(takesSystem == null ? Activator.CreateInstance(provider)
            : takesSystem.Invoke([system]))).GetKnownTypes();
    }
}
