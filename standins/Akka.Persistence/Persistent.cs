using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence.Serialization;

namespace Akka.Persistence;

/// <summary>What a <see cref="WriteMessages"/> carries: an <see cref="AtomicWrite"/>, or an event that only waits for its turn.</summary>
public interface IPersistentEnvelope
{
    object Payload { get; }

    IActorRef Sender { get; }

    int Size { get; }
}

/// <summary>An event of DeferAsync: passes the journal, so that its handler keeps its place, and is not stored.</summary>
internal sealed class NonPersistentMessage(object payload, IActorRef sender) : IPersistentEnvelope
{
    public object Payload { get; } = payload;

    public IActorRef Sender { get; } = sender;

    public int Size => 1;
}

/// <summary>Events of one persistence id that are stored all or none. Their payload is the list of them.</summary>
public sealed class AtomicWrite : IPersistentEnvelope, IMessage
{
    private readonly IImmutableList<IPersistentRepresentation> _events;

    public AtomicWrite(IPersistentRepresentation @event) : this(ImmutableArray.Create(@event), @event, @event, ActorRefs.NoSender)
    {
    }

    /// <exception cref="ArgumentException">The list is empty, or its events have several persistence ids.</exception>
    public AtomicWrite(IImmutableList<IPersistentRepresentation> payload) : this(payload, First(payload), payload[^1], ActorRefs.NoSender)
    {
        if (payload.FirstOrDefault(p => p.PersistenceId != PersistenceId) is { } stranger)
            throw new ArgumentException(
                $"An AtomicWrite is for one persistence id, this one has '{PersistenceId}' and '{stranger.PersistenceId}'.",
                nameof(payload));
    }

    private AtomicWrite(
        IImmutableList<IPersistentRepresentation> events, IPersistentRepresentation first, IPersistentRepresentation last,
        IActorRef commandSender)
    {
        _events = events;
        PersistenceId = first.PersistenceId;
        LowestSequenceNr = first.SequenceNr;
        HighestSequenceNr = last.SequenceNr;
        Size = events.Count;
        CommandSender = commandSender;
    }

    public object Payload => _events;

    public IActorRef Sender => ActorRefs.NoSender;

    public string PersistenceId { get; }

    public long LowestSequenceNr { get; }

    public long HighestSequenceNr { get; }

    public int Size { get; }

    internal IImmutableList<IPersistentRepresentation> Events => _events;

    /// <summary>
    /// Who sent the command that persists these events: sender of the handlers. Kept here and not in the events, so that the
    /// journal can store them as they are.
    /// </summary>
    internal IActorRef CommandSender { get; }

    internal static AtomicWrite Of(IPersistentRepresentation @event, IActorRef commandSender) =>
        new(ImmutableArray.Create(@event), @event, @event, commandSender);

    internal static AtomicWrite Of(ImmutableArray<IPersistentRepresentation> events, IActorRef commandSender) =>
        new(events, events[0], events[^1], commandSender);

    private static IPersistentRepresentation First(IImmutableList<IPersistentRepresentation> payload) =>
        payload.Count > 0 ? payload[0] : throw new ArgumentException("An AtomicWrite needs at least one event.", nameof(payload));

    public bool Equals(AtomicWrite other) => other != null && (ReferenceEquals(this, other) || _events.SequenceEqual(other._events));

    public override bool Equals(object obj) => Equals(obj as AtomicWrite);

    public override int GetHashCode() => HashCode.Combine(PersistenceId, LowestSequenceNr, HighestSequenceNr);

    public override string ToString() =>
        $"AtomicWrite<pid: {PersistenceId}, lowSeqNr: {LowestSequenceNr}, highSeqNr: {HighestSequenceNr}, size: {Size}>";
}

/// <summary>An event with what the journal stores about it.</summary>
public interface IPersistentRepresentation : IMessage
{
    object Payload { get; }

    /// <summary>Given by the event adapter; empty without one.</summary>
    string Manifest { get; }

    string PersistenceId { get; }

    /// <summary>Counts from 1 without gaps within a persistence id.</summary>
    long SequenceNr { get; }

    /// <summary>Tells the incarnations of one persistence id apart.</summary>
    string WriterGuid { get; }

    bool IsDeleted { get; }

    IActorRef Sender { get; }

    /// <summary>Ticks, UTC; 0 if the journal sets none.</summary>
    long Timestamp { get; }

    IPersistentRepresentation WithPayload(object payload);

    IPersistentRepresentation WithManifest(string manifest);

    IPersistentRepresentation WithTimestamp(long timestamp);

    IPersistentRepresentation Update(long sequenceNr, string persistenceId, bool isDeleted, IActorRef sender, string writerGuid);
}

public class Persistent : IPersistentRepresentation, IEquatable<IPersistentRepresentation>
{
    public Persistent(object payload, long sequenceNr = 0, string persistenceId = null, string manifest = null, bool isDeleted = false,
        IActorRef sender = null, string writerGuid = null, long timestamp = 0)
    {
        Payload = payload;
        SequenceNr = sequenceNr;
        PersistenceId = persistenceId ?? Undefined;
        Manifest = manifest ?? Undefined;
        IsDeleted = isDeleted;
        Sender = sender;
        WriterGuid = writerGuid ?? Undefined;
        Timestamp = timestamp;
    }

    public static string Undefined { get; } = string.Empty;

    public object Payload { get; }

    public string Manifest { get; }

    public string PersistenceId { get; }

    public long SequenceNr { get; }

    public string WriterGuid { get; }

    public bool IsDeleted { get; }

    public IActorRef Sender { get; }

    public long Timestamp { get; }

    public IPersistentRepresentation WithPayload(object payload) =>
        new Persistent(payload, SequenceNr, PersistenceId, Manifest, IsDeleted, Sender, WriterGuid, Timestamp);

    public IPersistentRepresentation WithManifest(string manifest) =>
        Manifest == manifest
            ? this : new Persistent(Payload, SequenceNr, PersistenceId, manifest, IsDeleted, Sender, WriterGuid, Timestamp);

    public IPersistentRepresentation WithTimestamp(long newTimestamp) =>
        Timestamp == newTimestamp
            ? this : new Persistent(Payload, SequenceNr, PersistenceId, Manifest, IsDeleted, Sender, WriterGuid, newTimestamp);

    public IPersistentRepresentation Update(long sequenceNr, string persistenceId, bool isDeleted, IActorRef sender, string writerGuid) =>
        new Persistent(Payload, sequenceNr, persistenceId, Manifest, isDeleted, sender, writerGuid, Timestamp);

    public bool Equals(IPersistentRepresentation other) =>
        other != null && Equals(Payload, other.Payload) && Manifest == other.Manifest && PersistenceId == other.PersistenceId &&
        SequenceNr == other.SequenceNr && IsDeleted == other.IsDeleted && Equals(Sender, other.Sender) && WriterGuid == other.WriterGuid;

    public override bool Equals(object obj) => Equals(obj as IPersistentRepresentation);

    public override int GetHashCode() => HashCode.Combine(PersistenceId, SequenceNr, WriterGuid, Payload);

    public override string ToString() =>
        $"Persistent<pid: {PersistenceId}, seqNr: {SequenceNr}, deleted: {IsDeleted}, manifest: {Manifest}, sender: {Sender}, "
            + $"payload: {Payload}, writerGuid: {WriterGuid}>";
}
