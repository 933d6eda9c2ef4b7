using Akka.Actor;
using Akka.Actor.Internal;

namespace Akka.Event;

/// <summary>The bus of the log events: starts and stops the loggers, and holds the level below which nothing is published.</summary>
public class LoggingBus : ActorEventBus<object, Type>
{
    private static int _loggerId;

    private readonly List<IActorRef> _loggers = [];
    private volatile int _logLevel;

    public LogLevel LogLevel => (LogLevel)_logLevel;

    protected override bool IsSubClassification(Type parent, Type child) => parent.IsAssignableFrom(child);

    protected override void Publish(object @event, IActorRef subscriber) => subscriber.Tell(@event, ActorRefs.NoSender);

    protected override bool Classify(object @event, Type classifier) => classifier.IsInstanceOfType(@event);

    protected override Type GetClassifier(object @event) => @event.GetType();

    /// <summary>From now on loggers get events of this level and above.</summary>
    public void SetLogLevel(LogLevel logLevel)
    {
        _logLevel = (int)logLevel;
        foreach (var logger in _loggers.ToList()) SubscribeLogger(logger, logLevel);
    }

    private void SubscribeLogger(IActorRef logger, LogLevel level)
    {
        foreach (var each in Logging.AllLogLevels)
            if (each >= level) Subscribe(logger, each.ClassFor());
            else Unsubscribe(logger, each.ClassFor());
    }

    /// <summary>Standard output gets the events until the configured loggers have started.</summary>
    public void StartStdoutLogger(Settings config)
    {
        _logLevel = (int)Logging.LogLevelFor(config.StdoutLogLevel);
        SubscribeLogger(config.StdoutLogger, LogLevel);
        Publish(new Debug(Logging.SimpleName(this), GetType(), "StandardOutLogger started"));
    }

    /// <summary>Starts the loggers of akka.loggers; standard output is no longer used, unless it is one of them or all fail.</summary>
    /// <exception cref="Configuration.ConfigurationException">A logger is no known type.</exception>
    internal void StartDefaultLoggers(ActorSystemImpl system)
    {
        var level = Logging.LogLevelFor(system.Settings.LogLevel);
        var stdoutIsNamed = false;
        foreach (var name in system.Settings.Loggers)
        {
            var type = Type.GetType(name)
                ?? throw new Configuration.ConfigurationException($"Logger specified in config cannot be found: \"{name}\"");
            if (typeof(MinimalLogger).IsAssignableFrom(type))
            {
                stdoutIsNamed = true;
                SubscribeLogger(system.Settings.StdoutLogger, level);
                continue;
            }
            AddLogger(system, type, level);
        }
        _logLevel = (int)level;
        if (!stdoutIsNamed) Unsubscribe(system.Settings.StdoutLogger);
        Publish(new Debug(Logging.SimpleName(this), GetType(), "Default Loggers started"));
    }

    private void AddLogger(ActorSystemImpl system, Type type, LogLevel level)
    {
        var name = $"log{Interlocked.Increment(ref _loggerId)}-{Logging.SimpleName(type)}";
        var dispatcher = string.IsNullOrEmpty(system.Settings.LoggersDispatcher)
            ? Dispatch.Dispatchers.InternalDispatcherId
            : system.Settings.LoggersDispatcher;
        var props = Props.Create(type);
        if (system.Dispatchers.HasDispatcher(dispatcher)) props = props.WithDispatcher(dispatcher);
        var logger = system.SystemActorOf(props, name);
        _loggers.Add(logger);
        SubscribeLogger(logger, level);
        // Nothing waits for the answer: what is logged before it comes lies in the logger's mailbox.
        logger.Ask(new InitializeLogger(this), system.Settings.LoggerStartTimeout).ContinueWith(
            answer =>
            {
                if (answer is { IsCompletedSuccessfully: true, Result: LoggerInitialized })
                    Publish(new Debug(Logging.SimpleName(this), GetType(), $"Logger {name} [{type.Name}] started"));
                else
                    Publish(new Warning(
                        answer.Exception?.InnerException, Logging.SimpleName(this), GetType(),
                        $"Logger {name} [{type.Name}] did not answer InitializeLogger with LoggerInitialized "
                            + $"within {system.Settings.LoggerStartTimeout}"));
            },
            TaskScheduler.Default);
    }

    /// <summary>From now on standard output gets the events; the loggers end once they have written what they have.</summary>
    internal void StopDefaultLoggers(ActorSystem system)
    {
        var level = LogLevel;
        if (level != Logging.OffLogLevel)
            SubscribeLogger(system.Settings.StdoutLogger, Logging.LogLevelFor(system.Settings.StdoutLogLevel));
        foreach (var logger in _loggers)
        {
            Unsubscribe(logger);
            ((IInternalActorRef)logger).Stop();
        }
        _loggers.Clear();
    }
}
