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
        var foreign = exception as RemoteFailure;
        to.Text(foreign?.TypeName ?? exception.GetType().TypeQualifiedName());
        to.Text(foreign?.Text ?? exception.Message);
        to.Text(exception.StackTrace ?? "");
        Write(to, exception.InnerException, depth + 1);
    }

    public static Exception Read(ref WireReader from, int depth = 0)
    {
        if (from.Byte() == 0) return null;
        if (depth > DeepestInner) throw new SerializationException($"more than {DeepestInner} exceptions inside each other");
        var (typeName, message, stackTrace) = (from.Text(), from.Text(), from.Text());
        var inner = Read(ref from, depth + 1);
        var exception = Create(typeName) ?? new RemoteFailure(typeName, message);
        if (exception is not RemoteFailure) _message.SetValue(exception, message);
        _inner.SetValue(exception, inner);
        if (stackTrace.Length > 0) _stackTrace.SetValue(exception, stackTrace + Environment.NewLine);
        return exception;
    }

    /// <summary>An empty exception, without any constructor if the type has none that needs nothing; null if the type is not known.</summary>
    private static Exception Create(string typeName)
    {
        if (Akka.Serialization.Serialization.FindType(typeName) is not { IsAbstract: false, ContainsGenericParameters: false } type || !typeof(Exception).IsAssignableFrom(type)) return null;
        return (Exception)(type.GetConstructor(Type.EmptyTypes)?.Invoke(null) ?? RuntimeHelpers.GetUninitializedObject(type));
    }

    private static FieldInfo Field(string name) =>
        typeof(Exception).GetField(name, BindingFlags.Instance | BindingFlags.NonPublic) ?? throw new MissingFieldException(nameof(Exception), name);
}

/// <summary>An exception of another system whose type is not known here.</summary>
internal sealed class RemoteFailure : AkkaException
{
    public RemoteFailure(string typeName, string message) : base($"{typeName}: {message}") => (TypeName, Text) = (typeName, message);

    public string TypeName { get; }

    public string Text { get; }
}
