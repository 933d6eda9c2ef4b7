using RocksDbSharp;

namespace TiKvActors.Storage.Journal;

public sealed partial class JournalEngine
{
    /// <summary>
    /// Durable events of an id by their sequence numbers, ascending, both bounds inclusive. Ends early at <paramref name="maxBytes"/> of
    /// payload, but holds at least one event if there is one. Does not wait for writes under way. This is how old Raft entries are read.
    /// </summary>
    /// <exception cref="CorruptionException"/>
    public IReadOnlyList<StoredEvent> ReadEvents(string persistenceId, long from, long to, long maxBytes) =>
        ReadEvents(persistenceId, from, to, maxBytes, int.MaxValue);

    /// <summary>
    /// Removes everything that an id has written, and the id. For a peer whose Tombstone is durable: its id never comes back.
    /// Durable when the task completes.
    /// </summary>
    public Task PurgeAsync(string persistenceId)
    {
        if (!_numbers.TryGetValue(persistenceId, out var number)) return Settled();
        return _commits.Submit((Engine: this, persistenceId, number), static (batch, s) =>
        {
            if (!s.Engine.IsStill(s.persistenceId, s.number)) return;
            DeleteRange(batch, Keys.Event(s.number, 0), Keys.Event(s.number + 1, 0));
            DeleteRange(batch, Keys.Snapshot(s.number, 0), Keys.Snapshot(s.number + 1, 0));
            batch.Delete(Keys.Head(s.number)).Delete(Keys.PersistenceId(s.persistenceId));
            s.Engine._numbers.TryRemove(s.persistenceId, out _);
            s.Engine._heads.TryRemove(s.number, out _);
        }, 0, 0);
    }

    internal IReadOnlyList<StoredEvent> ReadEvents(string persistenceId, long from, long to, long maxBytes, int maxEvents) => Use(() =>
    {
        var events = new List<StoredEvent>();
        if (to < from || !_numbers.TryGetValue(persistenceId, out var number)) return events;
        // Starting behind what was deleted spares the iterator the tombstones.
        var first = Math.Max(from, HeadOf(number).DeletedTo + 1);
        if (to < first) return events;
        var options = new ReadOptions()
            .SetIterateLowerBound(Keys.Event(number, first))
            .SetIterateUpperBound(to == long.MaxValue ? Keys.Event(number + 1, 0) : Keys.Event(number, to + 1));
        using var iterator = _db.NewIterator(null, options);
        long bytes = 0;
        for (iterator.SeekToFirst(); iterator.Valid() && bytes < maxBytes && events.Count < maxEvents; iterator.Next())
        {
            var stored = JournalRecords.DecodeEvent(_path, iterator.GetKeySpan(), iterator.GetValueSpan());
            bytes += stored.Payload.Length;
            events.Add(stored);
        }
        Native.Instance.rocksdb_iter_get_error(iterator.Handle);
        return events;
    });

    /// <summary>
    /// The events in order; durable when the task completes. Records are encoded before, so that this cannot fail half-way.
    /// </summary>
    internal Task AppendAsync(string persistenceId, IReadOnlyList<(long SequenceNr, byte[] Record)> events)
    {
        long bytes = 0;
        foreach (var e in events) bytes += Keys.JournalKeyBytes + e.Record.Length;
        return _commits.Submit((Engine: this, persistenceId, events), static (batch, s) =>
        {
            var number = s.Engine.Register(s.persistenceId, batch);
            foreach (var (sequenceNr, record) in s.events) batch.Put(Keys.Event(number, sequenceNr), record);
        }, events.Count, bytes);
    }

    /// <summary>The highest number ever stored, as far as it is durable: await <see cref="Settled"/> before. 0 for an unknown id.</summary>
    internal long ReadHighestSequenceNr(string persistenceId) => Use(() =>
    {
        if (!_numbers.TryGetValue(persistenceId, out var number)) return 0;
        var head = HeadOf(number);
        var options = new ReadOptions().SetIterateLowerBound(Keys.Event(number, head.DeletedTo + 1))
            .SetIterateUpperBound(Keys.Event(number + 1, 0));
        using var iterator = _db.NewIterator(null, options);
        iterator.SeekToLast();
        var last = iterator.Valid() ? Keys.SequenceNrOf(iterator.GetKeySpan()) : 0;
        Native.Instance.rocksdb_iter_get_error(iterator.Handle);
        return Math.Max(head.Highest, last);
    });

    /// <summary>Deletes events up to and including a number, but keeps the highest number. Await <see cref="Settled"/> before.</summary>
    internal Task DeleteEventsToAsync(string persistenceId, long toSequenceNr)
    {
        if (!_numbers.TryGetValue(persistenceId, out var number)) return Task.CompletedTask;
        var highest = ReadHighestSequenceNr(persistenceId);
        var head = new JournalHead(highest, Math.Min(toSequenceNr, highest));
        if (head.DeletedTo <= HeadOf(number).DeletedTo) return Task.CompletedTask;
        _failPoints.Hit(FailPoints.JournalDeletion);
        return _commits.Submit((Engine: this, persistenceId, number, head), static (batch, s) =>
        {
            // A head of a purged number would hide the first events of the next id that gets the number.
            if (!s.Engine.IsStill(s.persistenceId, s.number)) return;
            var merged = s.Engine._heads.AddOrUpdate(s.number, s.head, (_, known) => known.Merge(s.head));
            DeleteRange(batch, Keys.Event(s.number, 0), Keys.Event(s.number, merged.DeletedTo + 1));
            batch.Put(Keys.Head(s.number), JournalRecords.Encode(merged));
        }, 0, 0);
    }

    private static void DeleteRange(WriteBatch batch, byte[] start, byte[] end) =>
        batch.DeleteRange(start, (ulong)start.Length, end, (ulong)end.Length);

    /// <summary>Only under the lock of the group commit.</summary>
    private ulong Register(string persistenceId, WriteBatch batch)
    {
        if (_numbers.TryGetValue(persistenceId, out var number)) return number;
        number = ++_lastNumber;
        // Earlier versions could leave the head of a purged id behind, and reopening gives out a purged number again if it was the largest.
        batch.Delete(Keys.Head(number));
        _heads[number] = default;
        batch.Put(Keys.PersistenceId(persistenceId), JournalRecords.EncodeNumber(number));
        return _numbers[persistenceId] = number;
    }

    /// <summary>Whether no purge came between resolving an id and this. Only under the lock of the group commit.</summary>
    private bool IsStill(string persistenceId, ulong number) => _numbers.TryGetValue(persistenceId, out var now) && now == number;

    private JournalHead HeadOf(ulong number) => _heads.GetOrAdd(number, static (n, engine) =>
    {
        var key = Keys.Head(n);
        return engine._db.Get(key) is { } record ? JournalRecords.DecodeHead(engine._path, key, record) : default;
    }, this);
}
