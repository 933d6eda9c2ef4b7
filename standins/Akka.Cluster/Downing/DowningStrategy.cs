using System.Collections.Immutable;
using Akka.Cluster.Membership;

namespace Akka.Cluster.SBR;

internal enum Verdict
{
    /// <summary>This side goes on.</summary>
    DownUnreachable,
    /// <summary>The other side goes on.</summary>
    DownReachable,
    DownAll
}

/// <summary>
/// Which side of a partition goes on. All nodes of one side, which see the same, come to the same verdict, and of two sides at most one is
/// to go on.
/// </summary>
internal abstract record DowningStrategy(string Role)
{
    public static DowningStrategy Of(SplitBrainResolverSettings settings) => settings.DowningStrategy switch
    {
        SplitBrainResolverSettings.KeepMajorityName => new KeepMajority(settings.KeepMajorityRole),
        SplitBrainResolverSettings.StaticQuorumName =>
            new StaticQuorum(settings.StaticQuorumSettings.Size, settings.StaticQuorumSettings.Role),
        SplitBrainResolverSettings.KeepOldestName =>
            new KeepOldest(settings.KeepOldestSettings.DownIfAlone, settings.KeepOldestSettings.Role),
        _ => new DownAll()
    };

    public abstract Verdict Decide(PartitionView view);
}

/// <summary>The members that count, and which of them are on the other side.</summary>
internal sealed class PartitionView(IEnumerable<Member> members, IReadOnlySet<UniqueAddress> unreachable)
{
    private readonly ImmutableSortedSet<Member> _members = members.ToImmutableSortedSet();

    /// <summary>Who is (or is about to leave) a full member, in the order of addresses.</summary>
    public IEnumerable<Member> Full(string role) => Having(role).Where(m => m.Status is MemberStatus.Up or MemberStatus.Leaving);

    /// <summary>Those of whom also the other side must think that they are full members: leaving ones may be gone there already.</summary>
    public IEnumerable<Member> AtLeast(string role) => Having(role).Where(m => m.Status == MemberStatus.Up);

    /// <summary>Those who may be full members in the other side's eyes: joining ones may be Up there already.</summary>
    public IEnumerable<Member> AtMost(string role) =>
        Having(role).Where(m => m.Status is MemberStatus.Up or MemberStatus.Leaving or MemberStatus.Joining or MemberStatus.WeaklyUp);

    public bool IsHere(Member member) => !unreachable.Contains(member.UniqueAddress);

    public int CountHere(IEnumerable<Member> members) => members.Count(IsHere);

    public int CountThere(IEnumerable<Member> members) => members.Count(m => !IsHere(m));

    private IEnumerable<Member> Having(string role) => role == null ? _members : _members.Where(m => m.HasRole(role));
}

/// <summary>The side with more members; of two equal ones that with the lowest address.</summary>
internal sealed record KeepMajority(string Role) : DowningStrategy(Role)
{
    public override Verdict Decide(PartitionView view)
    {
        var verdict = Compare(view, view.Full(Role), view.Full(Role), view.Full(Role));
        if (verdict != Verdict.DownUnreachable) return verdict;
        // The other side may know of changes that have not come here. If these would turn the verdict there, both would go on.
        return Compare(view, view.AtLeast(Role), view.AtMost(Role), view.AtLeast(Role)) == Verdict.DownUnreachable
            ? verdict : Verdict.DownAll;
    }

    private static Verdict Compare(PartitionView view, IEnumerable<Member> ours, IEnumerable<Member> theirs, IEnumerable<Member> all)
    {
        var first = all.FirstOrDefault();
        if (first == null) return Verdict.DownAll;
        var (here, there) = (view.CountHere(ours), view.CountThere(theirs));
        if (here == there) return view.IsHere(first) ? Verdict.DownUnreachable : Verdict.DownReachable;
        return here > there ? Verdict.DownUnreachable : Verdict.DownReachable;
    }
}

/// <summary>A side of at least so many. With twice as many members two sides could have them, and nobody goes on.</summary>
internal sealed record StaticQuorum(int Size, string Role) : DowningStrategy(Role)
{
    public override Verdict Decide(PartitionView view)
    {
        if (view.Full(Role).Count() > 2 * Size - 1) return Verdict.DownAll;
        return view.CountHere(view.Full(Role)) >= Size ? Verdict.DownUnreachable : Verdict.DownReachable;
    }
}

