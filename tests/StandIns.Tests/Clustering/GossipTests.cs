using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Membership;
using Akka.Cluster.Serialization;
using Akka.Remote.Transport;
using Akka.Util;
using FsCheck;
using FsCheck.Fluent;

namespace TiKvActors.StandIns.Tests.Clustering;

public class GossipTests
{
    private const int Replicas = 4;

    private static readonly Config _many = Config.QuickThrowOnFailure.WithMaxTest(500);

    [Fact]
    public void Merging_does_not_depend_on_the_order() => Check.One(_many, Prop.ForAll<byte[]>(steps =>
    {
        var states = Histories(steps);
        return Pairs(states).All(p => IsSame(p.A.Merge(p.B, out _), p.B.Merge(p.A, out _)));
    }));

    [Fact]
    public void Merging_does_not_depend_on_the_grouping() => Check.One(_many, Prop.ForAll<byte[]>(steps =>
    {
        var states = Histories(steps);
        return Pairs(states)
            .All(p => states.All(c => IsSame(p.A.Merge(p.B, out _).Merge(c, out _), p.A.Merge(p.B.Merge(c, out _), out _))));
    }));

    [Fact]
    public void Merging_twice_adds_nothing() => Check.One(_many, Prop.ForAll<byte[]>(steps => Pairs(Histories(steps)).All(p =>
    {
        var merged = p.A.Merge(p.B, out _);
        return IsSame(merged, merged.Merge(p.A, out _)) && IsSame(merged, merged.Merge(p.B, out _))
            && IsSame(merged, merged.Merge(merged, out _));
    })));

    [Fact]
    public void A_removed_member_does_not_come_back() => Check.One(_many, Prop.ForAll<byte[]>(steps =>
        Pairs(Histories(steps)).All(p => p.A.Merge(p.B, out _).Members
            .All(m => !p.A.Tombstones.ContainsKey(m.UniqueAddress) && !p.B.Tombstones.ContainsKey(m.UniqueAddress)))));

    [Fact]
    public void The_newer_of_two_states_is_their_merge() => Check.One(_many, Prop.ForAll<byte[]>(steps =>
        Pairs(Histories(steps)).Where(p => p.A.Version.IsAfter(p.B.Version)).All(p => p.A.Merge(p.B, out _).HasSameContentAs(p.A))));

    [Fact]
    public void The_format_loses_nothing() => Check.One(_many, Prop.ForAll<byte[]>(steps => Histories(steps).All(state =>
    {
        using var to = new WireWriter(64);
        GossipFormat.Write(to, state);
        var from = new WireReader(to.Written.Span);
        var copy = GossipFormat.Read(ref from);
        return from.Remaining == 0 && IsSame(copy, state) && copy.Seen.SetEquals(state.Seen)
            && copy.Members.Zip(state.Members)
                .All(m => m.First.Roles.SetEquals(m.Second.Roles) && m.First.AppVersion == m.Second.AppVersion);
    })));

    // A change of a removed node's that only one side has: the version that is left after pruning would stand for two contents.
    [Fact]
    public void What_pruning_hides_counts_as_a_change()
    {
        var start = Histories([])[0];
        var (leader, gone, third) = (NodeAt(0), NodeAt(1), NodeAt(2));
        var behind = start.ChangedBy(gone);
        var removed = behind.Replace([behind.Find(gone).Copy(MemberStatus.Down)]).Remove([gone], 1).ChangedBy(leader);
        var hidden = behind.Replace([behind.Find(third).Copy(MemberStatus.Leaving)]).ChangedBy(gone);
        var merged = removed.Merge(hidden, out var isOwnVersion);
        Assert.True(merged.Version.IsSameAs(removed.Version));
        Assert.Equal(MemberStatus.Leaving, merged.Find(third).Status);
        Assert.False(isOwnVersion);
        // Where nothing is hidden the removal is simply the newer state.
        removed.Merge(behind, out isOwnVersion);
        Assert.True(isOwnVersion);
    }

    [Fact]
    public void Old_removals_are_forgotten()
    {
        var state = Histories([])[0].Remove([NodeAt(1)], 1000).Remove([NodeAt(2)], 2000);
        Assert.Equal([NodeAt(2)], state.PruneTombstones(1001).Tombstones.Keys);
    }

    [Fact]
    public void A_status_only_goes_on()
    {
        var member = Member.Create(NodeAt(0), [], AppVersion.Zero).CopyUp(1);
        Assert.Throws<InvalidOperationException>(() => member.Copy(MemberStatus.Joining));
        Assert.Throws<InvalidOperationException>(() => member.Copy(MemberStatus.Exiting).Copy(MemberStatus.Leaving));
        Assert.Equal(MemberStatus.Down, member.Copy(MemberStatus.Leaving).Copy(MemberStatus.Down).Status);
    }

