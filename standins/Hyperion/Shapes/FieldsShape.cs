using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using Hyperion.Internal;

namespace Hyperion.Shapes;

/// <summary>Objects that are their fields, private and inherited ones too. No constructor runs when one is read.</summary>
internal class FieldsShape : Shape
{
    private readonly Type _type;
    private readonly FieldLayout _layout;

    public FieldsShape(Type type)
        : this(type, FieldsOf(type))
    {
    }

    protected FieldsShape(Type type, IEnumerable<FieldInfo> fields)
    {
        _type = type;
        _layout = new FieldLayout(type, fields);
    }

    public override FieldLayout Layout => _layout;

    public override void Write(Stream stream, object value, SerializerSession session)
    {
        foreach (var field in _layout.Fields) session.Serializer.Write(stream, field.GetValue(value), session);
    }

    public override object Read(Stream stream, DeserializerSession session)
    {
        var value = RuntimeHelpers.GetUninitializedObject(_type);
        if (!_type.IsValueType) session.TrackDeserializedObject(value);
        var written = session.GetVersionInfo(_type);
        foreach (var field in written.Fields ??= _layout.Resolve(written))
        {
            var content = session.Serializer.Read(stream, session);
            if (field != null) Set(field, value, content);
        }
        return value;
    }

    protected static IEnumerable<FieldInfo> DeclaredFields(Type type) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(field => !field.IsDefined(typeof(NonSerializedAttribute)) && !field.IsDefined(typeof(IgnoreAttribute)));

    private static IEnumerable<FieldInfo> FieldsOf(Type type)
    {
        var all = new List<FieldInfo>();
        for (var level = type; level != null; level = level.BaseType)
        {
            var fields = DeclaredFields(level).ToList();
            if (level != type && fields.Count > 0 && BuiltIn.IsFramework(level)) throw BuiltIn.Unsupported(type,
                $"it inherits the insides of {level}");
            all.AddRange(fields);
        }
        return all;
    }

    /// <summary>Reflection would take null for the default value of a struct.</summary>
    private static void Set(FieldInfo field, object target, object content)
    {
        if (content == null && field.FieldType.IsValueType && Nullable.GetUnderlyingType(field.FieldType) == null)
            throw new SerializationException($"null for {field.DeclaringType}.{field.Name}");
        field.SetValue(target, content);
    }
}
