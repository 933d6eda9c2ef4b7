using Akka.Actor;
using Akka.Dispatch;
using Akka.Util;

namespace Akka.Event;

/// <summary>A logger without an actor behind it: it writes on the thread that logs.</summary>
public abstract class MinimalLogger : MinimalActorRef
{
    private static readonly ActorPath _path = new RootActorPath(new Address("akka", "all-systems"), "/StandardOutLogger");

    public sealed override ActorPath Path => _path;

    public sealed override IActorRefProvider Provider => throw new NotSupportedException("This logger does not provide.");

    protected sealed override void TellInternal(object message, IActorRef sender) =>
        Log(message ?? throw new ArgumentNullException(nameof(message), "The message to log must not be null."));

    protected abstract void Log(object message);
}

/// <summary>Writes to standard output.</summary>
public class StandardOutLogger : MinimalLogger
{
    public static ConsoleColor DebugColor { get; set; } = ConsoleColor.Gray;

    public static ConsoleColor InfoColor { get; set; } = ConsoleColor.White;

    public static ConsoleColor WarningColor { get; set; } = ConsoleColor.Yellow;

    public static ConsoleColor ErrorColor { get; set; } = ConsoleColor.Red;

    public static bool UseColors { get; set; } = true;

    protected override void Log(object message)
    {
        if (message is LogEvent log) Print(log);
        else StandardOutWriter.WriteLine(message.ToString());
    }

    internal static void Print(LogEvent log) => StandardOutWriter.WriteLine(log.ToString(), UseColors ? ColorOf(log.LogLevel()) : null);

    private static ConsoleColor ColorOf(LogLevel level) => level switch
    {
        LogLevel.DebugLevel => DebugColor,
        LogLevel.InfoLevel => InfoColor,
        LogLevel.WarningLevel => WarningColor,
        _ => ErrorColor
    };
}

/// <summary>The logger that is configured unless another one is: writes to standard output, on its own turn.</summary>
public class DefaultLogger : ActorBase, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    protected override bool Receive(object message)
    {
        switch (message)
        {
            case InitializeLogger:
                Sender.Tell(new LoggerInitialized());
                return true;
            case LogEvent log:
                Print(log);
                return true;
            default:
                return false;
        }
    }

    protected virtual void Print(LogEvent logEvent) => StandardOutLogger.Print(logEvent);
}

/// <summary>Writes to System.Diagnostics.Trace.</summary>
public class TraceLogger : UntypedActor
{
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case InitializeLogger:
                Sender.Tell(new LoggerInitialized());
                break;
            case Error error:
                System.Diagnostics.Trace.TraceError(error.ToString());
                break;
            case Warning warning:
                System.Diagnostics.Trace.TraceWarning(warning.ToString());
                break;
            case LogEvent log:
                System.Diagnostics.Trace.WriteLine(log.ToString());
                break;
            default:
                Unhandled(message);
                break;
        }
    }
}
