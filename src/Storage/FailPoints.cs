using System.Collections.Concurrent;

namespace TiKvActors.Storage;

/// <summary>
/// Named places at which a test makes a store fail, stop or wait. Without a test nothing is set and a place costs one read.
/// A store has its own, so that several in a process do not disturb each other.
/// </summary>
public sealed class FailPoints
{
    /// <summary>Before a batch of the journal is written; on the journal's writer thread.</summary>
    public const string JournalCommit = "journal-commit";

    /// <summary>A deletion of events knows what it deletes, and is not yet among what is to be written; on the caller's thread.</summary>
    public const string JournalDeletion = "journal-deletion";

    /// <summary>Before a batch is written to the data engine; on the caller's thread.</summary>
    public const string DataWrite = "data-write";

    /// <summary>Before the data engine's log is synced; on the caller's thread.</summary>
    public const string DataSync = "data-sync";

    /// <summary>Snapshot installation: the Applying record is durable, and the rows that the peer had are gone.</summary>
    public const string SnapshotRecorded = "snapshot-recorded";

    /// <summary>Snapshot installation: the new range is empty.</summary>
    public const string SnapshotCleared = "snapshot-cleared";

    /// <summary>Snapshot installation: the new rows are in, the state is still Applying.</summary>
    public const string SnapshotIngested = "snapshot-ingested";

    private readonly ConcurrentDictionary<string, Action> _actions = new();

    /// <param name="action">Runs at every <see cref="Hit"/>; what it throws comes out there.</param>
    public void Set(string name, Action action) => _actions[name] = action;

    public void Clear(string name) => _actions.TryRemove(name, out _);

    public void Hit(string name)
    {
        if (!_actions.IsEmpty && _actions.TryGetValue(name, out var action)) action();
    }
}
