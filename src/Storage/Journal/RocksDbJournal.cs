using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace TiKvActors.Storage.Journal;

/// <summary>
/// The plugin <c>akka.persistence.journal.rocksdb</c>: events go to the <see cref="JournalEngine"/> of the system's
/// <see cref="StorageExtension"/>. Serializes on its own thread; waiting for the disk is the engine's business, and reading runs on
/// the replay dispatcher. An event that cannot be serialized is rejected; any other failure fails the write.
/// </summary>
public sealed class RocksDbJournal : AsyncWriteJournal
{
    private readonly StorageExtension _storage;
    private readonly PayloadCodec _codec;
    private readonly DispatcherReads _reads;

    public RocksDbJournal(Config config)
    {
        _storage = StorageExtension.Get(Context.System);
        _codec = new PayloadCodec((ExtendedActorSystem)Context.System);
        _reads = new DispatcherReads(Context.System, config.GetString("replay-dispatcher"));
    }

    public override async Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr)
    {
        var journal = _storage.Engines.Journal;
        await journal.Settled();
        return await _reads.Run(() => journal.ReadHighestSequenceNr(persistenceId));
    }

    public override async Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        var journal = _storage.Engines.Journal;
        await journal.Settled();
        var (from, left) = (fromSequenceNr, max);
        // A chunk at a time, so that a long log neither pins old table files nor keeps other recoveries waiting.
        while (left > 0 && from <= toSequenceNr)
        {
            var wanted = (int)Math.Min(left, journal.ReplayChunkEvents);
            var first = from;
            var read = await _reads.Run(() => Replay(journal, persistenceId, first, toSequenceNr, wanted, recoveryCallback));
            if (read.Count < wanted) return;
            (from, left) = (read.Last + 1, left - read.Count);
        }
    }

    protected override async Task<IImmutableList<Exception>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        var journal = _storage.Engines.Journal;
        var writes = messages as IReadOnlyList<AtomicWrite> ?? messages.ToArray();
        Exception?[]? rejections = null;
        var records = new List<(long SequenceNr, byte[] Record)>(writes.Count);
        var appends = new List<Task>(1);
        for (var i = 0; i < writes.Count; i++)
        {
            try
            {
                records.AddRange(Encode(writes[i]));
            }
            catch (Exception e)
            {
                (rejections ??= new Exception?[writes.Count])[i] = e;
            }
            // All writes of a call are of one actor in practice; nothing here relies on it.
            if (i + 1 < writes.Count && writes[i + 1].PersistenceId == writes[i].PersistenceId) continue;
            if (records.Count > 0) appends.Add(journal.AppendAsync(writes[i].PersistenceId, records));
            records = [];
        }
        await Task.WhenAll(appends);
        return rejections?.ToImmutableList()!;
    }

    protected override async Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr)
    {
        var journal = _storage.Engines.Journal;
        await journal.Settled();
        var deleted = await _reads.Run(() => journal.DeleteEventsToAsync(persistenceId, toSequenceNr));
        await deleted;
    }

    private List<(long, byte[])> Encode(AtomicWrite write)
    {
        var events = (IImmutableList<IPersistentRepresentation>)write.Payload;
        var records = new List<(long, byte[])>(events.Count);
        foreach (var e in events)
        {
            var (serializerId, manifest, payload) = _codec.Encode(e.Payload);
            records.Add((e.SequenceNr, JournalRecords.Encode(
                new StoredEvent(e.SequenceNr, serializerId, manifest, e.Manifest ?? "", e.WriterGuid ?? "", e.Timestamp, payload))));
        }
        return records;
    }

    private (int Count, long Last) Replay(
        JournalEngine journal, string persistenceId, long from, long to, int maxEvents, Action<IPersistentRepresentation> callback)
    {
        var events = journal.ReadEvents(persistenceId, from, to, long.MaxValue, maxEvents);
        foreach (var e in events)
        {
            var payload = _codec.Decode(e.Payload, e.SerializerId, e.SerializerManifest);
            callback(new Persistent(
                payload, e.SequenceNr, persistenceId, e.EventManifest, false, ActorRefs.NoSender, e.WriterGuid, e.Timestamp));
        }
        return (events.Count, events.Count == 0 ? from : events[^1].SequenceNr);
    }
}
