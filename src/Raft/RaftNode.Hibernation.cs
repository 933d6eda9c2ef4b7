namespace TiKvActors.Raft;

// An idle group need not be ticked: this says when, and what to do when ticks begin again. Leases and promises run by the clock, so a pause
// of the ticks makes none of them longer.
public sealed partial class RaftNode
{
    /// <summary>Everything in the log is durable here, committed and applied, and nothing is on its way to any of these.</summary>
    public bool IsSettled =>
        LastIndex == AppliedIndex && LastIndex == DurableIndex && _writing is null && !NeedsWrite && _log.PendingSnapshot is null;

    /// <summary>
    /// This leader has nothing to do: all members have everything and answer its heartbeats, no read waits, no change or transfer is under
    /// way.
    /// </summary>
    public bool IsQuiet =>
        IsLeader && IsSettled && HasCommittedInTerm && _transferee == 0 && !_group.IsJoint
        && _newReads.Count == 0 && _roundReads.Count == 0 && _readStates.Count == 0
        && _progress.Values.All(p => p.Id == Id || IsUpToDate(p));

    private bool IsUpToDate(Progress peer) =>
        peer.State == ReplicationState.Replicate && peer.Match == LastIndex && peer.ToldCommit == LastIndex && peer.AckedRound + 1 >= _round;

    /// <summary>Ticks begin again: the leader is heard at once, and has the time to hear from a majority before it steps down.</summary>
    public void ResumeTicks(TimeSpan now)
    {
        if (!IsLeader) return;
        _electionElapsed = _heartbeatElapsed = 0;
        StartRound(now);
    }

    /// <summary>
    /// The leader has been silent for an election timeout, which no ticks have counted: this peer campaigns after what is still to come of
    /// the time it has drawn.
    /// </summary>
    public void MissLeader()
    {
        if (IsLeader) return;
        ResetElectionTimer();
        _electionElapsed = _config.ElectionTimeoutTicks;
    }
}
