using FsCheck;
using FsCheck.Fluent;

namespace TiKvActors.Raft.Tests;

public class QuorumTests
{
    private static readonly Config _many = Config.QuickThrowOnFailure.WithMaxTest(1000);

    [Theory]
    [InlineData(new ulong[] { 7 }, 7)]
    [InlineData(new ulong[] { 5, 9 }, 5)]
    [InlineData(new ulong[] { 3, 9, 7 }, 7)]
    [InlineData(new ulong[] { 1, 9, 9, 1 }, 1)]
    [InlineData(new ulong[] { 0, 0, 4, 5, 6 }, 4)]
    public void A_majority_has_reached(ulong[] acknowledged, ulong expected)
    {
        var voters = Enumerable.Range(0, acknowledged.Length).Select(i => (ulong)i).ToArray();
        Assert.Equal(expected, Quorum.Reached(voters, v => acknowledged[v]));
    }

    [Fact]
    public void The_empty_half_of_a_configuration_agrees_with_everything()
    {
        Assert.Equal(ulong.MaxValue, Quorum.Reached([], _ => 0));
        Assert.Equal(VoteOutcome.Won, Quorum.Count([], _ => false));
    }

    // The definition itself: the largest value for which more than half of the voters have that or more.
    [Fact]
    public void Reached_is_what_more_than_half_have() => Check.One(_many, Prop.ForAll<byte[]>(values =>
    {
        var voters = Enumerable.Range(0, values.Length).Select(i => (ulong)i).ToArray();
        if (voters.Length == 0) return true;
        var expected = values.Where(v => values.Count(w => w >= v) > values.Length / 2).Max();
        return Quorum.Reached(voters, v => values[v]) == expected;
    }));

    [Fact]
    public void A_vote_is_decided_exactly_when_no_answer_can_change_it() => Check.One(_many, Prop.ForAll<bool?[]>(votes =>
    {
        if (votes.Length == 0) return true;
        var voters = Enumerable.Range(0, votes.Length).Select(i => (ulong)i).ToArray();
        var majority = votes.Length / 2 + 1;
        var canWin = votes.Count(v => v != false) >= majority;
        var canLose = votes.Count(v => v != true) > votes.Length - majority;
        var expected = !canWin ? VoteOutcome.Lost : !canLose ? VoteOutcome.Won : VoteOutcome.Pending;
        return Quorum.Count(voters, v => votes[v]) == expected;
    }));

    // Paper, section 6: "agreement requires separate majorities from both the old and new configurations".
    [Fact]
    public void Joint_decisions_are_those_of_both_halves() => Check.One(_many, Prop.ForAll<byte[], bool?[]>((values, votes) =>
    {
        var config = GroupConfig.From(new Protocol.Eraftpb.ConfState { Voters = { 1, 2, 3 }, VotersOutgoing = { 3, 4, 5, 6 } });
        ulong Value(ulong id) => (int)id < values.Length ? values[id] : 0UL;
        bool? Vote(ulong id) => (int)id < votes.Length ? votes[id] : null;
        var halves = new[] { Quorum.Count(config.Voters, Vote), Quorum.Count(config.Outgoing, Vote) };
        var outcome = halves.Contains(VoteOutcome.Lost) ? VoteOutcome.Lost
            : halves.Contains(VoteOutcome.Pending) ? VoteOutcome.Pending : VoteOutcome.Won;
        return config.Reached(Value) == Math.Min(Quorum.Reached(config.Voters, Value), Quorum.Reached(config.Outgoing, Value))
            && config.Count(Vote) == outcome;
    }));
}
