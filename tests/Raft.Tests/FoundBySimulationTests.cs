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

    // The only voter left had the shorter log, and did not know that the others had applied their removal: they refused it, and did not campaign themselves.
    [Fact]
    public void A_candidate_learns_from_its_voters_what_is_committed()
    {
        var group = new TestGroup(2);
        group.Elect(1);
        // Peer 2 has the entry that removes peer 1, and not what followed it, nor that it is committed.
        var removal = group.ProposeConfChange(1, (ConfChangeType.RemoveNode, 1)).Index;
        group[1].Process();
        group.Propose(1, "longer");
        group.Stabilize((id, _) => group.InTransit.RemoveAll(m => m.From == 1 && (m.Commit >= removal || m.Entries.Any(e => e.Index > removal))));
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
}
