using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// Log replication, both ends: paper 5.3, with pipelining, flow control and fast backtracking.
public sealed partial class RaftNode
{
    private readonly List<LogRead> _logReads = [];

    /// <summary>
    /// The answer to <see cref="Ready.LogReads"/>. Empty if the entries cannot be had now (compacted meanwhile): they are asked for again
    /// as needed.
    /// </summary>
    public void ProvideEntries(LogRead read, IReadOnlyList<Entry> entries)
    {
        if (read.For == Id)
        {
            ProvideEntriesToApply(read, entries);
            return;
        }
        if (!_progress.TryGetValue(read.For, out var peer) || peer.PendingRead != read) return;
        peer.PendingRead = null;
        if (entries.Count == 0) peer.ReadFailed();
        else SendOldEntries(peer, read.FirstIndex, entries);
    }

    /// <summary>Messages to <paramref name="to"/> are being lost: the leader probes until it hears again.</summary>
    public void ReportUnreachable(ulong to)
    {
        if (_progress.TryGetValue(to, out var peer) && peer.State == ReplicationState.Replicate) peer.BecomeProbe(peer.Match + 1);
    }

    // ---- leader: sending

    private void AppendOwn(Entry entry)
    {
        entry.Term = Term;
        entry.Index = LastIndex + 1;
        _log.Append(entry);
    }

    private void SendAppends()
    {
        foreach (var peer in _progress.Values)
            SendAppends(peer);
    }

    private enum FeedStep
    {
        Nothing,
        Nudge,
        Append,
        ReadJournal,
        RequestSnapshot,
    }

    /// <summary>What <paramref name="peer"/> needs now and may get.</summary>
    private FeedStep NextStep(Progress peer)
    {
        if (peer.Id == Id || peer.State == ReplicationState.Snapshot) return FeedStep.Nothing;
        var hasNews = peer.Next <= LastIndex || peer.State == ReplicationState.Probe || peer.ToldCommit < PublicCommit;
        var idle = peer.IsPaused || !hasNews;
        if (idle && !peer.Nudge) return FeedStep.Nothing;
        // A peer that does not answer would not receive a snapshot either; its next heartbeat response comes back here.
        if (peer.Next <= TruncatedIndex) return peer.RecentlyActive ? FeedStep.RequestSnapshot : FeedStep.Nothing;
        if (idle) return FeedStep.Nudge;
        if (peer.Next >= _log.FirstCachedIndex) return FeedStep.Append;
        return peer.CanRead ? FeedStep.ReadJournal : FeedStep.Nothing;
    }

    /// <summary>Everything that <paramref name="peer"/>'s window allows.</summary>
    private void SendAppends(Progress peer)
    {
        for (var step = NextStep(peer); step != FeedStep.Nothing; step = NextStep(peer))
        {
            if (step == FeedStep.Append) SendAppend(peer, _log.Slice(peer.Next, LastIndex, _config.MaxMessageBytes));
            else if (step == FeedStep.Nudge) SendAppend(peer, []);
            else if (step == FeedStep.ReadJournal) RequestOldEntries(peer);
            else RequestSnapshot(peer);
        }
    }

    private void SendAppend(Progress peer, List<Entry> entries)
    {
        var previous = peer.Next - 1;
        Send(new Message
        {
            MsgType = MessageType.MsgAppend,
            To = peer.Id,
            Index = previous,
            LogTerm = _log.TermAt(previous)!.Value,
            Commit = PublicCommit,
            Entries = { entries },
        });
        peer.ToldCommit = PublicCommit;
        peer.Sent(previous + (ulong)entries.Count, entries.Sum(EntryCache.SizeOf));
    }

    private void RequestOldEntries(Progress peer)
    {
        var read = new LogRead(peer.Id, peer.Next, _log.FirstCachedIndex - 1, 4L * _config.MaxMessageBytes);
        peer.PendingRead = read;
        _logReads.Add(read);
    }

    /// <summary>Sends what came from the journal, as far as it is still what this follower needs and what this log holds.</summary>
    private void SendOldEntries(Progress peer, ulong first, IReadOnlyList<Entry> entries)
    {
        for (var next = 0; next < entries.Count && !peer.IsPaused && peer.Next == first + (ulong)next && peer.Next > TruncatedIndex;)
        {
            var message = new List<Entry>();
            for (long bytes = 0; next < entries.Count; next++)
            {
                var entry = entries[next];
                bytes += EntryCache.SizeOf(entry);
                if (message.Count > 0 && bytes > _config.MaxMessageBytes) break;
                if (entry.Index != first + (ulong)next || !_log.Matches(entry.Index, entry.Term)) return;
                message.Add(entry);
            }
            SendAppend(peer, message);
        }
    }

