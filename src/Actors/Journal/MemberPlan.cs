using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using Answered = TiKvActors.Protocol.MetaMembersResponse.Types;
using Entry = TiKvActors.Protocol.MetaMemberTable.Types.Member;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Journal;

/// <summary>The meta group as the member that leads it sees it.</summary>
/// <param name="Region">As applied.</param>
/// <param name="Self">The leader's id.</param>
/// <param name="Matches">Up to where a follower's log is known to be the leader's.</param>
/// <param name="Living">Heard from lately, and in this term; the leader included.</param>
internal sealed record MemberView(
    Region Region, ulong Self, ulong LastIndex, IReadOnlyDictionary<ulong, ulong> Matches, IReadOnlySet<ulong> Living)
{
    public bool IsJoint => Region.Peers.Any(p => p.Role is PeerRole.IncomingVoter or PeerRole.DemotingVoter);

    /// <summary>After a joint configuration those that come out of it.</summary>
    public IEnumerable<ulong> Voters => Region.Peers.Where(p => p.Role is PeerRole.Voter or PeerRole.IncomingVoter).Select(p => p.Id);

    public bool IsVoter(ulong id) => Voters.Contains(id);

    /// <summary>Null: not in the configuration.</summary>
    public PeerRole? RoleOf(ulong id) => RegionState.FindPeer(Region, id)?.Role;

    public bool HasQuorum(IReadOnlyCollection<ulong> voters) => 2 * voters.Count(Living.Contains) > voters.Count;

    /// <summary>In entries.</summary>
    public ulong LagOf(ulong id) => id == Self ? 0 : LastIndex - Math.Min(LastIndex, Matches.GetValueOrDefault(id));
}

/// <summary>What brings the configuration nearer to the table of members.</summary>
internal abstract record MemberStep
{
    internal sealed record Change(ChangePeerV2Request Changes) : MemberStep;

    /// <summary>The leader is to leave: another one leads first.</summary>
    internal sealed record Transfer(ulong To) : MemberStep;

    /// <summary>To be put at the revision that the plan was made from.</summary>
    internal sealed record Record(MetaMemberTable Table) : MemberStep;
}

/// <summary>
/// How the group's configuration follows the table of members, step by step: the leader, whoever it is, asks for the next one until there
/// is none. A step rests on nothing but the table and the configuration, so it does not matter who took those before. Pure.
/// </summary>
internal static class MemberPlan
{
    /// <summary>
    /// Entries that a learner may lack when it becomes a voter: few enough that it has them before anybody misses its vote.
    /// </summary>
    public const ulong MaxLag = 100;

    /// <returns>Null: there is nothing to do, or it has to wait for somebody.</returns>
    public static MemberStep? Next(MetaMemberTable table, MemberView view)
    {
        // Whoever leads leaves it by itself.
        if (view.IsJoint)
            return null;
        var members = table.Members;
        return First(members.Where(m => !m.Removed), m => Bring(m, table, view))
            ?? First(members.Where(m => m.Removed), m => TakeAway(m, view));
    }

    private static MemberStep? First(IEnumerable<Entry> members, Func<Entry, MemberStep?> step) =>
        members.Select(step).FirstOrDefault(s => s is not null);

    private static MemberStep? Bring(Entry member, MetaMemberTable table, MemberView view)
    {
        var old = member.Replaces == 0 ? null : MemberTable.Find(table, member.Replaces);
        var replaces = old is { Removed: false };
        return view.RoleOf(member.Id) switch
        {
            null => MemberTable.IsKnown(member) ? Changes((ConfChangeType.AddLearnerNode, member.Id)) : null,
            PeerRole.Learner when IsBeingReplaced(member, table, view) || !HasCaughtUp(member.Id, view) => null,
            PeerRole.Learner when replaces && view.IsVoter(old!.Id) => Exchange(old.Id, member.Id, view),
            PeerRole.Learner => Changes((ConfChangeType.AddNode, member.Id)),
            _ when replaces => new MemberStep.Record(MemberTable.Replaced(table, old!.Id, member.Id)),
            _ => null,
        };
    }

    /// <summary>Its successor votes already; the table is about to say so.</summary>
    private static bool IsBeingReplaced(Entry member, MetaMemberTable table, MemberView view) =>
        table.Members.Any(m => !m.Removed && m.Replaces == member.Id && view.IsVoter(m.Id));

    private static bool HasCaughtUp(ulong id, MemberView view) => view.Living.Contains(id) && view.LagOf(id) <= MaxLag;

    private static MemberStep? Exchange(ulong oldId, ulong newId, MemberView view)
    {
        var others = view.Voters.Where(v => v != oldId).ToList();
        if (!view.HasQuorum([.. others, newId]))
            return null;
        if (oldId != view.Self)
            return Changes((ConfChangeType.AddNode, newId), (ConfChangeType.AddLearnerNode, oldId));
        // The only voter has nobody else to lead meanwhile.
        return others.Count == 0 ? Changes((ConfChangeType.AddNode, newId)) : TransferTo(others, view);
    }

    private static MemberStep? TakeAway(Entry member, MemberView view)
    {
        if (view.RoleOf(member.Id) is not { } role)
            return null;
        if (role == PeerRole.Learner)
            return Changes((ConfChangeType.RemoveNode, member.Id));
        var others = view.Voters.Where(v => v != member.Id).ToList();
        if (!view.HasQuorum(others))
            return null;
        return member.Id == view.Self ? TransferTo(others, view) : Changes((ConfChangeType.RemoveNode, member.Id));
    }

    /// <summary>The one that has most of the log.</summary>
    private static MemberStep? TransferTo(IEnumerable<ulong> voters, MemberView view) =>
        voters.Where(v => HasCaughtUp(v, view)).OrderBy(view.LagOf).ThenBy(v => v).Select(v => new MemberStep.Transfer(v)).FirstOrDefault();

    private static MemberStep.Change Changes(params (ConfChangeType Type, ulong Id)[] changes) => new(new ChangePeerV2Request
    {
        Changes =
        {
            changes.Select(c => new ChangePeerRequest { ChangeType = c.Type, Peer = new MetaPeer { Id = c.Id, StoreId = c.Id } }),
        },
    });

    /// <summary>For an operator, ascending by id.</summary>
    public static IEnumerable<Answered.Member> Describe(MetaMemberTable table, MemberView view) =>
        table.Members.Select(m => new Answered.Member
        {
            Id = m.Id,
            Address = m.Address,
            Role = RoleOf(m, view),
            Leads = m.Id == view.Self,
            Answers = view.Living.Contains(m.Id),
            Behind = view.RoleOf(m.Id) is null ? 0 : view.LagOf(m.Id),
            Removed = m.Removed,
            Replaces = m.Replaces,
            Known = MemberTable.IsKnown(m),
        });

    private static Answered.Role RoleOf(Entry member, MemberView view) => view.RoleOf(member.Id) switch
    {
        PeerRole.Voter => Answered.Role.Voter,
        PeerRole.Learner => Answered.Role.Learner,
        PeerRole.IncomingVoter => Answered.Role.Incoming,
        PeerRole.DemotingVoter => Answered.Role.Outgoing,
        _ => member.Removed ? Answered.Role.Removed : Answered.Role.Waiting,
    };
}
