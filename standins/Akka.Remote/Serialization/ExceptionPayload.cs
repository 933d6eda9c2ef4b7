using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Remote.Transport;
using Akka.Util;

namespace Akka.Remote.Serialization;

/// <summary>
/// An exception as its type's name, text, stack trace and inner exception. Fields of the type's own do not travel. A type that is not
/// known where it arrives becomes a <see cref="RemoteFailure"/> that names it.
/// </summary>
internal static class ExceptionPayload
{
    private const int DeepestInner = 32;

    private static readonly FieldInfo _message = Field("_message");
    private static readonly FieldInfo _inner = Field("_innerException");
    private static readonly FieldInfo _stackTrace = Field("_remoteStackTraceString");

    public static void Write(WireWriter to, Exception exception, int depth = 0)
    {
        if (exception == null || depth > DeepestInner)
        {
            to.Byte(0);
            return;
        }
        to.Byte(1);
        to.Text(exception is RemoteFailure foreign ? foreign.TypeName : exception.GetType().TypeQualifiedName());
        to.Text(exception.Message);
        to.Text(exception.StackTrace ?? "");
        Write(to, exception.InnerException, depth + 1);
    }

    public static Exception Read(ref WireReader from, int depth = 0)
    {
        if (from.Byte() == 0) return null;
        if (depth > DeepestInner) throw new SerializationException($"more than {DeepestInner} exceptions inside each other");
        var (typeName, message, stackTrace) = (from.Text(), from.Text(), from.Text());
        var inner = Read(ref from, depth + 1);
        var exception = Create(typeName, message);
        _message.SetValue(exception, message);
        _inner.SetValue(exception, inner);
        if (stackTrace.Length > 0) _stackTrace.SetValue(exception, stackTrace + Environment.NewLine);
        return exception;
    }

    /// <summary>An empty one: constructors want what did not travel, and only <see cref="Exception"/>'s own fields are set after this.</summary>
    private static Exception Create(string typeName, string message)
    {
        if (Type.GetType(typeName, throwOnError: false) is not { IsAbstract: false, ContainsGenericParameters: false } type || !typeof(Exception).IsAssignableFrom(type)) return new RemoteFailure(typeName, message);
        return type.GetConstructor(BindingFlags.Instance | BindingFlags.Public, [typeof(string)]) is { } withMessage && type.Namespace?.StartsWith("System", StringComparison.Ordinal) == true
            ? (Exception)withMessage.Invoke([message])
            : (Exception)RuntimeHelpers.GetUninitializedObject(type);
    }

    private static FieldInfo Field(string name) =>
        typeof(Exception).GetField(name, BindingFlags.Instance | BindingFlags.NonPublic) ?? throw new MissingFieldException(nameof(Exception), name);
}

/// <summary>An exception of another system whose type is not known here.</summary>
internal sealed class RemoteFailure : AkkaException
{
    public RemoteFailure(string typeName, string message) : base($"{typeName}: {message}") => TypeName = typeName;

    public string TypeName { get; }
}
