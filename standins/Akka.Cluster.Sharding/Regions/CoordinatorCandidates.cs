using System.Collections.Immutable;
using Akka.Actor;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster.Sharding.Regions;

/// <summary>
/// Where the coordinator may be: on the oldest member that stays, or still on one of those before it that go. It follows the cluster's
/// events.
/// </summary>
internal sealed record CoordinatorCandidates(string Role, ImmutableSortedSet<Member> Members)
{
    public static CoordinatorCandidates Of(CurrentClusterState state, string role) =>
        state.Members.Aggregate(
            new CoordinatorCandidates(role, ImmutableSortedSet<Member>.Empty.WithComparer(Member.AgeOrdering)),
            (all, member) => all.With(member));

    public IEnumerable<Address> Addresses
    {
        get
        {
            foreach (var member in Members)
            {
                yield return member.Address;
                if (member.Status == MemberStatus.Up) yield break;
            }
        }
    }

    public CoordinatorCandidates After(IMemberEvent happened) =>
        happened is MemberRemoved ? Without(happened.Member) : With(happened.Member);

    private CoordinatorCandidates With(Member member)
    {
        if (Role != null && !member.HasRole(Role) || member.UpNumber == Member.NoUpNumber) return this;
        // One and the same member under another number would be two for the order.
        return this with { Members = Without(member).Members.Add(member) };
    }

    private CoordinatorCandidates Without(Member member) =>
        this with { Members = Members.Except(Members.Where(m => m.UniqueAddress == member.UniqueAddress)) };
}