/// <summary>The side that has the oldest member, unless that one is alone there.</summary>
internal sealed record KeepOldest(bool DownIfAlone, string Role) : DowningStrategy(Role)
{
    public override Verdict Decide(PartitionView view)
    {
        var verdict = Judge(view, view.Full(Role), view.Full(Role));
        if (verdict != Verdict.DownUnreachable) return verdict;
        return Judge(view, view.AtLeast(Role), view.AtMost(Role)) == Verdict.DownUnreachable ? verdict : Verdict.DownAll;
    }

    private Verdict Judge(PartitionView view, IEnumerable<Member> ours, IEnumerable<Member> theirs)
    {
        var oldest = ours.Order(Member.AgeOrdering).FirstOrDefault();
        if (oldest == null) return Verdict.DownAll;
        var (here, there) = (view.CountHere(ours), view.CountThere(theirs));
        // Of two members the oldest goes on even alone.
        if (view.IsHere(oldest)) return DownIfAlone && here == 1 && there > 1 ? Verdict.DownReachable : Verdict.DownUnreachable;
        return DownIfAlone && there == 1 && here > 1 ? Verdict.DownUnreachable : Verdict.DownReachable;
    }
}

internal sealed record DownAll() : DowningStrategy((string)null)
{
    public override Verdict Decide(PartitionView view) => Verdict.DownAll;
}

/// <summary>Who is to be downed, from what one node knows.</summary>
internal static class DowningDecision
{
    public static IReadOnlyCollection<UniqueAddress> NodesToDown(DowningStrategy strategy, MembershipState state)
    {
        var members = state.Members.Where(m => m.Status != MemberStatus.Down).ToList();
        var addresses = members.Select(m => m.UniqueAddress).ToHashSet();
        var reachability = state.ReachabilityExcludingDownedObservers.Only(addresses.Contains);
        if (reachability.IsAllReachable) return [];
        var indirect = IndirectlyConnected(reachability, state.Gossip.Seen);
        if (indirect.Count == 0) return Carry(strategy, members, reachability.AllUnreachable.ToHashSet(), addresses);
        // Beside links that are broken between nodes that still reach each other over others, there may be a clean partition.
        var rest = reachability.Where(r => !(indirect.Contains(r.Observer) && indirect.Contains(r.Subject)));
        if (rest.IsAllReachable) return indirect;
        // Who is downed on this side anyway cannot make its majority: what is left here has to win without them.
        var unreachable = rest.AllUnreachable.ToHashSet();
        var remaining = members.Where(m => !indirect.Contains(m.UniqueAddress) || unreachable.Contains(m.UniqueAddress)).ToList();
        return indirect.Union(Carry(strategy, remaining, unreachable, addresses)).ToHashSet();
    }

    /// <summary>
    /// Nodes that somebody finds unreachable and that are not on the other side of a partition nevertheless: they accuse others
    /// themselves, or have seen the latest state. Who is right cannot be told, so the accusers go as well.
    /// </summary>
    private static HashSet<UniqueAddress> IndirectlyConnected(Reachability reachability, IReadOnlySet<UniqueAddress> seen)
    {
        var records = reachability.Records.Where(r => r.Status == ReachabilityStatus.Unreachable).ToList();
        var observers = records.Select(r => r.Observer).ToHashSet();
        var accusing = records.Select(r => r.Subject).Where(observers.Contains).ToHashSet();
        var result = records.Where(r => accusing.Contains(r.Subject) && accusing.Contains(r.Observer))
            .SelectMany(r => new[] { r.Observer, r.Subject }).ToHashSet();
        result.UnionWith(records.Where(r => seen.Contains(r.Subject)).SelectMany(r => new[] { r.Observer, r.Subject }));
        return result;
    }

    private static HashSet<UniqueAddress> Carry(
        DowningStrategy strategy, List<Member> members, HashSet<UniqueAddress> unreachable, HashSet<UniqueAddress> all) =>
        strategy.Decide(new PartitionView(members, unreachable)) switch
        {
            Verdict.DownUnreachable => unreachable,
            Verdict.DownReachable => all.Except(unreachable).ToHashSet(),
            _ => all
        };
}