    [Fact]
    public void Members_are_ordered_by_address_and_by_age()
    {
        var old = Member.Create(NodeAt(2), [], AppVersion.Zero).CopyUp(1);
        var young = Member.Create(NodeAt(0), [], AppVersion.Zero).CopyUp(2);
        var joining = Member.Create(NodeAt(1), [], AppVersion.Zero);
        Assert.Equal([young, joining, old], new[] { old, young, joining }.Order());
        Assert.Equal([old, young, joining], new[] { joining, young, old }.Order(Member.AgeOrdering));
        Assert.True(old.IsOlderThan(young) && young.IsOlderThan(joining) && !joining.IsOlderThan(old));
    }

    [Theory]
    [InlineData("1.2.3", "1.2.10", -1)]
    [InlineData("1.2", "1.2.0", 0)]
    [InlineData("2.0.0-rc1", "2.0.0", -1)]
    [InlineData("2.0.0-rc1", "2.0.0-rc2", -1)]
    [InlineData("3", "2.9.9", 1)]
    [InlineData("beta", "alpha", 1)]
    public void Versions_of_applications_are_compared(string a, string b, int expected)
    {
        Assert.Equal(expected, Math.Sign(AppVersion.Create(a).CompareTo(AppVersion.Create(b))));
        Assert.Equal(-expected, Math.Sign(AppVersion.Create(b).CompareTo(AppVersion.Create(a))));
        Assert.Equal(expected == 0, AppVersion.Create(a) == AppVersion.Create(b));
        if (expected == 0) Assert.Equal(AppVersion.Create(a).GetHashCode(), AppVersion.Create(b).GetHashCode());
    }

    private static UniqueAddress NodeAt(int index) => new(new Address("akka.tcp", "sys", "host", 2000 + index), index + 1);

    /// <summary>Replicas that start with the same state and then change theirs, and hear of each other, as the bytes say.</summary>
    private static List<Gossip> Histories(byte[] steps)
    {
        var members = Enumerable.Range(0, Replicas)
            .Select(i => Member.Create(NodeAt(i), [$"role{i % 2}"], AppVersion.Create($"1.{i}")).CopyUp(i + 1));
        var start = members.Aggregate(Gossip.Empty, (gossip, member) => gossip.Add(member)).ChangedBy(NodeAt(0));
        var states = Enumerable.Repeat(start, Replicas).ToList();
        var joined = Replicas;
        for (var i = 0; i + 1 < steps.Length; i += 2)
        {
            var (who, verb, what) = (steps[i] % Replicas, steps[i] / Replicas % 6, steps[i + 1]);
            var (self, state) = (NodeAt(who), states[who]);
            var member = state.Members[what % state.Members.Count];
            switch (verb)
            {
                case 0:
                    var merged = state.Merge(states[what % Replicas], out var isOwnVersion);
                    // A node does not take a state without itself: with its entry of the clock pruned it would count from one again.
                    if (merged.Has(self)) states[who] = isOwnVersion ? merged : merged.ChangedBy(self);
                    continue;
                case 1 when member.Status != MemberStatus.Down:
                    state = state.Replace([member.Copy(MemberStatus.Down)]);
                    break;
                case 2 when member.Status is MemberStatus.Up or MemberStatus.Joining:
                    state = state.Replace([member.Copy(MemberStatus.Leaving)]);
                    break;
                case 3:
                    state = state.Change(state.Reachability.Change(self, member.UniqueAddress, (ReachabilityStatus)(what / 16 % 2)));
                    break;
                case 4 when member.Status == MemberStatus.Down && member.UniqueAddress != self:
                    state = state.Remove([member.UniqueAddress], what);
                    break;
                case 5:
                    state = state.Add(Member.Create(NodeAt(joined++), ["new"], AppVersion.Zero));
                    break;
                default:
                    continue;
            }
            states[who] = state.ChangedBy(self);
        }
        return states;
    }

    private static IEnumerable<(Gossip A, Gossip B)> Pairs(List<Gossip> states) => states.SelectMany(a => states.Select(b => (a, b)));

    private static bool IsSame(Gossip a, Gossip b) =>
        a.HasSameContentAs(b) && a.Version.IsSameAs(b.Version) && a.Tombstones.Keys.ToHashSet().SetEquals(b.Tombstones.Keys)
            && a.Tombstones.All(t => b.Tombstones[t.Key] == t.Value);
}
