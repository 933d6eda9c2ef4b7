using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Snapshot;

namespace TiKvActors.Storage.Journal;

/// <summary>
/// The plugin <c>akka.persistence.snapshot-store.rocksdb</c>, in the same engine as the journal and with the same group commit: a saved
/// snapshot is durable. One snapshot is kept for a sequence number; a later one with the same number replaces it.
/// </summary>
public sealed class RocksDbSnapshotStore : SnapshotStore
{
    private readonly StorageExtension _storage;
    private readonly PayloadCodec _codec;
    private readonly DispatcherReads _reads;

    public RocksDbSnapshotStore(Config config)
    {
        _storage = StorageExtension.Get(Context.System);
        _codec = new PayloadCodec((ExtendedActorSystem)Context.System);
        _reads = new DispatcherReads(Context.System, config.GetString("replay-dispatcher"));
    }

    protected override async Task<SelectedSnapshot?> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var journal = _storage.Engines.Journal;
        await journal.Settled();
        return await _reads.Run(() =>
        {
            if (journal.ReadSnapshot(
                persistenceId, criteria.MinSequenceNr, criteria.MaxSequenceNr, s => IsWithin(s, criteria)) is not { } stored)
                return null;
            var metadata = new SnapshotMetadata(persistenceId, stored.SequenceNr, new DateTime(stored.Timestamp, DateTimeKind.Utc));
            return new SelectedSnapshot(metadata, _codec.Decode(stored.Payload, stored.SerializerId, stored.SerializerManifest));
        });
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        var (serializerId, manifest, payload) = _codec.Encode(snapshot);
        var stored = new StoredSnapshot(metadata.SequenceNr, serializerId, manifest, metadata.Timestamp.Ticks, payload);
        return _storage.Engines.Journal.SaveSnapshotAsync(metadata.PersistenceId, metadata.SequenceNr, JournalRecords.Encode(stored));
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata)
    {
        // A caller that does not know the time gives the first or the last one there is.
        var anyTime = metadata.Timestamp == DateTime.MinValue || metadata.Timestamp == DateTime.MaxValue;
        return Delete(
            metadata.PersistenceId, metadata.SequenceNr, metadata.SequenceNr, s => anyTime || s.Timestamp == metadata.Timestamp.Ticks);
    }

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Delete(persistenceId, criteria.MinSequenceNr, criteria.MaxSequenceNr, s => IsWithin(s, criteria));

    private static bool IsWithin(StoredSnapshot snapshot, SnapshotSelectionCriteria criteria) =>
        snapshot.Timestamp <= criteria.MaxTimeStamp.Ticks && snapshot.Timestamp >= (criteria.MinTimestamp ?? DateTime.MinValue).Ticks;

    private async Task Delete(string persistenceId, long minSequenceNr, long maxSequenceNr, Func<StoredSnapshot, bool> fits)
    {
        var journal = _storage.Engines.Journal;
        await journal.Settled();
        var deleted = await _reads.Run(() => journal.DeleteSnapshotsAsync(persistenceId, minSequenceNr, maxSequenceNr, fits));
        await deleted;
    }
}
