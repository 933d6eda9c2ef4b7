using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>Keeps events as long as the journal lives.</summary>
public class MemoryJournal : AsyncWriteJournal
{
    private readonly ConcurrentDictionary<string, LinkedList<IPersistentRepresentation>> _messages = new();

    /// <summary>The highest number stays when events are deleted.</summary>
    private readonly ConcurrentDictionary<string, long> _highest = new();

    protected virtual ConcurrentDictionary<string, LinkedList<IPersistentRepresentation>> Messages => _messages;

    protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        foreach (var write in messages)
            foreach (var p in write.Events)
                Store(p);
        return Task.FromResult<IImmutableList<Exception>>(null);
    }

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr) =>
        Task.FromResult(HighestSequenceNr(persistenceId));

    public override Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        foreach (var p in Read(persistenceId, Math.Max(0, fromSequenceNr), Math.Min(HighestSequenceNr(persistenceId), toSequenceNr), max))
            recoveryCallback(p);
        return Task.CompletedTask;
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr)
    {
        if (!Messages.TryGetValue(persistenceId, out var events)) return Task.CompletedTask;
        lock (events)
            while (events.First is { } first && first.Value.SequenceNr <= toSequenceNr)
                events.RemoveFirst();
        return Task.CompletedTask;
    }

    public long HighestSequenceNr(string pid) => Math.Max(_highest.GetValueOrDefault(pid), LastStored(pid));

    public IEnumerable<IPersistentRepresentation> Read(string pid, long fromSeqNr, long toSeqNr, long max)
    {
        if (!Messages.TryGetValue(pid, out var events)) return [];
        // A copy: plugins derived from this one may call back from other threads while events are written.
        lock (events)
            return events.Where(p => p.SequenceNr >= fromSeqNr && p.SequenceNr <= toSeqNr).Take((int)Math.Min(max, int.MaxValue)).ToArray();
    }

    private void Store(IPersistentRepresentation p)
    {
        var events = Messages.GetOrAdd(p.PersistenceId, static _ => new LinkedList<IPersistentRepresentation>());
        lock (events) events.AddLast(p);
        _highest.AddOrUpdate(p.PersistenceId, static (_, number) => number, static (_, old, number) => Math.Max(old, number), p.SequenceNr);
    }

    private long LastStored(string pid)
    {
        if (!Messages.TryGetValue(pid, out var events)) return 0;
        lock (events) return events.Last?.Value.SequenceNr ?? 0;
    }
}
