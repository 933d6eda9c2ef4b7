using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Membership;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster;

/// <summary>What to tell subscribers of a state, and of the step from one to the next.</summary>
internal static class ClusterEvents
{
    public static CurrentClusterState Picture(MembershipState state) => new(
        state.Members,
        Unreachable(state).ToImmutableHashSet(),
        state.Gossip.Seen.Select(node => node.Address).ToImmutableHashSet(),
        state.Leader?.Address,
        RoleLeaders(state));

    public static IEnumerable<IClusterDomainEvent> Between(MembershipState before, MembershipState after)
    {
        if (ReferenceEquals(before, after)) yield break;
        var (wasUnreachable, isUnreachable) = (Unreachable(before).ToHashSet(), Unreachable(after).ToHashSet());
        foreach (var member in isUnreachable.Where(m => !wasUnreachable.Contains(m)).Order()) yield return new UnreachableMember(member);
        foreach (var member in wasUnreachable.Where(m => !isUnreachable.Contains(m)).Order())
            if (after.Gossip.Find(member.UniqueAddress) is { } reachable) yield return new ReachableMember(reachable);
        // First, because another incarnation may be at the address already.
        foreach (var member in before.Members)
            if (!after.Members.Contains(member)) yield return new MemberRemoved(member.Copy(MemberStatus.Removed), member.Status);
        foreach (var member in after.Members)
            if (before.Gossip.Find(member.UniqueAddress)?.Status != member.Status) yield return Changed(member);
        if (before.Leader != after.Leader) yield return new LeaderChanged(after.Leader?.Address);
        var (oldLeaders, newLeaders) = (RoleLeaders(before), RoleLeaders(after));
        foreach (var role in oldLeaders.Keys.Union(newLeaders.Keys).Order(StringComparer.Ordinal))
        {
            var leader = newLeaders.GetValueOrDefault(role);
            if (oldLeaders.GetValueOrDefault(role) != leader) yield return new RoleLeaderChanged(role, leader);
        }
    }

    /// <summary>In the others' eyes: what is said of this node is not for itself to tell.</summary>
    private static IEnumerable<Member> Unreachable(MembershipState state) =>
        state.ReachabilityExcludingDownedObservers.AllUnreachable.Where(node => node != state.Self).Select(state.Gossip.Find)
            .Where(member => member != null);

    private static ImmutableDictionary<string, Address> RoleLeaders(MembershipState state) =>
        state.Members.SelectMany(m => m.Roles).Distinct().ToImmutableDictionary(role => role, role => state.RoleLeader(role)?.Address);

    private static IMemberEvent Changed(Member member) => member.Status switch
    {
        MemberStatus.Joining => new MemberJoined(member),
        MemberStatus.WeaklyUp => new MemberWeaklyUp(member),
        MemberStatus.Up => new MemberUp(member),
        MemberStatus.Leaving => new MemberLeft(member),
        MemberStatus.Exiting => new MemberExited(member),
        MemberStatus.Down => new MemberDowned(member),
        _ => throw new ArgumentException($"No member of a cluster has the status of {member}", nameof(member))
    };
}
