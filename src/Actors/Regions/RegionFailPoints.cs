namespace TiKvActors.Actors.Regions;

/// <summary>
/// Between the steps of a peer's work, in <see cref="PeerShell"/>; what happens on the disk is in <see cref="Storage.FailPoints"/>, what
/// the store does in <see cref="Stores.StoreFailPoints"/>. The simulation crashes at each.
/// </summary>
internal static class RegionFailPoints
{
    // ---- start

    /// <summary>The journal is replayed; nothing runs yet.</summary>
    public const string Recovered = "peer-recovered";

    /// <summary>The state machine is made, and nobody can reach it yet.</summary>
    public const string Started = "peer-started";

    // ---- one round of the pump

    /// <summary>Before an event is handed to the journal.</summary>
    public const string BeforePersist = "before-persist";

    /// <summary>An event is durable; the peer does not know yet.</summary>
    public const string Persisted = "persisted";

    /// <summary>Before messages leave.</summary>
    public const string BeforeSend = "before-send";

    /// <summary>Before committed entries are handed to the applier.</summary>
    public const string BeforeApply = "before-apply";

    /// <summary>Before a snapshot of the data engine is taken for reads.</summary>
    public const string BeforeRead = "before-read";

    /// <summary>Before answers leave.</summary>
    public const string BeforeReply = "before-reply";

    /// <summary>Before old entries are read for a follower.</summary>
    public const string BeforeLogRead = "before-log-read";

    /// <summary>A swap's key is read, nothing is proposed.</summary>
    public const string SwapRead = "swap-read";

    // ---- splits

    /// <summary>PD is about to be asked for ids.</summary>
    public const string SplitIdsWanted = "split-ids-wanted";

    /// <summary>PD has given ids, nothing is proposed.</summary>
    public const string SplitIdsGiven = "split-ids-given";

    /// <summary>The split is in the data engine, unsynced; no new peer runs.</summary>
    public const string SplitApplied = "split-applied";

    /// <summary>The ranges are divided; no new peer runs.</summary>
    public const string SplitOwned = "split-owned";

    /// <summary>The store has been told to start the new peers.</summary>
    public const string SplitTold = "split-told";

    // ---- silence

    /// <summary>A peer that never got data is about to stop, because nobody feeds it.</summary>
    public const string GivesUp = "peer-gives-up";

    // ---- truncation

    /// <summary>Before the data engine is synced for a truncation.</summary>
    public const string BeforeTruncateSync = "before-truncate-sync";

    /// <summary>It is synced; the log is whole.</summary>
    public const string TruncateSynced = "truncate-synced";

    /// <summary>The peer has forgotten the entries, the journal has not.</summary>
    public const string BeforeTruncation = "before-truncation";

    /// <summary>The journal's snapshot is durable, the events are still there.</summary>
    public const string TruncateSaved = "truncate-saved";

    /// <summary>The events are gone, earlier snapshots of the journal are still there.</summary>
    public const string TruncateDeleted = "truncate-deleted";

    // ---- snapshots

    /// <summary>A follower needs a snapshot.</summary>
    public const string SnapshotWanted = "snapshot-wanted";

    /// <summary>It is made; the follower has not heard of it.</summary>
    public const string SnapshotMade = "snapshot-made";

    /// <summary>The range of an announced snapshot is reserved; nothing is pulled yet.</summary>
    public const string RangeReserved = "range-reserved";

    /// <summary>The range of an announced snapshot is another region's here.</summary>
    public const string RangeTaken = "range-taken";

    /// <summary>The rows could not be pulled; the range is still reserved.</summary>
    public const string PullFailed = "pull-failed";

    /// <summary>The rows are staged; Raft has not heard of them.</summary>
    public const string SnapshotStaged = "snapshot-staged-told";

    /// <summary>Raft has no use for a staged snapshot; its range is still reserved.</summary>
    public const string SnapshotUnused = "snapshot-unused";

    /// <summary>Raft wants the snapshot installed; the appliers still have the region.</summary>
    public const string InstallBegun = "install-begun";

    /// <summary>The appliers have let go; nothing is recorded.</summary>
    public const string InstallSettled = "install-settled";

    /// <summary>The Applying record is durable; the journal is whole.</summary>
    public const string InstallRecorded = "install-recorded";

    /// <summary>The journal's snapshot stands for the installed one; its events are still there.</summary>
    public const string ResetSaved = "reset-saved";

    /// <summary>The journal is reset; no row is touched.</summary>
    public const string ResetDeleted = "reset-deleted";

    /// <summary>The rows are installed; the peer does not know yet.</summary>
    public const string InstallFinished = "install-finished";

    /// <summary>A start has found an interrupted installation.</summary>
    public const string InstallResumed = "install-resumed";

    /// <summary>An interrupted installation is finished; the peer is not started.</summary>
    public const string ResumedInstallFinished = "resumed-install-finished";

    // ---- destruction

    /// <summary>The peer knows that it was removed; the appliers still have the region.</summary>
    public const string DestroyBegun = "destroy-begun";

    /// <summary>The appliers have let go; nothing is recorded.</summary>
    public const string DestroySettled = "destroy-settled";

    /// <summary>The tombstone is written, but not synced.</summary>
    public const string DestroyWritten = "destroy-written";

    /// <summary>The tombstone is durable, everything else is still there.</summary>
    public const string DestroyRecorded = "destroy-recorded";

    /// <summary>The rows are deleted, unsynced.</summary>
    public const string DestroyDeleted = "destroy-deleted";

    /// <summary>The rows are deleted, the journal is not.</summary>
    public const string DestroyCleared = "destroy-cleared";

    /// <summary>The same; the peer knows.</summary>
    public const string DestroyDataGone = "destroy-data-gone";

    /// <summary>The journal is deleted, the record of the applied index is not.</summary>
    public const string DestroyPurged = "destroy-purged";

    /// <summary>The record of the applied index is deleted, unsynced.</summary>
    public const string DestroyForgetting = "destroy-forgetting";

    /// <summary>Nothing is left; the range is still taken.</summary>
    public const string DestroyForgotten = "destroy-forgotten";

    /// <summary>A start has found an interrupted destruction.</summary>
    public const string DestroyResumed = "destroy-resumed";
}
