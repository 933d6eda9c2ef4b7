using System.Runtime.Serialization;
using Hyperion.Internal;

namespace Hyperion.Shapes;

/// <summary>Objects that are a text.</summary>
internal sealed class TextShape<T>(Func<T, string> write, Func<string, T> read) : Shape
{
    public override void Write(Stream stream, object value, SerializerSession session) => stream.WriteText(write((T)value));

    public override object Read(Stream stream, DeserializerSession session) => read(stream.ReadText());
}

internal sealed class EnumShape(Type type) : Shape
{
    private readonly Type _number = Enum.GetUnderlyingType(type);

    public override void Write(Stream stream, object value, SerializerSession session) =>
        session.Serializer.Write(stream, Convert.ChangeType(value, _number, null), session);

    public override object Read(Stream stream, DeserializerSession session)
    {
        var number = session.Serializer.Read(stream, session);
        return number?.GetType() == _number ? Enum.ToObject(type, number)
            : throw new SerializationException($"{number ?? "null"} is no value of {type}");
    }
}

internal sealed class ArrayShape<T> : Shape
{
    public override void Write(Stream stream, object value, SerializerSession session)
    {
        var array = (T[])value;
        stream.WriteLength(array.Length);
        foreach (var element in array) session.Serializer.Write(stream, element, session);
    }

    /// <summary>
    /// Room for references is made at once, because elements may refer to the array; room for structs, of any size, only as they come.
    /// </summary>
    public override object Read(Stream stream, DeserializerSession session)
    {
        var count = stream.ReadCount();
        if (!typeof(T).IsValueType)
        {
            var array = new T[count];
            session.TrackDeserializedObject(array);
            for (var i = 0; i < count; i++) array[i] = Elements.Read<T>(stream, session);
            return array;
        }
        var list = new List<T>();
        for (var i = 0; i < count; i++) list.Add(Elements.Read<T>(stream, session));
        return list.ToArray();
    }
}

internal static class Elements
{
    public static T Read<T>(Stream stream, DeserializerSession session) => session.Serializer.Read(stream, session) switch
    {
        T element => element,
        null when default(T) is null => default,
        var other => throw new SerializationException($"{other?.GetType().ToString() ?? "null"} instead of {typeof(T)}")
    };
}
