using System.Collections.Immutable;

namespace Akka.Cluster.Membership;

/// <summary>The latest gossip as one node sees it: who leads, whether everybody agrees, and what follows from that.</summary>
internal sealed class MembershipState : Akka.Actor.INoSerializationVerificationNeeded
{
    private readonly Lazy<UniqueAddress> _leader;
    private readonly Lazy<Reachability> _reachability;

    public MembershipState(Gossip gossip, UniqueAddress self)
    {
        Gossip = gossip;
        Self = self;
        _reachability = new Lazy<Reachability>(() =>
            gossip.Reachability.IsAllReachable
                ? gossip.Reachability
                : gossip.Reachability.Without(observer => gossip.Find(observer) is null or { Status: MemberStatus.Down }));
        _leader = new Lazy<UniqueAddress>(() => LeaderOf(gossip.Members));
    }

    public Gossip Gossip { get; }

    public UniqueAddress Self { get; }

    public ImmutableSortedSet<Member> Members => Gossip.Members;

    /// <summary>Null if it is none (yet, or any more).</summary>
    public Member SelfMember => Gossip.Find(Self);

    /// <summary>Null if nobody could lead.</summary>
    public UniqueAddress Leader => _leader.Value;

    public bool IsLeader => Leader == Self;

    public MembershipState With(Gossip gossip) => ReferenceEquals(gossip, Gossip) ? this : new MembershipState(gossip, Self);

    /// <summary>What counts is the judgement of members that are not down themselves.</summary>
    public Reachability ReachabilityExcludingDownedObservers => _reachability.Value;

    /// <summary>
    /// Whether all members that are up or leaving have seen this version, and none of those that count is unreachable: then a decision
    /// is made once. Those that have confirmed that they exit are not waited for.
    /// </summary>
    public bool IsConverged(IReadOnlySet<UniqueAddress> exitingConfirmed)
    {
        foreach (var subject in ReachabilityExcludingDownedObservers.AllUnreachable)
            if (subject != Self && Gossip.Find(subject) is { Status: not (MemberStatus.Down or MemberStatus.Exiting) }
                && !exitingConfirmed.Contains(subject))
                return false;
        foreach (var member in Members)
            if (member.Status is MemberStatus.Up or MemberStatus.Leaving && !Gossip.IsSeenBy(member.UniqueAddress)
                && !exitingConfirmed.Contains(member.UniqueAddress))
                return false;
        return true;
    }

    /// <summary>
    /// The first in the order of addresses of those that are up or leaving and reachable; before there is such a one, of all others.
    /// </summary>
    public UniqueAddress LeaderOf(IEnumerable<Member> members)
    {
        // What a member says that is down itself would make a leader of one who is none in the eyes of the one accused.
        var reachability = ReachabilityExcludingDownedObservers;
        UniqueAddress other = null;
        var otherRank = int.MaxValue;
        foreach (var member in members)
        {
            if (member.Status == MemberStatus.Down || !(reachability.IsReachable(member.UniqueAddress) || member.UniqueAddress == Self))
                continue;
            if (member.Status is MemberStatus.Up or MemberStatus.Leaving) return member.UniqueAddress;
            var rank = member.Status switch { MemberStatus.Joining or MemberStatus.WeaklyUp => 0, _ => 1 };
            if (rank >= otherRank) continue;
            (other, otherRank) = (member.UniqueAddress, rank);
        }
        return other;
    }

    public UniqueAddress RoleLeader(string role) => LeaderOf(Members.Where(m => m.HasRole(role)));

    /// <summary>Whether gossip is sent to it: not if it is not there from here.</summary>
    public bool IsValidForGossip(UniqueAddress node) => node != Self && Gossip.Has(node) && Gossip.Reachability.IsReachable(Self, node);

    /// <summary>
    /// What the leader does when everybody agrees: those who joined become Up, those who leave are Exiting, and those who are down and
    /// unreachable, or have confirmed their exit, are removed. Null if there is nothing to do.
    /// </summary>
    public Gossip LeaderActions(MembershipRules rules, IReadOnlySet<UniqueAddress> exitingConfirmed, long now)
    {
        var unreachable = ReachabilityExcludingDownedObservers.Overall;
        var removed = Members
            .Where(m => m.Status is MemberStatus.Down or MemberStatus.Exiting && unreachable.ContainsKey(m.UniqueAddress)
                && m.UniqueAddress != Self || m.Status == MemberStatus.Exiting && exitingConfirmed.Contains(m.UniqueAddress))
            .Select(m => m.UniqueAddress).ToHashSet();
        var enough = rules.IsEnough(Members);
        var upNumber = 0;
        var changed = new List<Member>();
        // The oldest address first, so that several who become Up together get their numbers in this order.
        foreach (var member in Members)
        {
            if (member.Status is MemberStatus.Joining or MemberStatus.WeaklyUp && enough)
            {
                if (upNumber == 0)
                    upNumber = 1 + Members.Where(m => m.UpNumber != Member.NoUpNumber).Select(m => m.UpNumber).DefaultIfEmpty(0).Max();
                changed.Add(member.CopyUp(upNumber++));
            }
            else if (member.Status == MemberStatus.Leaving)
            {
                changed.Add(member.Copy(MemberStatus.Exiting));
            }
        }
        return removed.Count == 0 && changed.Count == 0 ? null : Gossip.Replace(changed).Remove(removed, now);
    }

    /// <summary>
    /// While there is no agreement, because somebody is unreachable, those who joined may already do part of the work. Null if there is
    /// nobody.
    /// </summary>
    public Gossip MoveJoiningToWeaklyUp(MembershipRules rules)
    {
        if (!rules.IsEnough(Members)) return null;
        var changed = Members.Where(m => m.Status == MemberStatus.Joining && Gossip.Reachability.IsReachable(m.UniqueAddress))
            .Select(m => m.Copy(MemberStatus.WeaklyUp)).ToList();
        return changed.Count == 0 ? null : Gossip.Replace(changed);
    }

    /// <summary>What has become of this node's own judgement since the last time. The same gossip if nothing has.</summary>
    public Gossip Observe(Func<UniqueAddress, bool> isAvailable)
    {
        if (SelfMember is null || Gossip.IsSingleton) return Gossip;
        var reachability = Gossip.Reachability;
        foreach (var member in Members)
        {
            var node = member.UniqueAddress;
            if (node == Self) continue;
            var available = isAvailable(node);
            if (available == reachability.IsReachable(Self, node)) continue;
            reachability = reachability.Change(Self, node, available ? ReachabilityStatus.Reachable : ReachabilityStatus.Unreachable);
        }
        return ReferenceEquals(reachability, Gossip.Reachability) ? Gossip : Gossip.Change(reachability);
    }
}

/// <summary>How many members it takes before anybody becomes Up.</summary>
internal sealed record MembershipRules(int MinNrOfMembers, ImmutableDictionary<string, int> MinNrOfMembersOfRole)
{
    public bool IsEnough(ImmutableSortedSet<Member> members) =>
        members.Count(IsThere) >= MinNrOfMembers
            && MinNrOfMembersOfRole.All(role => members.Count(m => IsThere(m) && m.HasRole(role.Key)) >= role.Value);

    private static bool IsThere(Member member) => member.Status is not (MemberStatus.Down or MemberStatus.Exiting);
}
