using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft.Tests;

/// <summary>
/// What the Raft paper ("In Search of an Understandable Consensus Algorithm", extended version) and Ongaro's thesis ("Consensus: Bridging
/// Theory and Practice") demand, section by section, in one sentence each.
/// </summary>
public class PaperTests
{
    private static Message VoteRequest(ulong from, ulong to, ulong term, ulong lastIndex, ulong lastTerm) =>
        new() { MsgType = MessageType.MsgRequestVote, From = from, To = to, Term = term, Index = lastIndex, LogTerm = lastTerm };

    private static Message Append(
        ulong from, ulong to, ulong term, ulong previous, ulong previousTerm, ulong commit, params ulong[] entryTerms) => new()
    {
        MsgType = MessageType.MsgAppend,
        From = from,
        To = to,
        Term = term,
        Index = previous,
        LogTerm = previousTerm,
        Commit = commit,
        Entries = { entryTerms.Select((t, i) => new Entry { Term = t, Index = previous + 1 + (ulong)i }) },
    };

    private static void Step(TestGroup group, Message message)
    {
        group[message.To].Node.Step(message, group.Now);
        while (group[message.To].Node.HasReady) group[message.To].Process();
    }

    // 5.1: a server that sees a higher term adopts it, and a leader or candidate that does steps down.
    [Theory, InlineData(RaftRole.Follower), InlineData(RaftRole.Candidate), InlineData(RaftRole.Leader)]
    public void A_higher_term_makes_a_follower(RaftRole role)
    {
        var group = new TestGroup(3, c => c with { PreVote = false });
        group.PassElectionTimeout();
        if (role != RaftRole.Follower) group[1].Node.Campaign(group.Now);
        if (role == RaftRole.Leader) group.Stabilize();
        Assert.Equal(role, group[1].Node.Role);

        Step(group, Append(from: 2, to: 1, term: 9, previous: 5, previousTerm: 5, commit: 5));

        Assert.Equal((RaftRole.Follower, 9UL, 2UL), (group[1].Node.Role, group[1].Node.Term, group[1].Node.LeaderId));
    }

    // 5.1: a request with a stale term is rejected; the answer carries the current one.
    [Fact]
    public void A_stale_leader_learns_the_term()
    {
        var group = new TestGroup(3);
        Step(group, Append(from: 2, to: 1, term: 8, previous: 5, previousTerm: 5, commit: 5));
        group.InTransit.Clear();

        Step(group, Append(from: 3, to: 1, term: 7, previous: 5, previousTerm: 5, commit: 5, 7));

        var answer = Assert.Single(group.InTransit);
        Assert.Equal((8UL, 3UL, true), (answer.Term, answer.To, answer.Reject));
        Assert.Equal(5UL, group[1].Node.LastIndex);
    }

    // 5.2: a server that hears nothing for an election timeout increments its term, votes for itself and asks all others.
    [Fact]
    public void A_follower_campaigns_after_an_election_timeout()
    {
        var group = new TestGroup(3, c => c with { PreVote = false });
        group.Tick(1, 2 * group[1].Config.ElectionTimeoutTicks);
        group[1].Process();

        Assert.Equal((RaftRole.Candidate, 6UL), (group[1].Node.Role, group[1].Node.Term));
        Assert.Equal([2, 3], group.InTransit.Where(m => m.MsgType == MessageType.MsgRequestVote && m.Term == 6).Select(m => m.To));
    }

    // 5.2: timeouts are drawn at random from a fixed interval, so that split votes are rare and resolved quickly.
    [Fact]
    public void Election_timeouts_spread_over_the_interval()
    {
        var timeouts = Enumerable.Range(1, 200).Select(seed =>
        {
            var initial = new RaftInitialState { ConfState = new ConfState { Voters = { 1, 2 } }, NeverRan = true };
            var node = new RaftNode(new RaftConfig { Id = 1 }, initial, new Random(seed), TimeSpan.Zero);
            var ticks = 0;
            for (; node.Role == RaftRole.Follower; ticks++) node.Tick(TimeSpan.FromSeconds(ticks));
            return ticks;
        }).ToHashSet();

        Assert.Equal(Enumerable.Range(10, 10), timeouts.Order());
    }

