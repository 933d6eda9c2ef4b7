using Hyperion.SerializerFactories;

namespace Hyperion;

/// <summary>
/// Immutable. Both ends need the same known types, surrogates and factories; the other options a message carries itself, or concern one
/// end.
/// </summary>
public class SerializerOptions
{
    public static readonly SerializerOptions Default = new(false, false, null, null, null, false, null, true, null);

    internal readonly bool VersionTolerance;
    internal readonly bool PreserveObjectReferences;
    internal readonly Surrogate[] Surrogates;
    internal readonly ValueSerializerFactory[] Factories;
    internal readonly Type[] KnownTypes;
    internal readonly Dictionary<Type, int> KnownTypeIds = new();
    internal readonly Func<string, string>[] PackageNameOverrides;
    internal readonly bool DisallowUnsafeTypes;
    internal readonly ITypeFilter TypeFilter;
    private readonly bool _ignoreISerializable;

    [Obsolete("Use the constructor with packageNameOverrides")]
    public SerializerOptions(bool versionTolerance = false, bool preserveObjectReferences = false, IEnumerable<Surrogate> surrogates = null,
        IEnumerable<ValueSerializerFactory> serializerFactories = null, IEnumerable<Type> knownTypes = null,
        bool ignoreISerializable = false)
        : this(versionTolerance, preserveObjectReferences, surrogates, serializerFactories, knownTypes, ignoreISerializable, null, true,
            null)
    {
    }

    [Obsolete("Use the constructor with disallowUnsafeTypes")]
    public SerializerOptions(bool versionTolerance, bool preserveObjectReferences, IEnumerable<Surrogate> surrogates,
        IEnumerable<ValueSerializerFactory> serializerFactories,
        IEnumerable<Type> knownTypes, bool ignoreISerializable, IEnumerable<Func<string, string>> packageNameOverrides)
        : this(versionTolerance, preserveObjectReferences, surrogates, serializerFactories, knownTypes, ignoreISerializable,
            packageNameOverrides, true, null)
    {
    }

    [Obsolete("Use the constructor with typeFilter")]
    public SerializerOptions(bool versionTolerance, bool preserveObjectReferences, IEnumerable<Surrogate> surrogates,
        IEnumerable<ValueSerializerFactory> serializerFactories,
        IEnumerable<Type> knownTypes, bool ignoreISerializable, IEnumerable<Func<string, string>> packageNameOverrides,
        bool disallowUnsafeTypes)
        : this(versionTolerance, preserveObjectReferences, surrogates, serializerFactories, knownTypes, ignoreISerializable,
            packageNameOverrides, disallowUnsafeTypes, null)
    {
    }

    /// <param name="ignoreISerializable">without effect: no object is ever made from a SerializationInfo.</param>
    /// <param name="typeFilter">null for none.</param>
    public SerializerOptions(bool versionTolerance, bool preserveObjectReferences, IEnumerable<Surrogate> surrogates,
        IEnumerable<ValueSerializerFactory> serializerFactories,
        IEnumerable<Type> knownTypes, bool ignoreISerializable, IEnumerable<Func<string, string>> packageNameOverrides,
        bool disallowUnsafeTypes, ITypeFilter typeFilter)
    {
        VersionTolerance = versionTolerance;
        PreserveObjectReferences = preserveObjectReferences;
        Surrogates = surrogates?.ToArray() ?? [];
        Factories = serializerFactories?.ToArray() ?? [];
        KnownTypes = knownTypes?.ToArray() ?? [];
        for (var id = 0; id < KnownTypes.Length; id++) KnownTypeIds.Add(KnownTypes[id], id);
        _ignoreISerializable = ignoreISerializable;
        PackageNameOverrides = packageNameOverrides?.ToArray() ?? [];
        DisallowUnsafeTypes = disallowUnsafeTypes;
        TypeFilter = typeFilter ?? DisabledTypeFilter.Instance;
    }

    public SerializerOptions WithVersionTolerance(bool versionTolerance) => Copy(versionTolerance: versionTolerance);

    public SerializerOptions WithPreserveObjectReferences(bool preserveObjectReferences) =>
        Copy(preserveObjectReferences: preserveObjectReferences);

    public SerializerOptions WithSurrogates(IEnumerable<Surrogate> surrogates) => Copy(surrogates: surrogates);

    public SerializerOptions WithSerializerFactory(IEnumerable<ValueSerializerFactory> serializerFactories) =>
        Copy(factories: serializerFactories);

    public SerializerOptions WithKnownTypes(IEnumerable<Type> knownTypes) => Copy(knownTypes: knownTypes);

    public SerializerOptions WithIgnoreSerializable(bool ignoreISerializable) => Copy(ignoreISerializable: ignoreISerializable);

    public SerializerOptions WithPackageNameOverrides(IEnumerable<Func<string, string>> packageNameOverrides) =>
        Copy(overrides: packageNameOverrides);

    public SerializerOptions WithDisallowUnsafeType(bool disallowUnsafeType) => Copy(disallowUnsafeTypes: disallowUnsafeType);

    public SerializerOptions WithTypeFilter(ITypeFilter typeFilter) => Copy(typeFilter: typeFilter);

    private SerializerOptions Copy(bool? versionTolerance = null, bool? preserveObjectReferences = null,
        IEnumerable<Surrogate> surrogates = null,
        IEnumerable<ValueSerializerFactory> factories = null, IEnumerable<Type> knownTypes = null, bool? ignoreISerializable = null,
        IEnumerable<Func<string, string>> overrides = null, bool? disallowUnsafeTypes = null, ITypeFilter typeFilter = null) =>
        new(versionTolerance ?? VersionTolerance, preserveObjectReferences ?? PreserveObjectReferences, surrogates ?? Surrogates,
            factories ?? Factories, knownTypes ?? KnownTypes, ignoreISerializable ?? _ignoreISerializable,
            overrides ?? PackageNameOverrides, disallowUnsafeTypes ?? DisallowUnsafeTypes, typeFilter ?? TypeFilter);
}
