using System.Collections.Immutable;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>
/// The members that may run a singleton, the oldest first: those that have been Up and are not exiting. It follows the cluster's events.
/// </summary>
internal sealed record MembersByAge(string Role, ImmutableSortedSet<Member> Members)
{
    public static MembersByAge Of(CurrentClusterState state, string role) =>
        state.Members.Aggregate(
            new MembersByAge(role, ImmutableSortedSet<Member>.Empty.WithComparer(Member.AgeOrdering)), (all, member) => all.With(member));

    /// <summary>null: there is none.</summary>
    public Member Oldest => Members.FirstOrDefault();

    public bool IsEligible(Member member) => (Role == null || member.HasRole(Role)) && member.UpNumber != Member.NoUpNumber;

    public MembersByAge After(IMemberEvent happened) => happened switch
    {
        MemberRemoved or MemberExited => Without(happened.Member.UniqueAddress),
        _ => With(happened.Member)
    };

    public MembersByAge Without(UniqueAddress node) => this with { Members = Members.Except(Members.Where(m => m.UniqueAddress == node)) };

    private MembersByAge With(Member member)
    {
        if (!IsEligible(member) || member.Status is MemberStatus.Exiting or MemberStatus.Removed) return this;
        // One and the same member under another number would be two for the order.
        return this with { Members = Without(member.UniqueAddress).Members.Add(member) };
    }
}
