using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// The leader's own life: taking office, heartbeats, checking that a majority still listens, handing over.
public sealed partial class RaftNode
{
    /// <summary>One for each member of the group, this peer included; empty unless it leads.</summary>
    private readonly SortedDictionary<ulong, Progress> _progress = [];

    private int _heartbeatElapsed;

    /// <summary>
    /// The first entry of this leader's term. Only from its commit on does the leader know what is committed (paper 5.4.2, 8).
    /// </summary>
    private ulong _termStartIndex;

    /// <summary>To whom the leadership is being handed; 0 for nobody.</summary>
    private ulong _transferee;

    private bool HasCommittedInTerm => CommittedIndex >= _termStartIndex;

    /// <summary>
    /// Hands the leadership to <paramref name="to"/>, as soon as its log is complete (thesis 3.10). Given up after one election timeout.
    /// From here to the end of the term there is no lease; proposals are refused until it has succeeded or was given up.
    /// </summary>
    public Refusal TransferLeader(ulong to)
    {
        if (!IsLeader) return LeaderId == 0 ? Refusal.NoLeader : Refusal.NotLeader;
        if (to == Id || !_group.Voters.Contains(to)) return Refusal.InvalidTarget;
        if (_transferee == to) return Refusal.None;
        if (_transferee != 0) return Refusal.Transferring;
        _transferee = to;
        _electionElapsed = 0;
        RevokeLease();
        TryHandOver(_progress[to]);
        return Refusal.None;
    }

    private void TickLeader(TimeSpan now)
    {
        if (++_electionElapsed >= _config.ElectionTimeoutTicks)
        {
            _electionElapsed = 0;
            _transferee = 0;
            if (!IsMajorityActive())
            {
                BecomeFollower(Term, 0);
                return;
            }
        }
        if (++_heartbeatElapsed < _config.HeartbeatTicks) return;
        _heartbeatElapsed = 0;
        StartRound(now);
    }

    /// <summary>A leader that cannot reach a majority steps down, so that its clients look elsewhere (thesis 6.2).</summary>
    private bool IsMajorityActive()
    {
        var outcome = _group.Count(id => id == Id || _progress[id].RecentlyActive);
        foreach (var peer in _progress.Values) peer.RecentlyActive = false;
        return outcome == VoteOutcome.Won;
    }

    private void BecomeLeader()
    {
        Role = RaftRole.Leader;
        LeaderId = Id;
        _electionElapsed = _heartbeatElapsed = 0;
        _transferee = 0;
        _passingTo.Clear();
        _snapshotRequests.Clear();
        ResetLease();
        foreach (var member in _group.Members) _progress[member] = NewProgress(member);
        _termStartIndex = LastIndex + 1;
        // An empty entry finds out what earlier terms have committed (paper 8).
        AppendOwn(new Entry());
    }

    private void DropLeadership()
    {
        _progress.Clear();
        _transferee = 0;
        _pendingProposals.Clear();
        _pendingProposalBytes = 0;
        DropReads();
        ResetLease();
        // Heartbeats and appends of a leader that has just stepped down would renew promises that it cannot use.
        _outbox.RemoveAll(IsFromLeader);
        _logReads.RemoveAll(r => r.For != Id);
        _snapshotRequests.Clear();
    }

    private Progress NewProgress(ulong id) =>
        new(id, LastIndex + 1, new Inflights(_config.MaxInflightMessages, _config.MaxInflightBytes));

    private void TryHandOver(Progress peer)
    {
        if (peer.Id == _transferee && peer.Match == LastIndex)
            Send(new Message { MsgType = MessageType.MsgTimeoutNow, To = peer.Id });
    }
}
