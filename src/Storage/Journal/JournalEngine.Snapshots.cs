using RocksDbSharp;

namespace TiKvActors.Storage.Journal;

public sealed partial class JournalEngine
{
    /// <summary>Durable when the task completes. A snapshot with the same sequence number is replaced.</summary>
    internal Task SaveSnapshotAsync(string persistenceId, long sequenceNr, byte[] record) =>
        _commits.Submit((Engine: this, persistenceId, sequenceNr, record), static (batch, s) =>
        {
            var number = s.Engine.Register(s.persistenceId, batch);
            batch.Put(Keys.Snapshot(number, s.sequenceNr), s.record);
        }, 0, Keys.JournalKeyBytes + record.Length);

    /// <summary>
    /// The newest snapshot with a number in the bounds (inclusive) that fits; null if there is none. Await <see cref="Settled"/> before.
    /// </summary>
    /// <exception cref="CorruptionException"/>
    internal StoredSnapshot? ReadSnapshot(string persistenceId, long minSequenceNr, long maxSequenceNr, Func<StoredSnapshot, bool> fits)
    {
        foreach (var snapshot in ReadSnapshots(persistenceId, minSequenceNr, maxSequenceNr))
            if (fits(snapshot))
                return snapshot;
        return null;
    }

    /// <summary>Deletes the snapshots with a number in the bounds (inclusive) that fit. Await <see cref="Settled"/> before.</summary>
    internal Task DeleteSnapshotsAsync(string persistenceId, long minSequenceNr, long maxSequenceNr, Func<StoredSnapshot, bool> fits)
    {
        if (!_numbers.TryGetValue(persistenceId, out var number)) return Task.CompletedTask;
        var doomed = ReadSnapshots(persistenceId, minSequenceNr, maxSequenceNr).Where(fits).Select(s => s.SequenceNr).ToArray();
        if (doomed.Length == 0) return Task.CompletedTask;
        return _commits.Submit((number, doomed), static (batch, s) =>
        {
            foreach (var sequenceNr in s.doomed) batch.Delete(Keys.Snapshot(s.number, sequenceNr));
        }, 0, 0);
    }

    // Newest first. An id has few snapshots, so they are read at once.
    private List<StoredSnapshot> ReadSnapshots(string persistenceId, long minSequenceNr, long maxSequenceNr) => Use(() =>
    {
        var snapshots = new List<StoredSnapshot>();
        if (!_numbers.TryGetValue(persistenceId, out var number) || maxSequenceNr < minSequenceNr || maxSequenceNr < 0) return snapshots;
        var options = new ReadOptions()
            .SetIterateLowerBound(Keys.Snapshot(number, Math.Max(0, minSequenceNr)))
            .SetIterateUpperBound(maxSequenceNr == long.MaxValue ? Keys.Snapshot(number + 1, 0) : Keys.Snapshot(number, maxSequenceNr + 1));
        using var iterator = _db.NewIterator(null, options);
        for (iterator.SeekToLast(); iterator.Valid(); iterator.Prev())
            snapshots.Add(JournalRecords.DecodeSnapshot(_path, iterator.GetKeySpan(), iterator.GetValueSpan()));
        Native.Instance.rocksdb_iter_get_error(iterator.Handle);
        return snapshots;
    });
}
