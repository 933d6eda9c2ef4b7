using System.Collections.Immutable;
using Hyperion.Internal;

namespace Hyperion;

/// <summary>Decides which types may be written and read. Called from many threads, before a type is loaded and after.</summary>
public interface ITypeFilter
{
    /// <param name="typeName">class and assembly, without the assembly's version: "Some.Space.Order, Shop".</param>
    bool IsAllowed(string typeName);
}

/// <summary>
/// Allows what was included, and nothing else; List&lt;Order&gt; is a type of its own beside Order. See <see cref="TypeFilterBuilder"/>.
/// </summary>
public sealed class TypeFilter : ITypeFilter
{
    internal TypeFilter(IEnumerable<Type> types) => FilteredTypes = types.Select(TypeNames.Short).ToImmutableHashSet();

    public ImmutableHashSet<string> FilteredTypes { get; }

    public bool IsAllowed(string typeName) => FilteredTypes.Contains(typeName);
}

public class TypeFilterBuilder
{
    private readonly List<Type> _types = [];

    private TypeFilterBuilder()
    {
    }

    public static TypeFilterBuilder Create() => new();

    public TypeFilterBuilder Include<T>() => Include(typeof(T));

    public TypeFilterBuilder Include(Type type)
    {
        _types.Add(type);
        return this;
    }

    public TypeFilter Build() => new(_types);
}

public sealed class DisabledTypeFilter : ITypeFilter
{
    public static readonly DisabledTypeFilter Instance = new();

    private DisabledTypeFilter()
    {
    }

    public bool IsAllowed(string typeName) => true;
}
