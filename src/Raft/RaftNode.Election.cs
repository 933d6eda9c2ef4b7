using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// Becoming and making a leader: paper 5.2 and 5.4.1, pre-vote and the refusal of disruptive candidates from thesis 9.6 and 4.2.3.
//
//                      timeout                majority says "you could"           majority votes
//   Follower ------------------> PreCandidate ---------------------> Candidate ------------------> Leader
//      ^  ^--------- majority says no, or a leader is heard ----------------|                         |
//      |---------------------- a higher term, or no majority heard for an election timeout -----------|
public sealed partial class RaftNode
{
    /// <summary>Answers to the campaign under way.</summary>
    private readonly Dictionary<ulong, bool> _votes = [];

    /// <summary>
    /// Ticks since the leader was heard, a vote was granted or a campaign began; on the leader, since the last quorum check.
    /// </summary>
    private int _electionElapsed;

    private int _electionTimeout;

    /// <summary>Until then the leader may hold a lease that counts on this peer: no vote but for a transfer, no campaign.</summary>
    private TimeSpan _promisedUntil = TimeSpan.MinValue;

    /// <summary>
    /// Campaigns now instead of at the next timeout, pre-vote included, unless that would break a promise (lease, silence after recovery),
    /// this peer is no voter, leads already, or has committed configuration changes still to apply.
    /// </summary>
    /// <returns>False if it may not campaign now.</returns>
    public bool Campaign(TimeSpan now)
    {
        if (IsLeader || !MayCampaign(now) || now < _promisedUntil) return false;
        StartCampaign(preVote: _config.PreVote, forTransfer: false);
        return true;
    }

    private void TickElection(TimeSpan now)
    {
        _electionElapsed++;
        if (_electionElapsed < _electionTimeout || !Campaign(now)) return;
        ResetElectionTimer();
    }

    /// <summary>Another draw each time keeps split votes rare (paper 5.2).</summary>
    private void ResetElectionTimer()
    {
        _electionElapsed = 0;
        _electionTimeout = _random.Next(_config.ElectionTimeoutTicks, 2 * _config.ElectionTimeoutTicks);
    }

    private bool MayCampaign(TimeSpan now) =>
        _group.IsVoter(Id)
        && _log.PendingSnapshot is null
        // With a committed change unapplied this peer would count its votes in an outdated configuration.
        && !_log.HasConfChange(AppliedIndex, CommittedIndex)
        && (now >= _silentUntil || IsLoneVoter);

    /// <summary>
    /// No other voter, also not by a change that is logged and not applied: then there is nobody whom this peer may have promised anything.
    /// </summary>
    private bool IsLoneVoter => _group.IsOnlyVoter(Id) && !_log.HasConfChange(AppliedIndex, LastIndex);

    private void StartCampaign(bool preVote, bool forTransfer)
    {
        if (preVote) BecomePreCandidate();
        else BecomeCandidate();
        _votes[Id] = true;
        if (CountVotes()) return;
        foreach (var voter in _group.Voters.Union(_group.Outgoing).Where(v => v != Id).Order())
        {
            Send(new Message
            {
                MsgType = preVote ? MessageType.MsgRequestPreVote : MessageType.MsgRequestVote,
                To = voter,
                Term = preVote ? Term + 1 : Term,
                Index = LastIndex,
                LogTerm = _log.LastTerm,
                Priority = _config.Priority,
                Context = forTransfer ? _campaignTransfer : Google.Protobuf.ByteString.Empty,
            });
        }
    }

    /// <summary>Moves on if the campaign is decided.</summary>
    private bool CountVotes()
    {
        var outcome = _group.Count(id => _votes.TryGetValue(id, out var granted) ? granted : null);
        if (outcome == VoteOutcome.Won && Role == RaftRole.PreCandidate) StartCampaign(preVote: false, forTransfer: false);
        else if (outcome == VoteOutcome.Won) BecomeLeader();
        else if (outcome == VoteOutcome.Lost) BecomeFollower(Term, 0);
        return outcome != VoteOutcome.Pending;
    }

