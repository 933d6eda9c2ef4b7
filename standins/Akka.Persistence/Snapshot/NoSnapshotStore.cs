namespace Akka.Persistence.Snapshot;

/// <summary>Finds nothing and refuses to save, for actors that never take snapshots.</summary>
public sealed class NoSnapshotStore : SnapshotStore
{
    protected override Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Task.FromResult<SelectedSnapshot>(null);

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot) => Refused();

    protected override Task DeleteAsync(SnapshotMetadata metadata) => Refused();

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) => Refused();

    private static Task Refused() =>
        Task.FromException(
            new NoSnapshotStoreException("There is no snapshot store: set akka.persistence.snapshot-store.plugin to the path of one."));

    public class NoSnapshotStoreException : Exception
    {
        public NoSnapshotStoreException()
        {
        }

        public NoSnapshotStoreException(string message) : base(message)
        {
        }

        public NoSnapshotStoreException(string message, Exception innerException) : base(message, innerException)
        {
        }
    }
}
