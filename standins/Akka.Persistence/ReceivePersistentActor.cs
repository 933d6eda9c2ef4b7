using Akka.Actor;
using Akka.Actor.Internal;

namespace Akka.Persistence;

/// <summary>
/// Commands and recovery by handlers that the constructor, or the method given to Become, declares; the first that matches handles.
/// </summary>
public abstract class ReceivePersistentActor : UntypedPersistentActor, IInitializableActor
{
    private readonly ReceiveHandlers _recovery = new();

    /// <summary>The handlers that are being declared; null when it is too late.</summary>
    private ReceiveHandlers _declaring = new();

    private ReceiveHandlers _commands;

    void IInitializableActor.Init()
    {
        _commands = _declaring;
        _declaring = null;
    }

    protected sealed override void OnCommand(object message) => Handle(_commands ?? _declaring, message);

    protected sealed override void OnRecover(object message) => Handle(_recovery, message);

    protected void Become(Action configure) => base.Become(HandlersOf(configure));

    protected void BecomeStacked(Action configure) => base.BecomeStacked(HandlersOf(configure));

    protected void Recover<T>(Action<T> handler, Predicate<T> shouldHandle = null) => RecoveryHandlers.Add(handler, shouldHandle);

    protected void Recover<T>(Predicate<T> shouldHandle, Action<T> handler) => RecoveryHandlers.Add(handler, shouldHandle);

    protected void Recover<T>(Func<T, bool> handler) => RecoveryHandlers.Add(handler);

    protected void Recover(Type messageType, Action<object> handler, Predicate<object> shouldHandle = null) =>
        RecoveryHandlers.Add(messageType, handler, shouldHandle);

    protected void Recover(Type messageType, Predicate<object> shouldHandle, Action<object> handler) =>
        RecoveryHandlers.Add(messageType, handler, shouldHandle);

    protected void Recover(Type messageType, Func<object, bool> handler) => RecoveryHandlers.Add(messageType, handler);

    protected void RecoverAny(Action<object> handler) => RecoveryHandlers.AddAny(handler);

    protected void Command<T>(Action<T> handler, Predicate<T> shouldHandle = null) => CommandHandlers.Add(handler, shouldHandle);

    protected void Command<T>(Predicate<T> shouldHandle, Action<T> handler) => CommandHandlers.Add(handler, shouldHandle);

    protected void Command<T>(Func<T, bool> handler) => CommandHandlers.Add(handler);

    protected void Command(Type messageType, Action<object> handler, Predicate<object> shouldHandle = null) =>
        CommandHandlers.Add(messageType, handler, shouldHandle);

    protected void Command(Type messageType, Predicate<object> shouldHandle, Action<object> handler) =>
        CommandHandlers.Add(messageType, handler, shouldHandle);

    protected void Command(Type messageType, Func<object, bool> handler) => CommandHandlers.Add(messageType, handler);

    protected void Command(Action<object> handler) => CommandHandlers.AddAny(handler);

    protected void CommandAny(Action<object> handler) => CommandHandlers.AddAny(handler);

    protected void CommandAsync<T>(Func<T, Task> handler, Predicate<T> shouldHandle = null) =>
        CommandHandlers.Add(m => RunTask(() => handler(m)), shouldHandle);

    protected void CommandAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) => CommandAsync(handler, shouldHandle);

    protected void CommandAsync(Type messageType, Func<object, Task> handler, Predicate<object> shouldHandle = null) =>
        CommandHandlers.Add(messageType, m => RunTask(() => handler(m)), shouldHandle);

    protected void CommandAsync(Type messageType, Predicate<object> shouldHandle, Func<object, Task> handler) =>
        CommandAsync(messageType, handler, shouldHandle);

    protected void CommandAnyAsync(Func<object, Task> handler) => CommandHandlers.AddAny(m => RunTask(() => handler(m)));

    private ReceiveHandlers CommandHandlers => _declaring ?? throw TooLate("Command");

    private ReceiveHandlers RecoveryHandlers => _declaring == null ? throw TooLate("Recover") : _recovery;

    private UntypedReceive HandlersOf(Action configure)
    {
        var outer = _declaring;
        var handlers = _declaring = new ReceiveHandlers();
        try
        {
            configure();
        }
        finally
        {
            _declaring = outer;
        }
        return message => Handle(handlers, message);
    }

    private void Handle(ReceiveHandlers handlers, object message)
    {
        if (!handlers.Handle(message)) Unhandled(message);
    }

    private static InvalidOperationException TooLate(string method) =>
        new($"You may only call {method}-methods when constructing the actor and inside Become().");
}

/// <summary>
/// The ways of declaring a handler: by type with or without a condition, with or without an answer whether it took the message.
/// </summary>
internal static class HandlerDeclarations
{
    public static void Add<T>(this ReceiveHandlers handlers, Action<T> handler, Predicate<T> shouldHandle) =>
        handlers.Add(typeof(T), Guarded(handler, shouldHandle), shouldHandle == null);

    public static void Add<T>(this ReceiveHandlers handlers, Func<T, bool> handler) =>
        handlers.Add(typeof(T), message => handler((T)message), false);

    public static void Add(this ReceiveHandlers handlers, Type type, Action<object> handler, Predicate<object> shouldHandle) =>
        handlers.Add(type, Guarded(handler, shouldHandle), shouldHandle == null);

    public static void Add(this ReceiveHandlers handlers, Type type, Func<object, bool> handler) => handlers.Add(type, handler, false);

    public static void AddAny(this ReceiveHandlers handlers, Action<object> handler) => handlers.AddAny(Guarded(handler, null));

    private static Func<object, bool> Guarded<T>(Action<T> handler, Predicate<T> shouldHandle) => message =>
    {
        var typed = (T)message;
        if (shouldHandle?.Invoke(typed) == false) return false;
        handler(typed);
        return true;
    };
}
