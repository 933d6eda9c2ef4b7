namespace TiKvActors.Raft;

/// <summary>What the leader knows about one peer, and how it feeds it. Invariant: Match &lt; Next.</summary>
internal sealed class Progress(ulong id, ulong next, Inflights inflights)
{
    public ulong Id { get; } = id;

    /// <summary>Last index known to be durable there.</summary>
    public ulong Match { get; private set; }

    /// <summary>Index of the next entry to send.</summary>
    public ulong Next { get; private set; } = next;

    public ReplicationState State { get; private set; } = ReplicationState.Probe;

    /// <summary>The snapshot on its way; 0 while it is only asked for.</summary>
    public ulong PendingSnapshot { get; private set; }

    /// <summary>Heard from since the last quorum check. A new peer gets the benefit of the doubt.</summary>
    public bool RecentlyActive { get; set; } = true;

    /// <summary>Highest heartbeat round answered.</summary>
    public ulong AckedRound { get; set; }

    /// <summary>Highest commit index told.</summary>
    public ulong ToldCommit { get; set; }

    /// <summary>The journal read under way for this peer.</summary>
    public LogRead? PendingRead { get; set; }

    /// <summary>Something must be sent even though there is nothing new: the answer shows where the follower is.</summary>
    public bool Nudge { get; private set; }

    private Inflights Inflights { get; } = inflights;
    private bool _probeSent;
    private bool _readFailed;
    private ulong _matchAtHeartbeat;

    /// <summary>No append may be sent now.</summary>
    public bool IsPaused => State switch
    {
        ReplicationState.Probe => _probeSent,
        ReplicationState.Replicate => Inflights.IsFull,
        _ => true,
    };

    public bool CanRead => PendingRead is null && !_readFailed;

    /// <summary>An append with entries up to <paramref name="last"/> is sent; <paramref name="bytes"/> is 0 for an empty one.</summary>
    public void Sent(ulong last, long bytes)
    {
        Nudge = false;
        if (State == ReplicationState.Probe)
        {
            _probeSent = true;
            return;
        }
        if (bytes == 0) return;
        Next = last + 1;
        Inflights.Add(last, bytes);
    }

    /// <summary>True if the acknowledgement of <paramref name="index"/> tells something new.</summary>
    public bool Acknowledge(ulong index)
    {
        var isNews = index > Match || (index == Match && State == ReplicationState.Probe);
        Match = Math.Max(Match, index);
        Next = Math.Max(Next, Match + 1);
        if (!isNews) return false;
        _probeSent = false;
        if (State == ReplicationState.Replicate) Inflights.FreeTo(Match);
        else if (State == ReplicationState.Probe) BecomeReplicate();
        else if (PendingSnapshot != 0 && Match >= PendingSnapshot) BecomeReplicate();
        return true;
    }

    /// <summary>The follower has no entry at <paramref name="rejected"/> like ours. False if that is old news.</summary>
    /// <param name="hint">The last place where the logs may agree.</param>
    public bool Reject(ulong rejected, ulong hint)
    {
        if (State == ReplicationState.Snapshot) return false;
        if (State == ReplicationState.Replicate)
        {
            if (rejected <= Match) return false;
            BecomeProbe(Math.Max(Match + 1, Math.Min(rejected, hint + 1)));
            return true;
        }
        if (Next - 1 != rejected) return false;
        Next = Math.Max(Match + 1, Math.Min(rejected, hint + 1));
        _probeSent = false;
        return true;
    }

    /// <summary>A heartbeat was answered: a lost probe is repeated, a follower that stands still is nudged.</summary>
    public void HeartbeatAnswered(ulong lastIndex)
    {
        _probeSent = false;
        _readFailed = false;
        Nudge = State == ReplicationState.Replicate && Match < lastIndex && Match == _matchAtHeartbeat;
        _matchAtHeartbeat = Match;
    }

    public void ReadFailed() => _readFailed = true;

    public void BecomeProbe(ulong next)
    {
        State = ReplicationState.Probe;
        Next = next;
        PendingSnapshot = 0;
        _probeSent = false;
        Inflights.Clear();
    }

    public void BecomeSnapshot()
    {
        State = ReplicationState.Snapshot;
        PendingSnapshot = 0;
        Inflights.Clear();
    }

    public void SnapshotSent(ulong index) => PendingSnapshot = index;

    /// <summary>Waits for a sign of life before it probes: right after the snapshot, or before asking for another one.</summary>
    public void SnapshotDone(bool delivered)
    {
        BecomeProbe(delivered ? Math.Max(Match, PendingSnapshot) + 1 : Match + 1);
        _probeSent = true;
    }

    private void BecomeReplicate()
    {
        State = ReplicationState.Replicate;
        Next = Match + 1;
        PendingSnapshot = 0;
        Inflights.Clear();
    }
}
