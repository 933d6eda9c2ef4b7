using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// Snapshots and compaction (paper, section 7). The core decides when one is needed and what it means; making and moving the data is the shell's.
public sealed partial class RaftNode
{
    private readonly List<SnapshotRequest> _snapshotRequests = [];

    /// <summary>
    /// The answer to <see cref="Ready.SnapshotRequests"/>: its metadata and a small header in <c>data</c>. It comes out again as a <c>MsgSnapshot</c> in
    /// <see cref="Ready.Messages"/>, which the shell sends with the bulk in chunks; then <see cref="ReportSnapshot"/>. Ignored if it is no longer wanted.
    /// </summary>
    public void ProvideSnapshot(ulong to, Snapshot snapshot)
    {
        if (!_progress.TryGetValue(to, out var peer) || peer.State != ReplicationState.Snapshot || peer.PendingSnapshot != 0) return;
        if (snapshot.Metadata.Index < TruncatedIndex)
        {
            // Compaction has overtaken it.
            _snapshotRequests.Add(new SnapshotRequest(to, TruncatedIndex));
            return;
        }
        Invariant.Check(
            snapshot.Metadata.Index <= AppliedIndex,
            $"snapshot {snapshot.Metadata.Index} for peer {to} > applied {AppliedIndex} ({_config.Name})");
        peer.SnapshotSent(snapshot.Metadata.Index);
        Send(new Message { MsgType = MessageType.MsgSnapshot, To = to, Snapshot = snapshot });
    }

    /// <summary>The snapshot for <paramref name="to"/> has been delivered, or could not be made or delivered (it will be asked for again).</summary>
    public void ReportSnapshot(ulong to, bool delivered)
    {
        if (_progress.TryGetValue(to, out var peer) && peer.State == ReplicationState.Snapshot) peer.SnapshotDone(delivered);
    }

    /// <summary>
    /// Forgets the log up to <paramref name="index"/>, before the journal does. At most the index whose application is synced.
    /// A lower index than <see cref="TruncatedIndex"/> changes nothing.
    /// </summary>
    public void Compact(ulong index) => _log.Compact(index);

    private void RequestSnapshot(Progress peer)
    {
        peer.BecomeSnapshot();
        _snapshotRequests.Add(new SnapshotRequest(peer.Id, TruncatedIndex));
    }

    private void HandleSnapshot(Message message)
    {
        var metadata = message.Snapshot.Metadata;
        if (metadata.Index > CommittedIndex && !_log.Matches(metadata.Index, metadata.Term))
        {
            // One at a time; and one that leaves this peer out is not for it.
            var group = GroupConfig.From(metadata.ConfState);
            if (_log.PendingSnapshot is not null || !group.Members.Contains(Id)) return;
            _log.Restore(message.Snapshot);
            _group = group;
            DropReadToApply();
            Acknowledge(message.From, metadata.Index);
            return;
        }
        // The log holds everything up to there already.
        _log.CommitTo(metadata.Index);
        Acknowledge(message.From, CommittedIndex);
    }
}
