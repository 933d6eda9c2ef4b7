using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Akka.Persistence.Snapshot;

namespace TiKvActors.StandIns.Tests.Sharding;

/// <summary>
/// What the journals and snapshot stores of several systems have in common, as bytes. Of two writers the second one fails.
/// </summary>
internal sealed class SharedStore
{
    private static readonly ConcurrentDictionary<string, SharedStore> _all = new();

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Highest, ImmutableSortedDictionary<long, Stored> Events)> _events = new();
    private readonly List<(SnapshotMetadata Metadata, Stored Snapshot)> _snapshots = [];
    private int _failures;

    public sealed record Stored(int Serializer, string Manifest, byte[] Bytes);

    public static SharedStore Named(string name) => _all.GetOrAdd(name, _ => new SharedStore());

    public static void Forget(string name) => _all.TryRemove(name, out _);

    /// <summary>So many writes are to fail.</summary>
    public void Fail(int writes) => Interlocked.Exchange(ref _failures, writes);

    public IReadOnlyList<string> Manifests(string id)
    {
        lock (_lock) return _events.TryGetValue(id, out var found) ? found.Events.Values.Select(e => e.Manifest).ToList() : [];
    }

    public IReadOnlyList<long> Snapshots
    {
        get { lock (_lock) return _snapshots.ConvertAll(s => s.Metadata.SequenceNr); }
    }

    public long Highest(string id)
    {
        lock (_lock) return _events.TryGetValue(id, out var found) ? found.Highest : 0;
    }

    public IReadOnlyList<(long Number, Stored Event)> Read(string id, long from, long to)
    {
        lock (_lock) return _events.TryGetValue(id, out var found)
            ? found.Events.Where(e => e.Key >= from && e.Key <= to).Select(e => (e.Key, e.Value)).ToList() : [];
    }

    public void Write(string id, IReadOnlyList<(long Number, Stored Event)> events)
    {
        if (Interlocked.Decrement(ref _failures) >= 0) throw new IOException("the test wants this write to fail");
        lock (_lock)
        {
            var (highest, all) = _events.GetValueOrDefault(id, (0, ImmutableSortedDictionary<long, Stored>.Empty));
            if (events[0].Number != highest + 1)
                throw new InvalidOperationException($"{id}: event {events[0].Number} after {highest}, another one writes too");
            _events[id] = (events[^1].Number, all.AddRange(events.Select(e => KeyValuePair.Create(e.Number, e.Event))));
        }
    }

    public void Delete(string id, long to)
    {
        lock (_lock)
            if (_events.TryGetValue(id, out var found))
                _events[id] = (found.Highest, found.Events.RemoveRange(found.Events.Keys.Where(n => n <= to).ToList()));
    }

    public void Save(SnapshotMetadata metadata, Stored snapshot)
    {
        lock (_lock) _snapshots.Add((metadata, snapshot));
    }

    public (SnapshotMetadata Metadata, Stored Snapshot) Newest(string id, SnapshotSelectionCriteria criteria)
    {
        lock (_lock) return _snapshots.FindAll(s => s.Metadata.PersistenceId == id && s.Metadata.SequenceNr <= criteria.MaxSequenceNr)
            .LastOrDefault();
    }

    public void DeleteSnapshots(string id, long to)
    {
        lock (_lock) _snapshots.RemoveAll(s => s.Metadata.PersistenceId == id && s.Metadata.SequenceNr <= to);
    }

    public static Stored Bytes(ActorSystem system, object payload) =>
        Akka.Serialization.Serialization.WithTransport((ExtendedActorSystem)system, () =>
    {
        var serializer = system.Serialization.FindSerializerFor(payload);
        return new Stored(
            serializer.Identifier, Akka.Serialization.Serialization.ManifestFor(serializer, payload), serializer.ToBinary(payload));
    });

    public static object Object(ActorSystem system, Stored stored) =>
        system.Serialization.Deserialize(stored.Bytes, stored.Serializer, stored.Manifest);
}

public class SharedJournal(Config config) : AsyncWriteJournal
{
    private readonly SharedStore _store = SharedStore.Named(config.GetString("store"));
    private readonly ActorSystem _system = Context.System;

    protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        foreach (var write in messages)
            _store.Write(
                write.PersistenceId, ((IImmutableList<IPersistentRepresentation>)write.Payload)
                .Select(p => (p.SequenceNr, SharedStore.Bytes(_system, p.Payload))).ToList());
        return Task.FromResult<IImmutableList<Exception>>(null);
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr)
    {
        _store.Delete(persistenceId, toSequenceNr);
        return Task.CompletedTask;
    }

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr) =>
        Task.FromResult(_store.Highest(persistenceId));

    public override Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        foreach (var (number, stored) in _store.Read(persistenceId, fromSequenceNr, toSequenceNr))
            recoveryCallback(new Persistent(SharedStore.Object(_system, stored), number, persistenceId));
        return Task.CompletedTask;
    }
}

public class SharedSnapshots(Config config) : SnapshotStore
{
    private readonly SharedStore _store = SharedStore.Named(config.GetString("store"));
    private readonly ActorSystem _system = Context.System;

    protected override Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var (metadata, stored) = _store.Newest(persistenceId, criteria);
        return Task.FromResult(metadata == null ? null : new SelectedSnapshot(metadata, SharedStore.Object(_system, stored)));
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        _store.Save(metadata, SharedStore.Bytes(_system, snapshot));
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata) =>
        DeleteAsync(metadata.PersistenceId, new SnapshotSelectionCriteria(metadata.SequenceNr));

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        _store.DeleteSnapshots(persistenceId, criteria.MaxSequenceNr);
        return Task.CompletedTask;
    }
}
