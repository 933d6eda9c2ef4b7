using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

namespace Akka.Event;

/// <summary>For loggers: what is left when they end is not to become dead letters, which would be logged.</summary>
public interface ILoggerMessageQueueSemantics : ISemantics
{
}

/// <summary>
/// The queue of loggers: what is left when they end goes to standard output rather than to the dead letters, which would log again.
/// </summary>
internal sealed class LoggerMailboxType : MailboxType, IProducesMessageQueue<LoggerMessageQueue>
{
    public LoggerMailboxType(Settings settings, Config config) : base(settings, config)
    {
    }

    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new LoggerMessageQueue(system);
}

internal sealed class LoggerMessageQueue(ActorSystem system) : IMessageQueue, ILoggerMessageQueueSemantics, IUnboundedMessageQueueSemantics
{
    private readonly UnboundedMessageQueue _queue = new();

    public bool HasMessages => _queue.HasMessages;

    public int Count => _queue.Count;

    public void Enqueue(IActorRef receiver, Envelope envelope) => _queue.Enqueue(receiver, envelope);

    public bool TryDequeue(out Envelope envelope) => _queue.TryDequeue(out envelope);

    public void CleanUp(IActorRef owner, IMessageQueue deadletters)
    {
        var level = Logging.LogLevelFor(system.Settings.StdoutLogLevel);
        while (TryDequeue(out var envelope))
            if (envelope.Message is LogEvent log && log.LogLevel() >= level) system.Settings.StdoutLogger.Tell(log, envelope.Sender);
    }
}
