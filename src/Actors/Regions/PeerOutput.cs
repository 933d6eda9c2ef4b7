using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// What the shell of a <see cref="Peer"/> has to do now. Taken with <see cref="Peer.TakeOutput"/>; nothing in it waits for anything else in
/// it.
/// </summary>
internal sealed class PeerOutput
{
    /// <summary>May leave at once: whatever they depend on is durable.</summary>
    public List<RaftMessage> Messages { get; } = [];

    /// <summary>
    /// Write to the journal, then <see cref="Peer.Persisted"/>. One is in flight at most, counting <see cref="Install"/>.
    /// </summary>
    public RaftAdvanced? Persist { get; set; }

    /// <summary>Install a snapshot (architecture, invariant 7), then <see cref="Peer.Installed"/>.</summary>
    public InstallTask? Install { get; set; }

    /// <summary>Apply in order, after everything handed out before, then <see cref="Peer.Applied"/>. Durable here already.</summary>
    public IReadOnlyList<Entry> Apply { get; set; } = [];

    /// <summary>Answer from a snapshot of the data engine that is taken now.</summary>
    public List<ReadTask> Reads { get; } = [];

    /// <summary>Read the key from a snapshot that is taken now, then <see cref="Peer.CompareAndSwapRead"/>.</summary>
    public List<CompareAndSwapRequest> CompareAndSwapReads { get; } = [];

    public List<PeerReply> Replies { get; } = [];

    /// <summary>Read old entries from the journal, then <see cref="Peer.ProvideEntries"/>.</summary>
    public List<LogReadTask> LogReads { get; } = [];

    /// <summary>Make a snapshot of the region, then <see cref="Peer.ProvideSnapshot"/>.</summary>
    public List<SnapshotRequest> SnapshotRequests { get; } = [];

    /// <summary>
    /// A snapshot is announced: pull its data from the sender's store, then <see cref="Peer.SnapshotStaged"/> or nothing if that fails.
    /// </summary>
    public RaftMessage? PullSnapshot { get; set; }

    /// <summary>The snapshot that was staged last is not installed: its range is free again.</summary>
    public bool SnapshotUnused { get; set; }

    /// <summary>Sync the data engine, then <see cref="Peer.DataSynced"/> with this number. Asked for before a truncation.</summary>
    public long? SyncData { get; set; }

    /// <summary>Save as the journal's snapshot, delete the events up to its number, then <see cref="Peer.Truncated"/>.</summary>
    public TruncateTask? Truncate { get; set; }

    /// <summary>Ask PD for ids, then <see cref="Peer.ProposeSplit"/>.</summary>
    public List<SplitRequest> SplitIdsWanted { get; } = [];

    public List<SplitTask> Splits { get; } = [];

    /// <summary>The peer was removed: its data and journal go, its tombstone stays.</summary>
    public bool Destroy { get; set; }

    /// <summary>The peer never got data, and nobody feeds it any more: it stops. A message makes it again.</summary>
    public bool GiveUp { get; set; }

    /// <summary>Leadership, range or membership changed: PD should hear of it now.</summary>
    public bool ReportToPd { get; set; }
}

/// <param name="Region">As it was when the read was found to be linearizable; its range bounds scans.</param>
internal readonly record struct ReadTask(ReadRequest Request, Region Region);

/// <summary>A compare-and-swap's key cannot be read.</summary>
internal sealed record ReadFailure(string Why);

internal readonly record struct PeerReply(RegionRequest Request, Error? Error, object? Result = null)
{
    public void Deliver()
    {
        if (Error is not null)
        {
            Request.Fail(Error);
            return;
        }

        switch (Request)
        {
            case WriteRequest write:
                write.Succeed();
                break;
            case CompareAndSwapRequest swap when Result is ReadFailure failure:
                swap.FailRead(failure.Why);
                break;
            case CompareAndSwapRequest swap:
                var (swapped, current) = ((bool, ByteString?))Result!;
                swap.Complete(swapped, current);
                break;
            case MetaWriteRequest meta:
                meta.Complete((MetaResult)Result!);
                break;
            case SplitRequest split:
                split.Succeed((IReadOnlyList<Region>)Result!);
                break;
            case ChangePeersRequest change:
                change.Succeed((Region)Result!);
                break;
            case TransferLeaderRequest transfer:
                transfer.Succeed();
                break;
        }
    }
}

/// <param name="Record">Goes to the data engine, synced, before the journal is touched.</param>
/// <param name="Region">The region as of the snapshot.</param>
/// <param name="Message">The <c>MsgSnapshot</c> whose data is staged.</param>
internal sealed record InstallTask(ApplyingSnapshot Record, Region Region, RaftMessage Message);

/// <param name="SequenceNr">The snapshot's number, and the last event to delete.</param>
internal sealed record TruncateTask(RaftTruncated Snapshot, long SequenceNr);

internal readonly record struct LogReadTask(LogRead Read, long FromSequenceNr, long ToSequenceNr);

/// <param name="Created">Regions whose peers on this store start now.</param>
/// <param name="Campaign">The parent led: the new peers campaign at once instead of after an election timeout.</param>
internal sealed record SplitTask(Region Derived, IReadOnlyList<Region> Regions, IReadOnlyList<Region> Created, bool Campaign);