    /// <summary>
    /// False if the request is not even looked at, so that it does not move the term either: this peer has no configuration, has been
    /// started a moment ago, or has a leader (thesis 4.2.3). Only a transfer gets past a living leader.
    /// </summary>
    private bool MayGrantAnyVote(Message request, TimeSpan now)
    {
        if (_group.IsEmpty || (now < _silentUntil && !IsLoneVoter)) return false;
        return IsForTransfer(request) || (!IsLeader && now >= _promisedUntil);
    }

    private void HandleVoteRequest(Message request)
    {
        var isPreVote = IsPreVote(request);
        var free = _vote == request.From || (_vote == 0 && LeaderId == 0) || (isPreVote && request.Term > Term);
        var granted = free && _log.IsUpToDate(request.Index, request.LogTerm) && IsPreferred(request);
        Send(VoteResponse(request, granted));
        if (!granted || isPreVote) return;
        _vote = request.From;
        _electionElapsed = 0;
    }

    private Message VoteResponse(Message request, bool granted) => new()
    {
        MsgType = IsPreVote(request) ? MessageType.MsgRequestPreVoteResponse : MessageType.MsgRequestVoteResponse,
        To = request.From,
        Term = IsPreVote(request) && granted ? request.Term : Term,
        Reject = !granted,
        Commit = PublicCommit,
        LogTerm = _log.TermAt(PublicCommit)!.Value,
    };

    private static bool IsPreVote(Message request) => request.MsgType == MessageType.MsgRequestPreVote;

    private static bool IsForTransfer(Message request) => request.Context.Equals(_campaignTransfer);

    private bool IsPreferred(Message request) =>
        IsForTransfer(request) || request.Index > LastIndex || request.Priority >= _config.Priority;

    /// <summary>
    /// What the voter knows as committed is committed, whoever leads. Without this a candidate may need the votes of peers that have
    /// applied their own removal: their logs are longer than the candidate's, so they refuse it, and they no longer campaign themselves.
    /// </summary>
    private void LearnCommit(Message response)
    {
        if (IsLeader || !_log.Matches(response.Commit, response.LogTerm)) return;
        _log.CommitTo(response.Commit);
        // Its votes are being counted in a configuration that is over.
        if (Role != RaftRole.Follower && _log.HasConfChange(AppliedIndex, CommittedIndex)) BecomeFollower(Term, 0);
    }

    private void HandleVoteResponse(Message response)
    {
        LearnCommit(response);
        if (Role != (response.MsgType == MessageType.MsgRequestVoteResponse ? RaftRole.Candidate : RaftRole.PreCandidate)) return;
        // A pre-vote granted for an earlier attempt is about another term.
        if (Role == RaftRole.PreCandidate && !response.Reject && response.Term != Term + 1) return;
        _votes.TryAdd(response.From, !response.Reject);
        CountVotes();
    }

    private void HandleTimeoutNow(TimeSpan now)
    {
        // The old leader has given up its lease, so the promise to it does not count; the silence after a recovery does.
        if (MayCampaign(now)) StartCampaign(preVote: false, forTransfer: true);
    }

    private void BecomeFollower(ulong term, ulong leader)
    {
        if (IsLeader) DropLeadership();
        EnterTerm(term);
        Role = RaftRole.Follower;
        LeaderId = leader;
        ResetElectionTimer();
    }

    private void BecomePreCandidate()
    {
        _votes.Clear();
        Role = RaftRole.PreCandidate;
        LeaderId = 0;
    }

    private void BecomeCandidate()
    {
        Invariant.Check(!IsLeader, $"a leader cannot campaign (term {Term}, {_config.Name})");
        _votes.Clear();
        EnterTerm(Term + 1);
        _vote = Id;
        Role = RaftRole.Candidate;
        LeaderId = 0;
        ResetElectionTimer();
    }

    private void EnterTerm(ulong term)
    {
        Invariant.Check(term >= Term, $"term {term} after {Term} ({_config.Name})");
        if (term == Term) return;
        (Term, _vote) = (term, 0);
        // Said in the old term, about a log that may change now: what waits for a write, and acknowledgements, which might come to wait for another one.
        _outbox.RemoveAll(m => DependsOnWrite(m) || m is { MsgType: MessageType.MsgAppendResponse, Reject: false });
    }
}
