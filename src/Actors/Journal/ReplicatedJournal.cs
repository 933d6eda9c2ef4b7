using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Storage.Journal;
using Command = TiKvActors.Protocol.MetaCommand.Types;
using Query = TiKvActors.Protocol.MetaQuery.Types;

namespace TiKvActors.Actors.Journal;

/// <summary>
/// The plugin <c>akka.persistence.journal.replicated</c>: a write is durable on a majority of the meta group when it is acknowledged, and of two living
/// incarnations of a persistent actor at most one gets any further. Usable from every node that knows <c>tikv.meta.members</c>.
/// Nothing is ever rejected, also not an event that cannot be serialized: only a failure stops an actor whatever it does about rejections.
/// </summary>
public class ReplicatedJournal : AsyncWriteJournal
{
    private readonly MetaClient _group;
    private readonly PayloadCodec _codec;
    private readonly long _chunkBytes;

    public ReplicatedJournal(Config config)
    {
        _group = MetaClient.Get(Context.System);
        _codec = new PayloadCodec((ExtendedActorSystem)Context.System);
        _chunkBytes = config.GetByteSize("chunk-size")
            ?? throw new ArgumentException("akka.persistence.journal.replicated.chunk-size must be a size, such as 1 MiB");
    }

    public override async Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr)
    {
        var read = new Query.ReadHighestSequenceNr { PersistenceId = persistenceId };
        return (await _group.QueryAsync(persistenceId, new MetaQuery { ReadHighestSequenceNr = read }).ConfigureAwait(false)).HighestSequenceNr;
    }

    /// <exception cref="MetaGroupException">
    /// Among others: another incarnation saved a snapshot and deleted events since this one loaded its own, so what is left does not follow it.
    /// </exception>
    public override async Task ReplayMessagesAsync(
        IActorContext context,
        string persistenceId,
        long fromSequenceNr,
        long toSequenceNr,
        long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        var first = Math.Max(1, fromSequenceNr);
        var (next, left) = (first, max);
        while (left > 0 && next <= toSequenceNr)
        {
            var read = new Query.ReadEvents
            {
                PersistenceId = persistenceId,
                FromSequenceNr = next,
                ToSequenceNr = toSequenceNr,
                MaxEvents = left,
                MaxBytes = _chunkBytes,
            };
            var answer = await _group.QueryAsync(persistenceId, new MetaQuery { ReadEvents = read }).ConfigureAwait(false);
            // Without a newer snapshot, events that are missing were meant to be.
            if (answer.DeletedTo >= next && (answer.NewestSnapshot >= next || next > first))
            {
                throw new MetaGroupException(
                    $"events {next} to {answer.DeletedTo} of {persistenceId} were deleted while it recovered: "
                    + "another incarnation is alive, or the snapshot that replaces them is not the one that was loaded");
            }

            foreach (var e in answer.Events)
                recoveryCallback(Decode(persistenceId, e));
            if (!answer.More)
                return;
            left -= answer.Events.Count;
            next = answer.Events[^1].SequenceNr + 1;
        }
    }

    protected override async Task<IImmutableList<Exception>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        // All of it is encoded before anything is sent.
        var appends = new List<Command.AppendEvents>();
        long bytes = 0;
        foreach (var write in messages)
        {
            var events = ((IImmutableList<IPersistentRepresentation>)write.Payload).Select(Encode).ToList();
            if (appends.Count == 0 || appends[^1].PersistenceId != write.PersistenceId || bytes >= _chunkBytes)
            {
                appends.Add(new Command.AppendEvents { PersistenceId = write.PersistenceId });
                bytes = 0;
            }

            appends[^1].Events.Add(events);
            bytes += events.Sum(e => (long)e.Payload.Length);
        }

        // All are handed over before the journal takes its next message: what it asks for then comes behind them.
        await Task.WhenAll(appends.Select(a => _group.ExecuteAsync(a.PersistenceId, new MetaCommand { AppendEvents = a }))).ConfigureAwait(false);
        return null;
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr)
    {
        var delete = new Command.DeleteEvents { PersistenceId = persistenceId, ToSequenceNr = toSequenceNr };
        return _group.ExecuteAsync(persistenceId, new MetaCommand { DeleteEvents = delete });
    }

    private MetaEvent Encode(IPersistentRepresentation e)
    {
        var (serializerId, manifest, payload) = _codec.Encode(e.Payload);
        return new MetaEvent
        {
            SequenceNr = e.SequenceNr,
            SerializerId = serializerId,
            SerializerManifest = manifest,
            EventManifest = e.Manifest ?? "",
            Writer = e.WriterGuid ?? "",
            Timestamp = e.Timestamp,
            Payload = UnsafeByteOperations.UnsafeWrap(payload),
        };
    }

    private Persistent Decode(string persistenceId, MetaEvent e)
    {
        var payload = _codec.Decode(e.Payload.Memory, e.SerializerId, e.SerializerManifest);
        return new Persistent(payload, e.SequenceNr, persistenceId, e.EventManifest, false, ActorRefs.NoSender, e.Writer, e.Timestamp);
    }
}
