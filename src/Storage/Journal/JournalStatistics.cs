namespace TiKvActors.Storage.Journal;

/// <summary>What the journal has done since it was opened.</summary>
/// <param name="Batches">Synced writes to the disk.</param>
/// <param name="Syncs">
/// Syncs of the write-ahead log as RocksDB itself counts them: at least <paramref name="Batches"/> if synced writes really are synced.
/// </param>
/// <param name="Requests">
/// What waited for these: writes of persistent actors, snapshots, deletions. Requests a batch tell how well grouping works.
/// </param>
/// <param name="Events">Persisted events.</param>
/// <param name="Bytes">Of keys and records.</param>
/// <param name="LargestBatch">Most requests in one batch.</param>
public sealed record JournalStatistics(long Batches, long Syncs, long Requests, long Events, long Bytes, int LargestBatch);
