using System.Collections.Concurrent;
using Akka.Actor;

namespace Akka.Event;

/// <summary>Remoting's word that everything at an address is to be taken for dead.</summary>
internal sealed class AddressTerminated(Address address)
    : IAutoReceivedMessage, IPossiblyHarmful, IDeadLetterSuppression, INoSerializationVerificationNeeded
{
    public Address Address { get; } = address;

    public override string ToString() => $"<AddressTerminated>: {Address}";
}

/// <summary>Who is told of terminated addresses: the actors that watch, or are watched by, somebody on another system.</summary>
internal sealed class AddressTerminatedTopic : IExtension
{
    private readonly ConcurrentDictionary<IActorRef, byte> _subscribers = new();

    public static AddressTerminatedTopic Get(ActorSystem system) =>
        (AddressTerminatedTopic)system.RegisterExtension(AddressTerminatedTopicProvider.Instance);

    public void Subscribe(IActorRef subscriber) => _subscribers.TryAdd(subscriber, 0);

    public void Unsubscribe(IActorRef subscriber) => _subscribers.TryRemove(subscriber, out _);

    public void Publish(AddressTerminated message)
    {
        foreach (var subscriber in _subscribers.Keys) subscriber.Tell(message, ActorRefs.NoSender);
    }
}

internal sealed class AddressTerminatedTopicProvider : ExtensionIdProvider<AddressTerminatedTopic>
{
    public static readonly AddressTerminatedTopicProvider Instance = new();

    public override AddressTerminatedTopic CreateExtension(ExtendedActorSystem system) => new();
}
