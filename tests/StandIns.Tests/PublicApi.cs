using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace TiKvActors.StandIns.Tests;

/// <summary>What an assembly shows to others, one line a type or member, in the format of the lists in ../shared/akka-api.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> _keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(char)] = "char",
        [typeof(byte)] = "byte", [typeof(short)] = "short", [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal"
    };

    public static IEnumerable<Type> Types(Assembly assembly) => assembly.GetTypes().Where(IsVisible);

    /// <summary>Modifiers, name and constraints; what it inherits is in <see cref="BaseOf"/> and <see cref="InterfacesOf"/>.</summary>
    public static string Declaration(Type type)
    {
        var access = type.IsPublic || type.IsNestedPublic ? "public " : type.IsNestedFamily ? "protected " : "protected internal ";
        if (IsDelegate(type))
        {
            var invoke = type.GetMethod("Invoke")!;
            return $"{Name(type)} = {access}delegate {Name(invoke.ReturnType)} ({Parameters(invoke)})";
        }
        if (type.IsEnum) return $"{Name(type)} = {access}enum : {Name(Enum.GetUnderlyingType(type))}";
        var kind = type.IsInterface ? "interface" : type.IsValueType ? "struct" : (type.IsAbstract, type.IsSealed) switch
        {
            (true, true) => "static class",
            (true, false) => "abstract class",
            (false, true) => "sealed class",
            _ => "class"
        };
        return $"{Name(type)} = {access}{kind}" + Constraints(type.IsGenericTypeDefinition ? type.GetGenericArguments() : []);
    }

    /// <summary>Null for none but object or ValueType.</summary>
    public static string BaseOf(Type type) =>
        type.IsInterface || type.IsValueType || IsDelegate(type) || type.BaseType == typeof(object) || type.BaseType == null
            ? null : Name(type.BaseType);

    public static IEnumerable<string> InterfacesOf(Type type) =>
        IsDelegate(type) || type.IsEnum
            ? [] : type.GetInterfaces().Where(i => IsVisible(i.IsGenericType ? i.GetGenericTypeDefinition() : i)).Select(Name);

    /// <summary>Without overrides: what they are called by is a member of a base class, and shown there.</summary>
    public static IEnumerable<string> Members(Type type)
    {
        if (IsDelegate(type)) return [];
        var members = type.GetConstructors(Declared).Where(c => !c.IsStatic && IsVisible(c))
            .Select(c => $"{Access(c)}ctor({Parameters(c)})")
            .Concat(type.GetMethods(Declared)
                .Where(m => IsVisible(m) && (!m.IsSpecialName || m.Name.StartsWith("op_", StringComparison.Ordinal)) && !IsOverride(m))
                .Select(Method))
            .Concat(type.GetProperties(Declared).Select(Property).Where(p => p != null))
            .Concat(type.GetEvents(Declared).Where(e => IsVisible(e.AddMethod))
                .Select(e => $"{Access(e.AddMethod)}{Modifiers(e.AddMethod)}event {Name(e.EventHandlerType)} {e.Name}"))
            .Concat(
                type.GetFields(Declared).Where(f => (f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly) && !f.IsSpecialName).Select(Field));
        return members.Select(m => Name(type) + " :: " + m);
    }

    private static string Method(MethodInfo method)
    {
        var arguments = method.IsGenericMethodDefinition ? method.GetGenericArguments() : [];
        var names = arguments.Length == 0 ? "" : "<" + string.Join(", ", arguments.Select(a => a.Name)) + ">";
        return $"{Access(method)}{Modifiers(method)}{Name(method.ReturnType)} {method.Name}{names}({Parameters(method)})"
            + Constraints(arguments);
    }

    private static string Property(PropertyInfo property)
    {
        var getter = IsVisible(property.GetMethod) ? property.GetMethod : null;
        var setter = IsVisible(property.SetMethod) ? property.SetMethod : null;
        if ((getter ?? setter) is not { } main || IsOverride(main)) return null;
        var indices = property.GetIndexParameters();
        var name = indices.Length == 0 ? property.Name : "this[" + string.Join(", ", indices.Select(Parameter)) + "]";
        var text = new StringBuilder($"{Access(main)}{Modifiers(main)}{Name(property.PropertyType)} {name} {{");
        if (getter != null) text.Append(" get;");
        if (setter != null)
        {
            var isInit = setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
            text.Append(' ').Append(Access(setter) == Access(main) ? "" : Access(setter)).Append(isInit ? "init;" : "set;");
        }
        return text.Append(" }").ToString();
    }

    private static string Field(FieldInfo field)
    {
        var access = field.IsPublic ? "public " : field.IsFamily ? "protected " : "protected internal ";
        var modifiers = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
        return $"{access}{modifiers}{Name(field.FieldType)} {field.Name}"
            + (field.IsLiteral ? " = " + Literal(field.GetRawConstantValue()) : "");
    }

    private static string Parameters(MethodBase method)
    {
        var parameters = string.Join(", ", method.GetParameters().Select(Parameter));
        return method.IsDefined(typeof(ExtensionAttribute), false) ? "this " + parameters : parameters;
    }

    private static string Parameter(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        var kind = parameter.IsDefined(typeof(ParamArrayAttribute), false)
            ? "params " : !type.IsByRef ? "" : parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        return kind + Name(type.IsByRef ? type.GetElementType() : type) + " " + parameter.Name
            + (parameter.HasDefaultValue ? " = default" : "");
    }

    private static string Constraints(Type[] arguments) => string.Concat(arguments.Select(argument =>
    {
        var attributes = argument.GenericParameterAttributes;
        var all = new List<string>();
        if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint)) all.Add("class");
        if (attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint)) all.Add("struct");
        all.AddRange(argument.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(Name));
        if (attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint)
            && !attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
            all.Add("new()");
        return all.Count == 0 ? "" : $" where {argument.Name} : {string.Join(", ", all)}";
    }));

    private static string Name(Type type)
    {
        if (type.IsByRef) return "ref " + Name(type.GetElementType());
        if (type.IsPointer) return Name(type.GetElementType()) + "*";
        if (type.IsArray) return Name(type.GetElementType()) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
        if (type.IsGenericParameter) return type.Name;
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Name(underlying) + "?";
        return _keywords.TryGetValue(type, out var keyword) ? keyword : QualifiedName(type);
    }

    /// <summary>Nested types carry all type arguments of those around them; each level shows its own.</summary>
    private static string QualifiedName(Type type)
    {
        var levels = new Stack<Type>();
        for (var level = type; level != null; level = level.DeclaringType) levels.Push(level);
        var arguments = type.GetGenericArguments();
        var shown = 0;
        var names = levels.Select(level =>
        {
            var own = arguments[shown..level.GetGenericArguments().Length];
            shown += own.Length;
            return level.Name.Split('`')[0] + (own.Length == 0 ? "" : "<" + string.Join(", ", own.Select(Name)) + ">");
        });
        return (string.IsNullOrEmpty(type.Namespace) ? "" : type.Namespace + ".") + string.Join(".", names);
    }

    private static string Literal(object value) => value switch
    {
        null => "null",
        string text => "\"" + text.Replace("\r", "\\r").Replace("\n", "\\n") + "\"",
        bool flag => flag ? "true" : "false",
        char character => "'" + character + "'",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)
    };

    private static string Modifiers(MethodInfo method) =>
        (method.IsStatic ? "static " : "") + (method.IsAbstract && !method.DeclaringType!.IsInterface ? "abstract " : "");

    private static string Access(MethodBase method) => method.IsPublic ? "public " : method.IsFamily ? "protected " : "protected internal ";

    private static bool IsVisible(MethodBase method) => method != null && (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly);

    private static bool IsVisible(Type type) =>
        type.IsNested
            ? (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && IsVisible(type.DeclaringType)
            : type.IsPublic;

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition() != method;

    private static bool IsDelegate(Type type) => typeof(Delegate).IsAssignableFrom(type);
}
