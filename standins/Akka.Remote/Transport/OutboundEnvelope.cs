using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>A message that waits for its turn on a connection.</summary>
internal readonly struct OutboundEnvelope
{
    /// <summary>What a waiting message is counted with besides its payload, in bytes.</summary>
    public const int Overhead = 160;

    public OutboundEnvelope(RemoteActorRef recipient, IActorRef sender, object message, int serializerId, string manifest, byte[] payload, long systemSequence = 0)
    {
        Recipient = recipient;
        Sender = sender;
        Message = message;
        SerializerId = serializerId;
        Manifest = manifest;
        Payload = payload;
        SystemSequence = systemSequence;
    }

    private OutboundEnvelope(RemoteActorRef recipient, IActorRef sender, object message, Exception failure)
    {
        Recipient = recipient;
        Sender = sender;
        Message = message;
        Failure = failure;
    }

    public RemoteActorRef Recipient { get; }

    /// <summary>Null for none.</summary>
    public IActorRef Sender { get; }

    /// <summary>Kept for the dead letter that it becomes if the connection is lost first.</summary>
    public object Message { get; }

    public int SerializerId { get; }

    public string Manifest { get; }

    public byte[] Payload { get; }

    /// <summary>0 for an ordinary message.</summary>
    public long SystemSequence { get; }

    public bool IsSystem => SystemSequence != 0;

    /// <summary>Not null: the message's serializer broke. What waits before it is sent, then the connection ends.</summary>
    public Exception Failure { get; }

    public int Size => Overhead + (Payload?.Length ?? 0);

    public static OutboundEnvelope Broken(RemoteActorRef recipient, IActorRef sender, object message, Exception failure) => new(recipient, sender, message, failure);

    public OutboundEnvelope WithSequence(long sequence) => new(Recipient, Sender, Message, SerializerId, Manifest, Payload, sequence);
}
