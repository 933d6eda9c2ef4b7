using System.Net;
using System.Runtime.CompilerServices;
using Hyperion.ValueSerializers;

namespace Hyperion.Shapes;

/// <summary>
/// Which shape a type has. An application's classes are their fields. The framework's are not: made from foreign bytes, many of them
/// own handles, run code or assume what their constructors check. Only those named here are written and read.
/// </summary>
internal static class BuiltIn
{
    private static readonly Type[] _plainData =
    [
        typeof(KeyValuePair<,>), typeof(System.Collections.DictionaryEntry), typeof(TimeSpan), typeof(DateOnly), typeof(TimeOnly),
        typeof(Half), typeof(Int128), typeof(UInt128), typeof(Index), typeof(Range)
    ];

    private static readonly Dictionary<Type, Shape> _texts = new()
    {
        [typeof(Uri)] = new TextShape<Uri>(uri => uri.OriginalString, text => new Uri(text, UriKind.RelativeOrAbsolute)),
        [typeof(Version)] = new TextShape<Version>(version => version.ToString(), Version.Parse),
        [typeof(IPAddress)] = new TextShape<IPAddress>(address => address.ToString(), IPAddress.Parse),
        [typeof(IPEndPoint)] = new TextShape<IPEndPoint>(point => point.ToString(), IPEndPoint.Parse)
    };

    /// <summary>The type itself, or the public one of which it is an implementation.</summary>
    public static Type WrittenAs(Type type) =>
        typeof(Type).IsAssignableFrom(type) ? typeof(Type) : typeof(IPAddress).IsAssignableFrom(type) ? typeof(IPAddress) : type;

    /// <exception cref="UnsupportedTypeException">objects of the type cannot be written or read.</exception>
    public static ObjectSerializer SerializerOf(Type type)
    {
        var shape = ShapeOf(type);
        var serializer = new ObjectSerializer(type, shape.Layout);
        serializer.Initialize(shape.Read, shape.Write);
        return serializer;
    }

    /// <summary>Part of .NET, or of its libraries.</summary>
    public static bool IsFramework(Type type)
    {
        var name = type.Assembly.GetName().Name!;
        return name is "mscorlib" or "netstandard" or "System" || name.StartsWith("System.", StringComparison.Ordinal)
            || name.StartsWith("Microsoft.", StringComparison.Ordinal);
    }

    public static UnsupportedTypeException Unsupported(Type type, string why) =>
        new(type, $"Objects of {type} cannot be serialized: {why}");

    private static Shape ShapeOf(Type type)
    {
        if (type.IsArray) return ArrayOf(type);
        if (type.IsAbstract || type.ContainsGenericParameters || type.IsByRefLike || type.IsPointer || type.IsFunctionPointer
            || type == typeof(void) || type == typeof(string))
            throw Unsupported(type, "there are none");
        if (Nullable.GetUnderlyingType(type) != null) throw Unsupported(type, "they are written as their values");
        if (type.IsEnum) return new EnumShape(type);
        if (_texts.TryGetValue(type, out var text)) return text;
        if (typeof(Exception).IsAssignableFrom(type)) return new ExceptionShape(type);
        if (CollectionShapes.Of(type) is { } collection) return collection;
        if (IsFramework(type) && !IsPlainData(type)) throw Unsupported(type, "a class of the framework that is none of the supported ones");
        return new FieldsShape(type);
    }

    private static Shape ArrayOf(Type type)
    {
        var element = type.GetElementType()!;
        if (!type.IsSZArray) throw Unsupported(type, "an array of several dimensions, or one that does not begin at 0");
        if (element.IsPointer || element.IsFunctionPointer || element.ContainsGenericParameters) throw Unsupported(type,
            "it holds no objects");
        return (Shape)Activator.CreateInstance(typeof(ArrayShape<>).MakeGenericType(element));
    }

    private static bool IsPlainData(Type type) =>
        typeof(ITuple).IsAssignableFrom(type) || type == typeof(ValueTuple)
            || _plainData.Contains(type.IsGenericType ? type.GetGenericTypeDefinition() : type);
}
