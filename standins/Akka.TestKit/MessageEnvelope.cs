using Akka.Actor;

namespace Akka.TestKit;

/// <summary>A message that arrived, with who sent it.</summary>
public abstract class MessageEnvelope
{
    public abstract object Message { get; }

    public abstract IActorRef Sender { get; }
}

public class RealMessageEnvelope(object message, IActorRef sender) : MessageEnvelope
{
    public override object Message { get; } = message;

    public override IActorRef Sender { get; } = sender;

    public override string ToString() => $"<{Message ?? "null"}> from {(Sender == ActorRefs.NoSender ? "NoSender" : Sender.ToString())}";
}

/// <summary>Stands for the last message before there was one.</summary>
public sealed class NullMessageEnvelope : MessageEnvelope
{
    public static NullMessageEnvelope Instance = new();

    private NullMessageEnvelope()
    {
    }

    public override object Message =>
        throw new IllegalActorStateException("The last message is not available, because no message has arrived yet.");

    public override IActorRef Sender =>
        throw new IllegalActorStateException("The last sender is not available, because no message has arrived yet.");

    public override string ToString() => "<null message>";
}
