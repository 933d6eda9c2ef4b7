using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft.Tests;

/// <summary>Defects that the simulation has found, each in as few steps as possible.</summary>
public class FoundBySimulationTests
{
    // The others could destroy a removed voter, and then forget in a crash that its removal was committed, and need its vote.
    [Fact]
    public void The_commit_of_a_configuration_change_is_durable_before_it_is_told_or_applied()
    {
        var group = new TestGroup(3);
        group.Elect(1);
        var index = group.ProposeConfChange(1, (ConfChangeType.RemoveNode, 3)).Index;
        group[1].Process();
        group[1].HoldWrites = true;
        group.Stabilize();

        Assert.Equal(index, group[1].Node.CommittedIndex);
        Assert.Equal(index, group[1].WriteInFlight!.HardState!.Commit);
        Assert.Empty(group[1].WriteInFlight!.Entries);
        Assert.True(group[2].Node.CommittedIndex < index);
        Assert.DoesNotContain(group[1].Applied, e => e.Index == index);

        group[1].FinishWrite();
        group[1].HoldWrites = false;
        group.Stabilize();

        Assert.Equal([1UL, 2], group[1].Node.ConfState.Voters);
        group[1].Restart();
        Assert.Equal(index, group[1].Node.CommittedIndex);
    }

    // The only voter left had the shorter log, and did not know that the others had applied their removal: they refused it, and did not
    // campaign themselves.
    [Fact]
    public void A_candidate_learns_from_its_voters_what_is_committed()
    {
        var group = new TestGroup(2);
        group.Elect(1);
        // Peer 2 has the entry that removes peer 1, and not what followed it, nor that it is committed.
        var removal = group.ProposeConfChange(1, (ConfChangeType.RemoveNode, 1)).Index;
        group[1].Process();
        group.Propose(1, "longer");
        group.Stabilize(
            (id, _) => group.InTransit.RemoveAll(m => m.From == 1 && (m.Commit >= removal || m.Entries.Any(e => e.Index > removal))));
        Assert.Equal([2UL], group[1].Node.ConfState.Voters);
        Assert.True(group[2].Node.CommittedIndex < removal);
        Assert.True(group[2].Node.LastIndex < group[1].Node.LastIndex);

        group.PassElectionTimeout();
        group[2].Node.Campaign(group.Now);
        group.Stabilize();
        Assert.Equal([2UL], group[2].Node.ConfState.Voters);

        group[2].Node.Campaign(group.Now);
        group.Stabilize();
        Assert.True(group[2].Node.IsLeader);
    }

    // Two candidates without pre-vote chased each other's term for ever: the one behind never heard of the other's.
    [Fact]
    public void A_candidate_that_is_behind_learns_the_term()
    {
        var group = new TestGroup(2, c => c with { PreVote = false });
        group.PassElectionTimeout();
        for (var i = 0; i < 5; i++)
        {
            group[2].Node.Campaign(group.Now);
            group[2].Process();
            group.InTransit.Clear();
        }

        group[1].Node.Campaign(group.Now);
        group.Stabilize();

        Assert.Equal(group[2].Node.Term, group[1].Node.Term);
    }

    // The split that made the group reached one store only: elsewhere its parent was removed first, or came by a later snapshot.
    [Fact]
    public void A_group_that_only_one_voter_has_data_of_comes_to_life()
    {
        var group = new TestGroup(3, withoutData: [2, 3]);
        group.PassElectionTimeout();
        group[1].Node.Campaign(group.Now);
        group.Stabilize((_, ready) => Assert.DoesNotContain(ready.Messages.Concat(ready.MessagesAfterPersist), IsVote));

        foreach (var id in new ulong[] { 2, 3 })
        {
            Assert.Equal((TestGroup.InitialIndex, TestGroup.InitialTerm), (group[id].Node.AppliedIndex, group[id].Node.Term));
            Assert.Equal(0UL, group[id].Node.LeaderId);
        }
        group.Elect(2);
        group.Propose(2, "x");
        group.Stabilize();
        Assert.All(group.Peers.Values, p => Assert.Equal(group[2].Node.CommittedIndex, p.Node.AppliedIndex));
    }

    // Of the two stores that the split reached, one was lost before the third had its data.
    [Fact]
    public void A_voter_without_data_gets_what_is_committed_from_one_that_cannot_be_elected_without_it()
    {
        var group = new TestGroup(3, withoutData: [3]);
        group.Cut(1, 3);
        group.Cut(2, 3);
        group.Elect(1);
        group.Propose(1, "x");
        group.Stabilize();
        // Logged on a minority: not to be passed on as data.
        group.CutOff(1);
        group.Propose(1, "y");
        group.Stabilize();
        group.Heal();
        group.CutOff(2);

        group.TickAll(3 * group[1].Config.ElectionTimeoutTicks);
        Assert.Contains(new[] { group[1], group[3] }, p => p.Node.IsLeader);
        Assert.Equal(group[1].Node.LastIndex, group[3].Node.AppliedIndex);
        Assert.True(group[3].Node.AppliedIndex > group[2].Node.AppliedIndex);
    }

    [Fact]
    public void Nothing_is_passed_on_by_who_knows_a_leader_and_nothing_is_taken_by_who_has_data()
    {
        var group = new TestGroup(3, withoutData: [3]);
        group.Cut(2, 3);
        group.Elect(1);
        group.PassElectionTimeout();
        group.Heal();
        // An answer to an earlier campaign of peer 2, which follows peer 1 now.
        var noData = new List<Message>();
        group[2].Node.Step(NoDataFrom(3, to: 2), group.Now);
        group.Stabilize((id, ready) => noData.AddRange(ready.Messages.Where(m => id == 2 && m.MsgType == MessageType.MsgSnapshot)));
        Assert.Empty(noData);

        var before = (group[2].Node.Term, group[2].Node.LeaderId, group[2].Node.CommittedIndex);
        group[2].Node.Step(PassedOnFrom(3, to: 2, index: group[2].Node.CommittedIndex + 100), group.Now);
        Assert.Null(group[2].Process().Snapshot);
        Assert.Equal(before, (group[2].Node.Term, group[2].Node.LeaderId, group[2].Node.CommittedIndex));
    }

    private static bool IsVote(Message message) =>
        message.MsgType is MessageType.MsgRequestVoteResponse or MessageType.MsgRequestPreVoteResponse && !message.Reject;

    private static Message NoDataFrom(ulong from, ulong to) =>
        new() { MsgType = MessageType.MsgRequestPreVoteResponse, From = from, To = to, Reject = true, Context = ByteString.CopyFromUtf8("NoData") };

    private static Message PassedOnFrom(ulong from, ulong to, ulong index) => new()
    {
        MsgType = MessageType.MsgSnapshot,
        From = from,
        To = to,
        Term = 9,
        Context = ByteString.CopyFromUtf8("PassedOn"),
        Snapshot = new Snapshot { Metadata = new SnapshotMetadata { Index = index, Term = 9, ConfState = new ConfState { Voters = { 1, 2, 3 } } } },
    };
}
