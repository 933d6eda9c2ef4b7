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

    /// <summary>A batch is written to the data engine and visible, and its writer does not know yet; on the caller's thread.</summary>
    public const string DataWritten = "data-written";

    /// <summary>Before the data engine's log is synced; on the caller's thread.</summary>
    public const string DataSync = "data-sync";

    /// <summary>A snapshot's rows are about to be pulled: what was staged for the region before is deleted.</summary>
    public const string StagingBegun = "staging-begun";

    /// <summary>A chunk of a snapshot is staged.</summary>
    public const string ChunkStaged = "chunk-staged";

    /// <summary>All rows of a snapshot are staged, durably.</summary>
    public const string SnapshotStaged = "snapshot-staged";

    /// <summary>Snapshot installation: the Applying record is written, but not synced.</summary>
    public const string SnapshotRecordWritten = "snapshot-record-written";

    /// <summary>Snapshot installation: the Applying record is durable, and the rows that the peer had are gone.</summary>
    public const string SnapshotRecorded = "snapshot-recorded";

    /// <summary>Snapshot installation: the new range is empty.</summary>
    public const string SnapshotCleared = "snapshot-cleared";

    /// <summary>Snapshot installation: the rows of one family are in.</summary>
    public const string FamilyIngested = "family-ingested";

    /// <summary>Snapshot installation: the new rows are in, the state is still Applying.</summary>
    public const string SnapshotIngested = "snapshot-ingested";

    /// <summary>Snapshot installation: the state Normal is written, but not synced.</summary>
    public const string SnapshotNormalWritten = "snapshot-normal-written";

    /// <summary>Snapshot installation: the state Normal is durable, the staged files are still there.</summary>
    public const string SnapshotNormal = "snapshot-normal";

    private volatile Action<string>? _any;
    private readonly ConcurrentDictionary<string, Action> _actions = new();

    /// <param name="action">Runs at every <see cref="Hit"/>; what it throws comes out there.</param>
    public void Set(string name, Action action) => _actions[name] = action;

    /// <param name="action">Runs at every <see cref="Hit"/> of any name, before the action that is set for the name.</param>
    public void SetAny(Action<string> action) => _any = action;

    public void Clear(string name) => _actions.TryRemove(name, out _);

    public void Hit(string name)
    {
        _any?.Invoke(name);
        if (!_actions.IsEmpty && _actions.TryGetValue(name, out var action)) action();
    }
}