    // 5.2: a server votes for at most one candidate in a term, first come first served; figure 2: also after a restart.
    [Fact]
    public void One_vote_a_term_also_after_a_restart()
    {
        var group = new TestGroup(3);
        Step(group, VoteRequest(from: 2, to: 1, term: 6, lastIndex: 5, lastTerm: 5));
        Assert.False(Assert.Single(group.InTransit).Reject);
        group[1].Restart();
        group.PassElectionTimeout();
        group.InTransit.Clear();

        Step(group, VoteRequest(from: 3, to: 1, term: 6, lastIndex: 5, lastTerm: 5));
        Step(group, VoteRequest(from: 2, to: 1, term: 6, lastIndex: 5, lastTerm: 5));

        Assert.Equal([(3UL, true), (2UL, false)], group.InTransit.Select(m => (m.To, m.Reject)));
    }

    // Figure 2: term and vote are on stable storage before the answer leaves.
    [Fact]
    public void A_vote_leaves_after_it_is_durable()
    {
        var group = new TestGroup(3);
        group[1].HoldWrites = true;
        Step(group, VoteRequest(from: 2, to: 1, term: 6, lastIndex: 5, lastTerm: 5));
        Assert.Empty(group.InTransit);
        Assert.Equal((6UL, 2UL), (group[1].WriteInFlight!.HardState!.Term, group[1].WriteInFlight!.HardState!.Vote));

        group[1].FinishWrite();

        Assert.False(Assert.Single(group.InTransit).Reject);
    }

    // 5.2: a candidate that hears from a leader of its own or a later term becomes its follower.
    [Fact]
    public void A_candidate_recognises_the_winner()
    {
        var group = new TestGroup(3, c => c with { PreVote = false });
        group.PassElectionTimeout();
        group[1].Node.Campaign(group.Now);

        Step(group, Append(from: 2, to: 1, term: 6, previous: 5, previousTerm: 5, commit: 5));

        Assert.Equal((RaftRole.Follower, 2UL), (group[1].Node.Role, group[1].Node.LeaderId));
    }

    // 5.3: an append is refused unless the follower has the entry before it; else what conflicts is deleted, with all that follows, and the
    // rest appended (figure 7).
    [Fact]
    public void Conflicting_entries_are_replaced()
    {
        var group = new TestGroup(3);
        Step(group, Append(from: 2, to: 1, term: 6, previous: 5, previousTerm: 5, commit: 5, 6, 6, 6));
        Step(group, Append(from: 3, to: 1, term: 8, previous: 7, previousTerm: 8, commit: 5, 8));
        Assert.Equal([6UL, 6, 6], group[1].Journal.Select(e => e.Term));

        Step(group, Append(from: 3, to: 1, term: 8, previous: 6, previousTerm: 6, commit: 5, 8));

        Assert.Equal([6UL, 8], group[1].Journal.Select(e => e.Term));
    }

    // 5.3: entries that are there already stay; a late, shorter append must not cut the log.
    [Fact]
    public void A_repeated_append_cuts_nothing()
    {
        var group = new TestGroup(3);
        Step(group, Append(from: 2, to: 1, term: 6, previous: 5, previousTerm: 5, commit: 5, 6, 6, 6));
        Step(group, Append(from: 2, to: 1, term: 6, previous: 5, previousTerm: 5, commit: 5, 6));

        Assert.Equal(8UL, group[1].Node.LastIndex);
    }

    // 5.3: a follower's commit index follows the leader's, but not past what this append has shown to be the same.
    [Fact]
    public void A_follower_commits_no_more_than_matches()
    {
        var group = new TestGroup(3);
        Step(group, Append(from: 2, to: 1, term: 6, previous: 5, previousTerm: 5, commit: 5, 6, 6, 6));
        Step(group, Append(from: 3, to: 1, term: 7, previous: 6, previousTerm: 6, commit: 8));

        Assert.Equal(6UL, group[1].Node.CommittedIndex);
    }

    // 5.3, end: with the conflicting term in the rejection, one round skips a whole term instead of one entry.
    [Fact]
    public void Backtracking_skips_terms()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.CutOff(1);
        for (var i = 0; i < 50; i++) group.Propose(1, $"lost {i}");
        group.Stabilize();
        group.Elect(2);
        for (var i = 0; i < 60; i++) group.Propose(2, $"kept {i}");
        group.Stabilize();
        group[2].Node.TransferLeader(3);
        group.Stabilize();
        group.Heal();

