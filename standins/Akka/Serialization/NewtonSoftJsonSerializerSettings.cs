using Akka.Configuration;

namespace Akka.Serialization;

/// <summary>What akka.actor.serialization-settings.json says.</summary>
public sealed class NewtonSoftJsonSerializerSettings
{
    public static readonly NewtonSoftJsonSerializerSettings Default = new(true, true, []);

    private NewtonSoftJsonSerializerSettings(bool encodeTypeNames, bool preserveObjectReferences, IEnumerable<Type> converters)
    {
        EncodeTypeNames = encodeTypeNames;
        PreserveObjectReferences = preserveObjectReferences;
        Converters = converters;
    }

    /// <summary>Writes the classes of objects, so that they can be read without knowing them.</summary>
    public bool EncodeTypeNames { get; }

    /// <summary>An object that occurs twice is one object again.</summary>
    public bool PreserveObjectReferences { get; }

    /// <summary>Further JsonConverter classes, with a constructor that takes an ExtendedActorSystem or nothing.</summary>
    public IEnumerable<Type> Converters { get; }

    /// <exception cref="ConfigurationException">a converter's class does not exist.</exception>
    public static NewtonSoftJsonSerializerSettings Create(Config config)
    {
        if (config.IsNullOrEmpty()) throw ConfigurationException.NullOrEmptyConfig<NewtonSoftJsonSerializerSettings>();
        var converters = config.GetStringList("converters", [])
            .Select(name => Type.GetType(name) ?? throw new ConfigurationException($"The JSON converter {name} does not exist"))
            .ToArray();
        return new NewtonSoftJsonSerializerSettings(
            config.GetBoolean("encode-type-names", true),
            config.GetBoolean("preserve-object-references", true),
            converters);
    }
}
