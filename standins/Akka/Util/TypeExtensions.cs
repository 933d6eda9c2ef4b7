namespace Akka.Util;

public static class TypeExtensions
{
    public static bool Implements<T>(this Type type) => Implements(type, typeof(T));

    public static bool Implements(this Type type, Type moreGeneralType) => moreGeneralType.IsAssignableFrom(type);

    /// <summary>
    /// The type's name with its assembly but without version, culture and key: what <see cref="Type.GetType(string)"/> finds in any build.
    /// </summary>
    public static string TypeQualifiedName(this Type type)
    {
        // Types of the core library are written without an assembly's name, so that other runtimes find them too.
        var core = type.Assembly == typeof(object).Assembly;
        if (type.IsGenericType) return SimpleGenericName(type) + (core ? "" : ", " + type.Assembly.GetName().Name);
        return core ? type.FullName : type.FullName + ", " + type.Assembly.GetName().Name;
    }

    private static string SimpleGenericName(Type type) =>
        type.Namespace + "." + NestedName(type) + "["
            + string.Join(",", type.GetGenericArguments().Select(a => "[" + a.TypeQualifiedName() + "]")) + "]";

    private static string NestedName(Type type) => type.IsNested ? NestedName(type.DeclaringType) + "+" + type.Name : type.Name;
}
