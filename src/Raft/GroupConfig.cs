using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

/// <summary>
/// Who belongs to the group. Joint while <see cref="Outgoing"/> is not empty: then every decision needs a majority of both halves (paper,
/// section 6). Immutable; all lists are sorted.
/// </summary>
internal sealed class GroupConfig
{
    private GroupConfig(
        IEnumerable<ulong> voters, IEnumerable<ulong> outgoing, IEnumerable<ulong> learners, IEnumerable<ulong> learnersNext,
        bool autoLeave)
    {
        Voters = Sorted(voters);
        Outgoing = Sorted(outgoing);
        Learners = Sorted(learners);
        LearnersNext = Sorted(learnersNext);
        AutoLeave = autoLeave;
        Members = Sorted(Voters.Concat(Outgoing).Concat(Learners).Concat(LearnersNext));
    }

    public IReadOnlyList<ulong> Voters { get; }
    public IReadOnlyList<ulong> Outgoing { get; }
    public IReadOnlyList<ulong> Learners { get; }

    /// <summary>Outgoing voters that become learners when the joint configuration is left.</summary>
    public IReadOnlyList<ulong> LearnersNext { get; }

    public bool AutoLeave { get; }

    public IReadOnlyList<ulong> Members { get; }

    public bool IsJoint => Outgoing.Count > 0;

    public bool IsEmpty => Members.Count == 0;

    public static GroupConfig From(ConfState state) =>
        new(state.Voters, state.VotersOutgoing, state.Learners, state.LearnersNext, state.AutoLeave);

    public ConfState ToConfState() => new()
    {
        Voters = { Voters },
        VotersOutgoing = { Outgoing },
        Learners = { Learners },
        LearnersNext = { LearnersNext },
        AutoLeave = AutoLeave,
    };

    public bool IsVoter(ulong id) => Voters.Contains(id) || Outgoing.Contains(id);

    public bool IsOnlyVoter(ulong id) => !IsJoint && Voters.Count == 1 && Voters[0] == id;

    /// <summary>The largest value that the group has reached.</summary>
    public ulong Reached(Func<ulong, ulong> value) => Math.Min(Quorum.Reached(Voters, value), Quorum.Reached(Outgoing, value));

    public VoteOutcome Count(Func<ulong, bool?> vote)
    {
        var incoming = Quorum.Count(Voters, vote);
        var outgoing = Quorum.Count(Outgoing, vote);
        if (incoming == outgoing) return incoming;
        return incoming == VoteOutcome.Lost || outgoing == VoteOutcome.Lost ? VoteOutcome.Lost : VoteOutcome.Pending;
    }

    /// <summary>The configuration after <paramref name="change"/>, or null with the reason why it cannot be made.</summary>
    public GroupConfig? With(ConfChangeV2 change, out string problem)
    {
        problem = "";
        if (change.Changes.Count == 0) return Leave(out problem);
        if (IsJoint)
        {
            problem = "the configuration is joint: leave it first";
            return null;
        }
        var joint = change.Transition != ConfChangeTransition.Auto || change.Changes.Count > 1;
        var next = joint
            ? EnterJoint(change.Changes, change.Transition != ConfChangeTransition.Explicit, out problem)
            : Changed(change.Changes, [], false, out problem);
        if (next is not null && next.Voters.Count == 0)
        {
            problem = "no voter would be left";
            return null;
        }
        return next;
    }

    private GroupConfig? EnterJoint(IEnumerable<ConfChangeSingle> changes, bool autoLeave, out string problem)
    {
        problem = "the group has no voters";
        return Voters.Count == 0 ? null : Changed(changes, Voters, autoLeave, out problem);
    }

    private GroupConfig? Leave(out string problem)
    {
        problem = IsJoint ? "" : "the configuration is not joint: there is nothing to leave";
        return IsJoint ? new GroupConfig(Voters, [], Learners.Concat(LearnersNext), [], false) : null;
    }

    private GroupConfig? Changed(IEnumerable<ConfChangeSingle> changes, IReadOnlyList<ulong> outgoing, bool autoLeave, out string problem)
    {
        var voters = new SortedSet<ulong>(Voters);
        var learners = new SortedSet<ulong>(Learners);
        var learnersNext = new SortedSet<ulong>();
        foreach (var change in changes)
        {
            var id = change.NodeId;
            if (id == 0)
            {
                problem = "peer id 0";
                return null;
            }
            voters.Remove(id);
            learners.Remove(id);
            learnersNext.Remove(id);
            if (change.ChangeType == ConfChangeType.AddNode) voters.Add(id);
            // Somebody who still votes in the outgoing half cannot be a learner as well.
            else if (change.ChangeType == ConfChangeType.AddLearnerNode) (outgoing.Contains(id) ? learnersNext : learners).Add(id);
        }
        problem = "";
        return new GroupConfig(voters, outgoing, learners, learnersNext, autoLeave);
    }

    private static ulong[] Sorted(IEnumerable<ulong> ids) => [.. ids.Distinct().Order()];
}
