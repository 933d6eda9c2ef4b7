using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// Snapshots and compaction (paper, section 7). The core decides when one is needed and what it means; making and moving the data is the
// shell's.
public sealed partial class RaftNode
{
    /// <summary>Marks a snapshot from a peer that does not lead.</summary>
    private static readonly ByteString _passedOn = ByteString.CopyFromUtf8("PassedOn");

    /// <summary>Marks the answer of a voter that has none to give.</summary>
    private static readonly ByteString _noData = ByteString.CopyFromUtf8("NoData");

    private readonly List<SnapshotRequest> _snapshotRequests = [];

    /// <summary>Voters without data, to whom this peer passes on what it has applied. Empty on a leader.</summary>
    private readonly HashSet<ulong> _passingTo = [];

    /// <summary>
    /// The answer to <see cref="Ready.SnapshotRequests"/>: its metadata and a small header in <c>data</c>. It comes out again as a
    /// <c>MsgSnapshot</c> in <see cref="Ready.Messages"/>, which the shell sends with the bulk in chunks; then
    /// <see cref="ReportSnapshot"/>. Ignored if it is no longer wanted.
    /// </summary>
    public void ProvideSnapshot(ulong to, Snapshot snapshot)
    {
        if (_passingTo.Contains(to))
        {
            PassOn(to, snapshot);
            return;
        }
        if (!_progress.TryGetValue(to, out var peer) || peer.State != ReplicationState.Snapshot || peer.PendingSnapshot != 0) return;
        if (snapshot.Metadata.Index < TruncatedIndex)
        {
            // Compaction has overtaken it.
            _snapshotRequests.Add(new SnapshotRequest(to, TruncatedIndex));
            return;
        }
        CheckIsApplied(to, snapshot);
        peer.SnapshotSent(snapshot.Metadata.Index);
        Send(new Message { MsgType = MessageType.MsgSnapshot, To = to, Snapshot = snapshot });
    }

    /// <summary>
    /// The snapshot for <paramref name="to"/> has been delivered, or could not be made or delivered (it will be asked for again).
    /// </summary>
    public void ReportSnapshot(ulong to, bool delivered)
    {
        _passingTo.Remove(to);
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

    private void CheckIsApplied(ulong to, Snapshot snapshot) => Invariant.Check(
        snapshot.Metadata.Index <= AppliedIndex,
        $"snapshot {snapshot.Metadata.Index} for peer {to} > applied {AppliedIndex} ({_config.Name})");

    // ---- A voter without data never votes. A group may need its vote all the same: the replica that a split makes on every store can be
    // missing on some, because the parent's came by a snapshot or was removed, and of the others too few may be left to elect a leader who
    // would send it data. So it answers a candidate that it has none, and a candidate that knows no leader passes on what it has applied:
    // that is committed, the same whoever sends it.

    private static bool IsFromEmptyVoter(Message message) =>
        message.MsgType is MessageType.MsgRequestVoteResponse or MessageType.MsgRequestPreVoteResponse && message.Context.Equals(_noData);

    private static bool IsPassedOn(Message message) => message.MsgType == MessageType.MsgSnapshot && message.Context.Equals(_passedOn);

    private void SayEmpty(Message request) => Send(new Message
    {
        MsgType = IsPreVote(request) ? MessageType.MsgRequestPreVoteResponse : MessageType.MsgRequestVoteResponse,
        To = request.From,
        Reject = true,
        Context = _noData,
    });

    private void PassOnTo(ulong voter)
    {
        if (LeaderId == 0 && _group.IsVoter(voter) && _log.PendingSnapshot is null && _passingTo.Add(voter))
            _snapshotRequests.Add(new SnapshotRequest(voter, TruncatedIndex));
    }

    private void PassOn(ulong to, Snapshot snapshot)
    {
        if (LeaderId != 0 || snapshot.Metadata.Index < TruncatedIndex)
        {
            _passingTo.Remove(to);
            return;
        }
        CheckIsApplied(to, snapshot);
        Send(new Message { MsgType = MessageType.MsgSnapshot, To = to, Snapshot = snapshot, Context = _passedOn });
    }

    /// <summary>Says nothing about who leads, and is not acknowledged: what is committed need not be counted.</summary>
    private void HandlePassedOn(Message message)
    {
        var metadata = message.Snapshot.Metadata;
        var group = GroupConfig.From(metadata.ConfState);
        // Whoever has data gets more from a leader only.
        if (!_group.IsEmpty || _log.PendingSnapshot is not null || !group.Members.Contains(Id)) return;
        if (metadata.Term > Term) BecomeFollower(metadata.Term, 0);
        _log.Restore(message.Snapshot);
        _group = group;
    }
}