        var rejections = 0;
        group.Tick(3, 2);
        group.Stabilize(
            (_, ready) => rejections += ready.Messages.Count(m => m.MsgType == MessageType.MsgAppendResponse && m.Reject && m.Index > 0));

        Assert.Equal(group[3].Journal.Select(e => e.Term), group[1].Journal.Select(e => e.Term));
        Assert.Equal(1, rejections);
    }

    // 5.4.1: a voter refuses a candidate whose log is less up to date: a lower last term, or a shorter log with the same.
    [Theory, InlineData(7, 6, true), InlineData(6, 7, true), InlineData(8, 6, false), InlineData(7, 7, false), InlineData(99, 5, true)]
    public void Votes_go_to_up_to_date_logs(ulong lastIndex, ulong lastTerm, bool isRejected)
    {
        var group = new TestGroup(3);
        // The voter's log: (6, 6), (7, 6), (8, 6); with lastTerm 7 and index 6 the candidate's is newer though shorter.
        Step(group, Append(from: 2, to: 1, term: 6, previous: 5, previousTerm: 5, commit: 5, 6, 6, 6));
        group.InTransit.Clear();
        group.PassElectionTimeout();

        Step(group, VoteRequest(from: 3, to: 1, term: 9, lastIndex: lastIndex, lastTerm: lastTerm));

        Assert.Equal(isRejected && lastTerm <= 6, Assert.Single(group.InTransit).Reject);
    }

    // 5.4.2, figure 8: an entry of an earlier term is not committed by counting replicas, only by an entry of the leader's own term that
    // follows it.
    [Fact]
    public void Old_entries_are_committed_by_a_new_one_only()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.CutOff(1);
        group.Propose(1, "old");
        group.Stabilize();
        group.Heal();
        group.PassElectionTimeout();
        var old = group[1].Node.LastIndex;
        // Peer 1 leads again; its follower acknowledges the old entry and not yet the new leader's own one.
        group[1].Restart();
        group.PassElectionTimeout();
        group[1].Node.Campaign(group.Now);
        group.Stabilize((_, _) => group.InTransit.RemoveAll(m => m.MsgType == MessageType.MsgAppend));
        Assert.True(group[1].Node.IsLeader);

        Step(group, new Message { MsgType = MessageType.MsgAppendResponse, From = 2, To = 1, Term = group[1].Node.Term, Index = old });
        Assert.True(group[1].Node.CommittedIndex < old);

        Step(group, new Message { MsgType = MessageType.MsgAppendResponse, From = 2, To = 1, Term = group[1].Node.Term, Index = old + 1 });
        Assert.Equal(old + 1, group[1].Node.CommittedIndex);
    }

    // Thesis 10.2.1: the leader writes to its disk in parallel with its followers, and counts itself only once that is durable.
    [Fact]
    public void The_leader_counts_itself_when_durable()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.Cut(1, 3);
        group[1].HoldWrites = true;
        var index = group.Propose(1, "x").Index;
        group.Stabilize();
        Assert.Equal(index, group[2].Node.DurableIndex);
        Assert.True(group[1].Node.CommittedIndex < index);

        group[1].FinishWrite();

        Assert.Equal(index, group[1].Node.CommittedIndex);
    }

    // The same: with a majority of followers the entry is committed before the leader's own write is done; but it applies nothing that it
    // does not hold itself.
    [Fact]
    public void Nothing_is_applied_before_it_is_durable_here()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group[1].HoldWrites = true;
        var index = group.Propose(1, "x").Index;
        group.Stabilize();
        Assert.Equal(index, group[1].Node.CommittedIndex);
        Assert.DoesNotContain(group[1].Applied, e => e.Index == index);

        group[1].FinishWrite();
        group.Stabilize();

        Assert.Contains(group[1].Applied, e => e.Index == index);
    }

    // 6: with C(old,new) a decision needs separate majorities of both configurations.
    [Fact]
    public void Joint_consensus_needs_both_majorities()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        foreach (var id in new ulong[] { 4, 5 })
        {
            group.AddUninitialised(id);
            group.ProposeConfChange(1, (ConfChangeType.AddLearnerNode, id));
            group.Stabilize();
        }
        var change = new ConfChangeV2 { Transition = ConfChangeTransition.Explicit };
        change.Changes.AddRange(
        [
            Single(ConfChangeType.AddNode, 4), Single(ConfChangeType.AddNode, 5),
            Single(ConfChangeType.RemoveNode, 2), Single(ConfChangeType.RemoveNode, 3)
        ]);
        group[1].Node.ProposeConfChange(change);
        group.Stabilize();
        Assert.Equal([1UL, 2, 3], group[1].Node.ConfState.VotersOutgoing);

        // {1, 4, 5} is the whole new half but no majority of the old one.
        group.Cut(1, 2);
        group.Cut(1, 3);
        var index = group.Propose(1, "x").Index;
        group.Stabilize();
        Assert.True(group[1].Node.CommittedIndex < index);

        group.Heal();
        group.Tick(1, 4);
        group.Stabilize();
        Assert.Equal(index, group[1].Node.CommittedIndex);
        group[1].Node.ProposeConfChange(new ConfChangeV2());
        group.Stabilize();
        Assert.Equal([1UL, 4, 5], group[1].Node.ConfState.Voters);
        Assert.Empty(group[1].Node.ConfState.VotersOutgoing);
    }

    private static ConfChangeSingle Single(ConfChangeType type, ulong id) => new() { ChangeType = type, NodeId = id };

    // 6: elections count in the latest configuration; here that is the applied one, so a peer with a committed change still to apply does
    // not campaign.
    [Fact]
    public void Nobody_campaigns_in_an_outdated_configuration()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group[2].HoldApplying = true;
        group.ProposeConfChange(1, (ConfChangeType.AddLearnerNode, 4));
        group.Stabilize();
        group.PassElectionTimeout();
        Assert.False(group[2].Node.Campaign(group.Now));

        group[2].Apply();
        Assert.True(group[2].Node.Campaign(group.Now));
    }

    // 6, thesis 4.2.2: a leader that the new configuration leaves out steps down once that is committed.
    [Fact]
    public void A_removed_leader_steps_down()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.ProposeConfChange(1, (ConfChangeType.RemoveNode, 1));
        group.Stabilize();

        Assert.Equal(RaftRole.Follower, group[1].Node.Role);
        Assert.Equal([2UL, 3], group[2].Node.ConfState.Voters);
        group.TickAll(25);
        Assert.Contains(group.Leader.Config.Id, new ulong[] { 2, 3 });
    }

    // 6, thesis 4.2.3: a server that has heard its leader within the minimum election timeout ignores vote requests, so a removed server
    // disrupts nobody.
    [Fact]
    public void A_living_leader_is_not_disrupted()
    {
        var group = new TestGroup(3, c => c with { PreVote = false });
        group.Elect(1);
        group.TickAll(3);
        var term = group[2].Node.Term;
        group.InTransit.Clear();

        Step(group, VoteRequest(from: 3, to: 2, term: term + 5, lastIndex: 99, lastTerm: term));

        Assert.Empty(group.InTransit);
        Assert.Equal(term, group[2].Node.Term);
    }

    // 7: a follower that needs an entry which the leader has discarded gets a snapshot; it keeps the rest of its log if the snapshot is a
    // prefix of it.
    [Fact]
    public void A_follower_behind_the_compacted_log_gets_a_snapshot()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.CutOff(3);
        for (var i = 0; i < 5; i++) group.Propose(1, $"{i}");
        group.Stabilize();
        group[1].Compact(group[1].Node.AppliedIndex);
        group.Heal();
        var snapshots = 0;
        group.Tick(1, 4);
        group.Stabilize((_, ready) => snapshots += ready.Snapshot is null ? 0 : 1);

        Assert.Equal(1, snapshots);
        Assert.Equal(group[1].Node.LastIndex, group[3].Node.LastIndex);
        Assert.Equal(group[1].Node.AppliedIndex, group[3].Node.TruncatedIndex);
    }

    // 8, thesis 6.4: a leader commits an empty entry first, and answers a read only after a round of heartbeats has shown that it still
    // leads.
    [Fact]
    public void A_read_waits_for_a_round_and_for_an_entry_of_the_own_term()
    {
        var group = new TestGroup(3);
        group.PassElectionTimeout();
        group[1].Node.Campaign(group.Now);
        group.Stabilize((_, _) => group.InTransit.RemoveAll(m => m.MsgType == MessageType.MsgAppend));
        Assert.True(group[1].Node.IsLeader);
        Assert.Equal(Refusal.None, group[1].Node.ReadIndex(7, ReadMode.Quorum, group.Now));
        group.Stabilize();
        Assert.Empty(group[1].Reads);

        group.Tick(1, 4);
        group.Stabilize();

        Assert.Equal([new ReadState(7, 6)], group[1].Reads);
    }

    [Fact]
    public void A_deposed_leader_drops_its_reads()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.CutOff(1);
        group[1].Node.ReadIndex(7, ReadMode.Quorum, group.Now);
        group.Stabilize();
        group.Elect(2);
        group.Heal();
        group.Tick(2, 2);
        group.Stabilize();

        Assert.Equal([7UL], group[1].DroppedReads);
        Assert.Empty(group[1].Reads);
    }

    // Thesis 6.4.1: the lease is counted from the start of the round that a majority has answered, and is shorter than the election
    // timeout.
    [Fact]
    public void A_lease_counts_from_the_sending()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        var sentAt = group.Now + group[1].Config.TickInterval * 2;
        group.Tick(1, 2);
        group[1].Process();
        group.Now += TimeSpan.FromMilliseconds(300);
        group.Stabilize();

        Assert.True(group[1].Node.HasLease(group.Now));
        Assert.True(group[1].Node.HasLease(sentAt + group[1].Config.LeaseDuration - TimeSpan.FromTicks(1)));
        Assert.False(group[1].Node.HasLease(sentAt + group[1].Config.LeaseDuration));
        Assert.True(group[1].Config.LeaseDuration < group[1].Config.ElectionTimeout);
    }

    // Thesis 3.10: leadership is transferred by bringing the target's log up to date and telling it to campaign at once; the others vote
    // although their leader lives.
    [Fact]
    public void Leadership_is_transferred_at_once()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.TickAll(3);
        Assert.True(group[1].Node.HasLease(group.Now));

        Assert.Equal(Refusal.None, group[1].Node.TransferLeader(3));
        Assert.False(group[1].Node.HasLease(group.Now));
        Assert.Equal(Refusal.Transferring, group.Propose(1, "x").Refusal);
        group.Stabilize();

        Assert.True(group[3].Node.IsLeader);
    }

    // Thesis 3.10: if the transfer does not succeed within an election timeout it is given up, and the leader serves again. Its lease does
    // not return in this term.
    [Fact]
    public void A_failed_transfer_leaves_no_lease()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.Cut(1, 3);
        group[1].Node.TransferLeader(3);
        for (var i = 0; i < 12; i++)
        {
            group.Tick(1);
            group.Stabilize();
        }

        Assert.True(group[1].Node.IsLeader);
        Assert.True(group.Propose(1, "x").Accepted);
        Assert.False(group[1].Node.HasLease(group.Now));
        group[1].Node.ReadIndex(1, ReadMode.Lease, group.Now);
        group.Stabilize();
        Assert.Single(group[1].Reads);
    }

    // Thesis 6.2: a leader steps down when an election timeout passes without a round of a majority.
    [Fact]
    public void A_leader_without_a_majority_steps_down()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.CutOff(1);
        for (var i = 0; i < 21; i++)
        {
            group.Tick(1);
            group.Stabilize();
        }

        Assert.Equal((RaftRole.Follower, 0UL), (group[1].Node.Role, group[1].Node.LeaderId));
        Assert.Equal(Refusal.NoLeader, group.Propose(1, "x").Refusal);
    }

    // Thesis 9.6: a candidate raises its term only after a majority has said that it could win, so one that was cut off comes back without
    // disruption.
    [Fact]
    public void A_peer_that_was_cut_off_does_not_raise_the_term()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        group.CutOff(3);
        group.Tick(3, 100);
        group.Stabilize();
        Assert.Equal(group[1].Node.Term, group[3].Node.Term);
        Assert.Equal(RaftRole.PreCandidate, group[3].Node.Role);
        group.Heal();
        group.TickAll(4);

        Assert.True(group[1].Node.IsLeader);
        Assert.Equal(1UL, group[3].Node.LeaderId);
    }
}
