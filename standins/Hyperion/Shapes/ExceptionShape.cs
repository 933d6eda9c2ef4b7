using System.Reflection;
using System.Runtime.CompilerServices;

namespace Hyperion.Shapes;

/// <summary>
/// Exceptions: message, cause, code, where they were thrown, and the fields of their own classes; of the framework's classes only
/// numbers, texts and other exceptions. <see cref="Exception.Data"/> stays behind.
/// </summary>
internal sealed class ExceptionShape(Type type) : FieldsShape(type, FieldsOf(type))
{
    public override void Write(Stream stream, object value, SerializerSession session)
    {
        var exception = (Exception)value;
        object[] common = [MessageOf(exception), InnerOf(exception), exception.HResult, exception.StackTrace];
        foreach (var part in common) session.Serializer.Write(stream, part, session);
        base.Write(stream, value, session);
    }

    public override object Read(Stream stream, DeserializerSession session)
    {
        var message = Elements.Read<string>(stream, session);
        var inner = Elements.Read<Exception>(stream, session);
        var code = Elements.Read<int>(stream, session);
        var stackTrace = Elements.Read<string>(stream, session);
        var exception = (Exception)base.Read(stream, session);
        MessageOf(exception) = message;
        InnerOf(exception) = inner;
        exception.HResult = code;
        RemoteStackTraceOf(exception) = stackTrace;
        return exception;
    }

    private static IEnumerable<FieldInfo> FieldsOf(Type type)
    {
        var all = new List<FieldInfo>();
        for (var level = type; level != typeof(Exception); level = level!.BaseType)
            all.AddRange(BuiltIn.IsFramework(level) ? DeclaredFields(level).Where(IsPlain) : DeclaredFields(level!));
        return all;
    }

    private static bool IsPlain(FieldInfo field) =>
        field.FieldType is { IsPrimitive: true } or { IsEnum: true } && field.FieldType != typeof(nint) && field.FieldType != typeof(nuint)
        || field.FieldType == typeof(string) || field.FieldType == typeof(Exception) || field.FieldType == typeof(Exception[]);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_message")]
    private static extern ref string MessageOf(Exception exception);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_innerException")]
    private static extern ref Exception InnerOf(Exception exception);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_remoteStackTraceString")]
    private static extern ref string RemoteStackTraceOf(Exception exception);
}
