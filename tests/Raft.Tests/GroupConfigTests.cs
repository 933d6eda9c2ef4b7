using FsCheck;
using FsCheck.Fluent;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft.Tests;

public class GroupConfigTests
{
    private static GroupConfig Group(ulong[] voters, ulong[]? learners = null) =>
        GroupConfig.From(new ConfState { Voters = { voters }, Learners = { learners ?? [] } });

    /// <summary><c>v4</c> makes 4 a voter, <c>l4</c> a learner, <c>r4</c> removes it.</summary>
    private static ConfChangeV2 Change(string changes, ConfChangeTransition transition = ConfChangeTransition.Auto) => new()
    {
        Transition = transition,
        Changes =
        {
            changes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(c => new ConfChangeSingle
            {
                ChangeType = c[0] == 'v' ? ConfChangeType.AddNode : c[0] == 'l' ? ConfChangeType.AddLearnerNode : ConfChangeType.RemoveNode,
                NodeId = ulong.Parse(c[1..]),
            }),
        },
    };

    private static GroupConfig Apply(GroupConfig group, ConfChangeV2 change) =>
        group.With(change, out var problem) ?? throw new InvalidOperationException(problem);

    [Fact]
    public void One_change_is_made_at_once()
    {
        var group = Apply(Group([1, 2, 3]), Change("v4"));
        Assert.False(group.IsJoint);
        Assert.Equal([1UL, 2, 3, 4], group.Voters);
    }

    [Fact]
    public void Several_changes_go_through_a_joint_configuration()
    {
        var group = Apply(Group([1, 2, 3], [4]), Change("v4 r1"));
        Assert.True(group is { IsJoint: true, AutoLeave: true });
        Assert.Equal([2UL, 3, 4], group.Voters);
        Assert.Equal([1UL, 2, 3], group.Outgoing);
        Assert.Empty(group.Learners);

        group = Apply(group, new ConfChangeV2());
        Assert.False(group.IsJoint);
        Assert.Equal([2UL, 3, 4], group.Members);
    }

    [Theory, InlineData(ConfChangeTransition.Implicit, true), InlineData(ConfChangeTransition.Explicit, false)]
    public void A_transition_makes_even_one_change_joint(ConfChangeTransition transition, bool autoLeave)
    {
        var group = Apply(Group([1, 2, 3]), Change("v4", transition));
        Assert.True(group.IsJoint);
        Assert.Equal(autoLeave, group.AutoLeave);
    }

    [Fact]
    public void A_demoted_voter_is_a_learner_after_the_joint_configuration()
    {
        var group = Apply(Group([1, 2, 3]), Change("l3 v4"));
        Assert.Equal([3UL], group.LearnersNext);
        Assert.Empty(group.Learners);
        Assert.True(group.IsVoter(3));

        group = Apply(group, new ConfChangeV2());
        Assert.Equal([3UL], group.Learners);
        Assert.False(group.IsVoter(3));
    }

    [Theory]
    [InlineData("r1 r2 r3", "no voter")]
    [InlineData("v0", "id 0")]
    [InlineData("", "not joint")]
    public void Nonsense_is_refused_with_its_reason(string changes, string reason)
    {
        Assert.Null(Group([1, 2, 3]).With(Change(changes), out var problem));
        Assert.Contains(reason, problem);
    }

    [Fact]
    public void A_joint_configuration_must_be_left_first()
    {
        var joint = Apply(Group([1, 2, 3]), Change("v4 v5"));
        Assert.Null(joint.With(Change("v6"), out var problem));
        Assert.Contains("joint", problem);
    }

    // Whatever is asked for: no peer is voter and learner at once, two successive configurations share a voter of every pair of majorities,
    // and the state survives a round trip.
    [Fact]
    public void Random_changes_keep_the_configuration_sound() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<byte[]>(draws =>
        {
            var group = Group([1, 2, 3]);
            for (var i = 0; i + 3 < draws.Length; i += 4)
            {
                var changes = string.Join(
                    ' ', Enumerable.Range(0, draws[i] % 4).Select(j => $"{"vlr"[draws[i + 1] / (j + 1) % 3]}{1 + (draws[i + 2] + j) % 6}"));
                var next = group.With(Change(changes, (ConfChangeTransition)(draws[i + 3] % 3)), out _);
                if (next is null) continue;
                if (!IsSound(next) || !MajoritiesMeet(group, next)) return false;
                group = next;
            }
            return true;
        }));

    private static bool IsSound(GroupConfig group) =>
        !group.Learners.Intersect(group.Voters.Concat(group.Outgoing)).Any()
        && group.LearnersNext.All(group.Outgoing.Contains)
        && !group.LearnersNext.Intersect(group.Voters).Any()
        && group.Voters.Count > 0
        && GroupConfig.From(group.ToConfState()).ToConfState().Equals(group.ToConfState());

    /// <summary>Tries every set of peers as a majority of one, and what is left as a majority of the other.</summary>
    private static bool MajoritiesMeet(GroupConfig a, GroupConfig b)
    {
        var all = a.Members.Union(b.Members).ToArray();
        return Enumerable.Range(0, 1 << all.Length).All(set =>
        {
            bool In(ulong id) => (set >> Array.IndexOf(all, id) & 1) == 1;
            return a.Count(id => In(id)) != VoteOutcome.Won || b.Count(id => !In(id)) != VoteOutcome.Won;
        });
    }
}
