using Akka.Actor.Setup;
using Hyperion;

namespace Akka.Serialization.Hyperion;

/// <summary>
/// Settings of all Hyperion serializers of an actor system, before what its configuration says. Immutable; null leaves a setting to the
/// configuration.
/// </summary>
public class HyperionSerializerSetup : Setup
{
    public static readonly HyperionSerializerSetup Empty = new(null, null, null, null, null, null, null);

    private HyperionSerializerSetup(bool? preserveObjectReferences, bool? versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides, IEnumerable<Surrogate> surrogates, bool? disallowUnsafeType,
        ITypeFilter typeFilter)
    {
        PreserveObjectReferences = preserveObjectReferences;
        VersionTolerance = versionTolerance;
        KnownTypesProvider = knownTypesProvider;
        PackageNameOverrides = packageNameOverrides;
        Surrogates = surrogates;
        DisallowUnsafeType = disallowUnsafeType;
        TypeFilter = typeFilter;
    }

    public bool? PreserveObjectReferences { get; }

    public bool? VersionTolerance { get; }

    public Type KnownTypesProvider { get; }

    public IEnumerable<Func<string, string>> PackageNameOverrides { get; }

    public IEnumerable<Surrogate> Surrogates { get; }

    public bool? DisallowUnsafeType { get; }

    public ITypeFilter TypeFilter { get; }

    public static HyperionSerializerSetup Create(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider) =>
        new(preserveObjectReferences, versionTolerance, knownTypesProvider, null, null, null, null);

    public static HyperionSerializerSetup Create(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides) =>
        new(preserveObjectReferences, versionTolerance, knownTypesProvider, packageNameOverrides, null, null, null);

    public static HyperionSerializerSetup Create(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides, IEnumerable<Surrogate> surrogates) =>
        new(preserveObjectReferences, versionTolerance, knownTypesProvider, packageNameOverrides, surrogates, null, null);

    public static HyperionSerializerSetup Create(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides, IEnumerable<Surrogate> surrogates, bool disallowUnsafeType) =>
        new(preserveObjectReferences, versionTolerance, knownTypesProvider, packageNameOverrides, surrogates, disallowUnsafeType, null);

    public static HyperionSerializerSetup Create(bool preserveObjectReferences, bool versionTolerance, Type knownTypesProvider,
        IEnumerable<Func<string, string>> packageNameOverrides, IEnumerable<Surrogate> surrogates, bool disallowUnsafeType,
        ITypeFilter typeFilter) =>
        new(preserveObjectReferences, versionTolerance, knownTypesProvider, packageNameOverrides, surrogates, disallowUnsafeType,
            typeFilter);

    public HyperionSerializerSetup WithPreserveObjectReference(bool preserveObjectReference) =>
        Copy(preserveObjectReferences: preserveObjectReference);

    public HyperionSerializerSetup WithVersionTolerance(bool versionTolerance) => Copy(versionTolerance: versionTolerance);

    public HyperionSerializerSetup WithKnownTypeProvider<T>() => WithKnownTypeProvider(typeof(T));

    public HyperionSerializerSetup WithKnownTypeProvider(Type knownTypeProvider) => Copy(knownTypesProvider: knownTypeProvider);

    public HyperionSerializerSetup WithPackageNameOverrides(IEnumerable<Func<string, string>> packageNameOverrides) =>
        Copy(packageNameOverrides: packageNameOverrides);

    public HyperionSerializerSetup WithSurrogates(IEnumerable<Surrogate> surrogates) => Copy(surrogates: surrogates);

    public HyperionSerializerSetup WithDisallowUnsafeType(bool disallowUnsafeType) => Copy(disallowUnsafeType: disallowUnsafeType);

    public HyperionSerializerSetup WithTypeFilter(ITypeFilter typeFilter) => Copy(typeFilter: typeFilter);

    internal HyperionSerializerSettings ApplyTo(HyperionSerializerSettings settings) =>
        settings.Copy(PreserveObjectReferences, VersionTolerance, KnownTypesProvider, PackageNameOverrides, Surrogates, DisallowUnsafeType,
            TypeFilter);

    private HyperionSerializerSetup Copy(bool? preserveObjectReferences = null, bool? versionTolerance = null,
        Type knownTypesProvider = null, IEnumerable<Func<string, string>> packageNameOverrides = null,
        IEnumerable<Surrogate> surrogates = null, bool? disallowUnsafeType = null, ITypeFilter typeFilter = null) =>
        new(preserveObjectReferences ?? PreserveObjectReferences, versionTolerance ?? VersionTolerance,
            knownTypesProvider ?? KnownTypesProvider, packageNameOverrides ?? PackageNameOverrides, surrogates ?? Surrogates,
            disallowUnsafeType ?? DisallowUnsafeType, typeFilter ?? TypeFilter);
}
