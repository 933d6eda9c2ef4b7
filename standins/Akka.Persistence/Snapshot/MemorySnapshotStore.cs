namespace Akka.Persistence.Snapshot;

/// <summary>A snapshot as <see cref="MemorySnapshotStore"/> keeps it. The timestamp is in ticks.</summary>
public class SnapshotEntry
{
    public string Id { get; set; }

    public string PersistenceId { get; set; }

    public long SequenceNr { get; set; }

    public long Timestamp { get; set; }

    public object Snapshot { get; set; }
}

/// <summary>Keeps snapshots as long as the store lives.</summary>
public class MemorySnapshotStore : SnapshotStore
{
    /// <summary>All methods run on the store's actor, so it needs no lock.</summary>
    protected virtual List<SnapshotEntry> Snapshots { get; } = [];

    protected override Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var newest = Snapshots.Where(s => Matches(s, persistenceId, criteria)).MaxBy(s => (s.SequenceNr, s.Timestamp));
        return Task.FromResult(newest == null
            ? null
            : new SelectedSnapshot(
                new SnapshotMetadata(newest.PersistenceId, newest.SequenceNr, new DateTime(newest.Timestamp, DateTimeKind.Utc)),
                newest.Snapshot));
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        var id = metadata.PersistenceId + "_" + metadata.SequenceNr;
        Snapshots.RemoveAll(s => s.Id == id);
        Snapshots.Add(new SnapshotEntry
        {
            Id = id,
            PersistenceId = metadata.PersistenceId,
            SequenceNr = metadata.SequenceNr,
            Timestamp = metadata.Timestamp.Ticks,
            Snapshot = snapshot
        });
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata)
    {
        Snapshots.RemoveAll(s => s.PersistenceId == metadata.PersistenceId && s.SequenceNr == metadata.SequenceNr &&
            (metadata.Timestamp == DateTime.MinValue || s.Timestamp == metadata.Timestamp.Ticks));
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        Snapshots.RemoveAll(s => Matches(s, persistenceId, criteria));
        return Task.CompletedTask;
    }

    private static bool Matches(SnapshotEntry s, string persistenceId, SnapshotSelectionCriteria criteria) =>
        s.PersistenceId == persistenceId && criteria.IsMatch(s.SequenceNr, new DateTime(s.Timestamp, DateTimeKind.Utc));
}
