using System.Collections.Immutable;

namespace Akka.Cluster.Membership;

/// <summary>
/// What a node knows of the cluster. Two states merge to the same one whatever their order and however often: statuses only go on,
/// a member that was removed leaves a tombstone, and reachability has one writer a row. Every change counts in the changer's
/// entry of the vector clock, so that the same version means the same content; who has seen it is not part of that.
/// </summary>
internal sealed class Gossip
{
    public static readonly Gossip Empty = new(
        ImmutableSortedSet<Member>.Empty, ImmutableHashSet<UniqueAddress>.Empty, Reachability.Empty, VectorClock.Create(),
        ImmutableDictionary<UniqueAddress, long>.Empty);

    public Gossip(
        ImmutableSortedSet<Member> members, ImmutableHashSet<UniqueAddress> seen, Reachability reachability, VectorClock version,
        ImmutableDictionary<UniqueAddress, long> tombstones)
    {
        Members = members;
        Seen = seen;
        Reachability = reachability;
        Version = version;
        Tombstones = tombstones;
    }

    public ImmutableSortedSet<Member> Members { get; }

    /// <summary>The nodes known to have this version.</summary>
    public ImmutableHashSet<UniqueAddress> Seen { get; }

    public Reachability Reachability { get; }

    public VectorClock Version { get; }

    /// <summary>
    /// Removed members, so that an older state does not bring them back, with the time of the removal in Unix milliseconds.
    /// </summary>
    public ImmutableDictionary<UniqueAddress, long> Tombstones { get; }

    public bool IsSingleton => Members.Count == 1;

    public static VectorClock.Node ClockNode(UniqueAddress node) => new($"{node.Address.HostPort()}-{node.Uid}");

    public Member Find(UniqueAddress node) => Members.TryGetValue(Member.Removed(node), out var member) ? member : null;

    public bool Has(UniqueAddress node) => Members.Contains(Member.Removed(node));

    public bool IsSeenBy(UniqueAddress node) => Seen.Contains(node);

    /// <summary>A change of that node's: nobody else has seen it yet.</summary>
    public Gossip ChangedBy(UniqueAddress node) => With(version: Version.Increment(ClockNode(node)), seen: ImmutableHashSet.Create(node));

    public Gossip SeenBy(UniqueAddress node) => With(seen: Seen.Add(node));

    public Gossip NotSeenBy(UniqueAddress node) => With(seen: Seen.Remove(node));

    /// <summary>The same version, known to more.</summary>
    public Gossip MergeSeen(Gossip that) => With(seen: Seen.Union(that.Seen), tombstones: Union(Tombstones, that.Tombstones));

    public Gossip Add(Member member) => With(members: Members.Add(member));

    public Gossip Replace(IEnumerable<Member> changed)
    {
        var members = Members.ToBuilder();
        foreach (var member in changed)
        {
            members.Remove(member);
            members.Add(member);
        }
        return With(members: members.ToImmutable());
    }

    public Gossip Change(Reachability reachability) => With(reachability: reachability);

    /// <param name="now">Unix milliseconds.</param>
    public Gossip Remove(IReadOnlyCollection<UniqueAddress> nodes, long now)
    {
        if (nodes.Count == 0) return this;
        var gone = nodes.ToHashSet();
        return new Gossip(
            Members.Except(gone.Select(Member.Removed)),
            Seen.Except(gone),
            Reachability.Only(node => !gone.Contains(node)),
            gone.Aggregate(Version, (version, node) => version.Prune(ClockNode(node))),
            Tombstones.SetItems(gone.Select(node => KeyValuePair.Create(node, now))));
    }

    /// <summary>Forgets removals before that time.</summary>
    public Gossip PruneTombstones(long before)
    {
        var old = Tombstones.Where(t => t.Value < before).Select(t => t.Key).ToList();
        return old.Count == 0 ? this : With(tombstones: Tombstones.RemoveRange(old));
    }

    /// <param name="isOwnVersion">
    /// Whether the version that comes out stands for this content. It does not if an entry of a removed node, and with it a change
    /// that not everybody has, was pruned: then whoever merged has to count the merge as a change.
    /// </param>
    public Gossip Merge(Gossip that, out bool isOwnVersion)
    {
        var tombstones = Union(Tombstones, that.Tombstones);
        var whole = Version.Merge(that.Version);
        var version = tombstones.Keys.Aggregate(whole, (clock, node) => clock.Prune(ClockNode(node)));
        var members = Members.ToBuilder();
        foreach (var theirs in that.Members)
        {
            if (!Members.TryGetValue(theirs, out var mine))
            {
                members.Add(theirs);
                continue;
            }
            var merged = Member.Merge(mine, theirs);
            if (ReferenceEquals(merged, mine)) continue;
            members.Remove(mine);
            members.Add(merged);
        }
        members.ExceptWith(tombstones.Keys.Select(Member.Removed));
        var all = members.ToImmutable();
        var reachability = Reachability.Merge(that.Reachability, node => all.Contains(Member.Removed(node)));
        var result = new Gossip(all, ImmutableHashSet<UniqueAddress>.Empty, reachability, version, tombstones);
        isOwnVersion = ReferenceEquals(whole, version) || whole.Versions.Count == version.Versions.Count || result.IsContentOf(this)
            || result.IsContentOf(that);
        return result;
    }

    /// <summary>
    /// That state instead of this one, for a member that the others did not know: what it has said itself so far still counts as
    /// said, so that it does not say something else under the same number.
    /// </summary>
    public Gossip ReplaceBy(Gossip that, UniqueAddress self)
    {
        var version = that.Version;
        if (Version.Versions.TryGetValue(ClockNode(self), out var count) && count > version.Versions.GetValueOrDefault(ClockNode(self)))
            version = VectorClock.Create(version.Versions.SetItem(ClockNode(self), count));
        var own = Reachability.Of(Reachability.Rows.Where(row => row.Key == self));
        return new Gossip(that.Members, that.Seen, that.Reachability.Merge(own, that.Has), version, that.Tombstones).ChangedBy(self);
    }

    /// <summary>Whether that version is this one, and stands for the same members and reachability.</summary>
    private bool IsContentOf(Gossip that) => Version.IsSameAs(that.Version) && HasSameContentAs(that);

    public bool HasSameContentAs(Gossip that) =>
        Members.Count == that.Members.Count && Members.Zip(that.Members).All(pair => pair.First.IsSameAs(pair.Second))
            && Reachability.IsSameAs(that.Reachability);

    public override string ToString() =>
        $"Gossip(members = [{string.Join(", ", Members)}], unreachable = [{Reachability}], "
            + $"seen = [{string.Join(", ", Seen.Select(n => n.Address))}], version = {Version})";

    private static ImmutableDictionary<UniqueAddress, long> Union(
        ImmutableDictionary<UniqueAddress, long> a, ImmutableDictionary<UniqueAddress, long> b)
    {
        if (b.IsEmpty || ReferenceEquals(a, b)) return a;
        var union = a.ToBuilder();
        foreach (var (node, time) in b)
            if (!union.TryGetValue(node, out var known) || known < time) union[node] = time;
        return union.ToImmutable();
    }

    private Gossip With(
        ImmutableSortedSet<Member> members = null, ImmutableHashSet<UniqueAddress> seen = null, Reachability reachability = null,
        VectorClock version = null, ImmutableDictionary<UniqueAddress, long> tombstones = null) =>
        new(members ?? Members, seen ?? Seen, reachability ?? Reachability, version ?? Version, tombstones ?? Tombstones);
}