    // ---- leader: answers

    private void HandleFromFollower(Message message)
    {
        if (!_progress.TryGetValue(message.From, out var peer) || peer.Id == Id) return;
        peer.RecentlyActive = true;
        if (message.MsgType == MessageType.MsgHeartbeatResponse) HandleHeartbeatResponse(peer, message);
        else if (message.Reject) HandleRejection(peer, message);
        else HandleAcknowledgement(peer, message.Index);
    }

    private void HandleHeartbeatResponse(Progress peer, Message message)
    {
        peer.HeartbeatAnswered(LastIndex);
        peer.AckedRound = Math.Max(peer.AckedRound, RoundOf(message));
        ConfirmRounds();
        TryHandOver(peer);
    }

    /// <summary>
    /// The follower's hint is the last place where its term is not above ours at the rejected one; ours is the last with a term not above
    /// the follower's there. Each rejection so skips a whole term on both sides (paper 5.3, end).
    /// </summary>
    private void HandleRejection(Progress peer, Message message)
    {
        var hint = message.LogTerm > 0 ? _log.FindConflictByTerm(message.RejectHint, message.LogTerm).Index : message.RejectHint;
        peer.Reject(message.Index, hint);
    }

    private void HandleAcknowledgement(Progress peer, ulong index)
    {
        Invariant.Check(
            index <= LastIndex,
            $"peer {peer.Id} acknowledged {index} > last index {LastIndex} in term {Term} ({_config.Name}): two leaders?");
        if (!peer.Acknowledge(index)) return;
        TryCommit();
        TryHandOver(peer);
    }

    /// <summary>Only entries of the current term are committed by counting (paper 5.4.2). This peer counts with what is durable.</summary>
    private void TryCommit()
    {
        var reached = _group.Reached(id => id == Id ? DurableIndex : _progress[id].Match);
        if (reached > CommittedIndex && _log.TermAt(reached) == Term) _log.CommitTo(reached);
    }

    // ---- follower

    private void HandleFromLeader(Message message, TimeSpan now)
    {
        Invariant.Check(
            !IsLeader, $"peer {message.From} leads term {Term} as well ({_config.Name}): a vote was forgotten or counted twice");
        if (Role != RaftRole.Follower || LeaderId != message.From) BecomeFollower(Term, message.From);
        _electionElapsed = 0;
        _promisedUntil = now + _config.ElectionTimeout;
        if (message.MsgType == MessageType.MsgAppend) HandleAppend(message);
        else if (message.MsgType == MessageType.MsgHeartbeat) HandleHeartbeat(message);
        else HandleSnapshot(message);
    }

    private void HandleAppend(Message message)
    {
        if (message.Index < CommittedIndex)
        {
            Acknowledge(message.From, CommittedIndex);
        }
        else if (_log.Matches(message.Index, message.LogTerm))
        {
            var last = _log.Merge(message.Index, message.Entries);
            _log.CommitTo(Math.Min(message.Commit, last));
            Acknowledge(message.From, last);
        }
        else
        {
            var (hint, hintTerm) = _log.FindConflictByTerm(Math.Min(message.Index, LastIndex), message.LogTerm);
            Send(new Message
            {
                MsgType = MessageType.MsgAppendResponse,
                To = message.From,
                Reject = true,
                Index = message.Index,
                RejectHint = hint,
                LogTerm = hintTerm,
            });
        }
    }

    private void HandleHeartbeat(Message message)
    {
        _log.CommitTo(message.Commit);
        Send(new Message { MsgType = MessageType.MsgHeartbeatResponse, To = message.From, Context = message.Context });
    }

    /// <summary>While a write is in flight, one acknowledgement of all that it covers is enough.</summary>
    private void Acknowledge(ulong leader, ulong index)
    {
        var waiting = _outbox.FindLast(m => m.MsgType == MessageType.MsgAppendResponse && !m.Reject && m.To == leader && m.Term == Term);
        if (waiting is null) Send(new Message { MsgType = MessageType.MsgAppendResponse, To = leader, Index = index });
        else waiting.Index = Math.Max(waiting.Index, index);
    }
}
