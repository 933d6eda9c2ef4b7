using Akka.Configuration;
using Akka.Configuration.Hocon;
using Hyperion;

namespace Akka.Serialization;

/// <summary>Immutable.</summary>
public sealed class HyperionSerializerSettings
{
    public static readonly HyperionSerializerSettings Default = Create(HyperionSerializer.DefaultConfiguration().GetConfig(Path));

    private const string Path = "akka.actor.serialization-settings.hyperion";

    public readonly bool PreserveObjectReferences;
    public readonly bool VersionTolerance;
    public readonly Type KnownTypesProvider;
    public readonly IEnumerable<Func<string, string>> PackageNameOverrides;
    public readonly IEnumerable<Surrogate> Surrogates;
    public readonly bool DisallowUnsafeType;
    public readonly ITypeFilter TypeFilter;

    [Obsolete("Use the constructor with surrogates")]
    public HyperionSerializerSettings(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider)
        : this(preserveObjectReferences, versionTolerance, knownTypesProvider, [], [])
    {
    }

    [Obsolete("Use the constructor with surrogates")]
    public HyperionSerializerSettings(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides)
        : this(preserveObjectReferences, versionTolerance, knownTypesProvider, packageNameOverrides, [])
    {
    }

    public HyperionSerializerSettings(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides, IEnumerable<Surrogate> surrogates)
        : this(preserveObjectReferences, versionTolerance, knownTypesProvider, packageNameOverrides, surrogates, true)
    {
    }

    public HyperionSerializerSettings(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides, IEnumerable<Surrogate> surrogates, bool disallowUnsafeType)
        : this(preserveObjectReferences, versionTolerance, knownTypesProvider, packageNameOverrides, surrogates, disallowUnsafeType,
            DisabledTypeFilter.Instance)
    {
    }

    /// <param name="knownTypesProvider">with a constructor for the actor system, or one without parameters; null for no known
    /// types.</param>
    /// <exception cref="ArgumentException">it is no <see cref="IKnownTypesProvider"/>.</exception>
    public HyperionSerializerSettings(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides, IEnumerable<Surrogate> surrogates, bool disallowUnsafeType,
        ITypeFilter typeFilter)
    {
        KnownTypesProvider = knownTypesProvider ?? typeof(NoKnownTypes);
        if (!typeof(IKnownTypesProvider).IsAssignableFrom(KnownTypesProvider))
            throw new ArgumentException($"{KnownTypesProvider} does not implement {typeof(IKnownTypesProvider)}",
                nameof(knownTypesProvider));
        PreserveObjectReferences = preserveObjectReferences;
        VersionTolerance = versionTolerance;
        PackageNameOverrides = packageNameOverrides;
        Surrogates = surrogates;
        DisallowUnsafeType = disallowUnsafeType;
        TypeFilter = typeFilter;
    }

    /// <summary>What the configuration does not say is as in the reference configuration.</summary>
    /// <exception cref="ConfigurationException">it is empty, or names a class that is not there.</exception>
    public static HyperionSerializerSettings Create(Config config)
    {
        if (config.IsNullOrEmpty()) throw ConfigurationException.NullOrEmptyConfig<HyperionSerializerSettings>(Path);
        return new HyperionSerializerSettings(
            config.GetBoolean("preserve-object-references", true),
            config.GetBoolean("version-tolerance", true),
            config.GetString("known-types-provider", null) is { Length: > 0 } provider ? Type.GetType(provider, true) : null,
            (config.GetValue("cross-platform-package-name-overrides.net")?.GetArray() ?? []).Select(entry =>
                Renaming(entry.GetObject())).ToList(),
            Types(config, "surrogates").Select(type => (Surrogate)Activator.CreateInstance(type)).ToList(),
            config.GetBoolean("disallow-unsafe-type", true),
            FilterOf(Types(config, "allowed-types")));
    }

    public HyperionSerializerSettings WithPreserveObjectReference(bool preserveObjectReferences) =>
        Copy(preserveObjectReferences: preserveObjectReferences);

    public HyperionSerializerSettings WithVersionTolerance(bool versionTolerance) => Copy(versionTolerance: versionTolerance);

    public HyperionSerializerSettings WithKnownTypesProvider(Type knownTypesProvider) => Copy(knownTypesProvider: knownTypesProvider);

    public HyperionSerializerSettings WithPackageNameOverrides(IEnumerable<Func<string, string>> packageNameOverrides) =>
        Copy(packageNameOverrides: packageNameOverrides);

    public HyperionSerializerSettings WithSurrogates(IEnumerable<Surrogate> surrogates) => Copy(surrogates: surrogates);

    public HyperionSerializerSettings WithDisallowUnsafeType(bool disallowUnsafeType) => Copy(disallowUnsafeType: disallowUnsafeType);

    public HyperionSerializerSettings WithTypeFilter(ITypeFilter typeFilter) => Copy(typeFilter: typeFilter);

    /// <summary>Null leaves a setting as it is.</summary>
    internal HyperionSerializerSettings Copy(bool? preserveObjectReferences = null, bool? versionTolerance = null,
        Type knownTypesProvider = null, IEnumerable<Func<string, string>> packageNameOverrides = null,
        IEnumerable<Surrogate> surrogates = null, bool? disallowUnsafeType = null, ITypeFilter typeFilter = null) =>
        new(preserveObjectReferences ?? PreserveObjectReferences, versionTolerance ?? VersionTolerance,
            knownTypesProvider ?? KnownTypesProvider, packageNameOverrides ?? PackageNameOverrides, surrogates ?? Surrogates,
            disallowUnsafeType ?? DisallowUnsafeType, typeFilter ?? TypeFilter);

    private static List<Type> Types(Config config, string path) => config.GetStringList(path)
        .Select(name => Type.GetType(name)
            ?? throw new ConfigurationException($"Hyperion's setting {path} names a class that is not there: {name}"))
        .ToList();

    private static ITypeFilter FilterOf(List<Type> allowed)
    {
        if (allowed.Count == 0) return DisabledTypeFilter.Instance;
        var builder = TypeFilterBuilder.Create();
        allowed.ForEach(type => builder.Include(type));
        return builder.Build();
    }

    private static Func<string, string> Renaming(HoconObject entry)
    {
        var (fingerprint, from, to) = (entry.GetKey("fingerprint").GetString(), entry.GetKey("rename-from").GetString(),
            entry.GetKey("rename-to").GetString());
        return name => name.Contains(fingerprint, StringComparison.Ordinal) ? name.Replace(from, to, StringComparison.Ordinal) : name;
    }
}
