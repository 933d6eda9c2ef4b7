using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Membership;
using Akka.Cluster.SBR;
using Akka.Util;

namespace TiKvActors.StandIns.Tests.Clustering;

/// <summary>Which side goes on, written as members "name:status:role", the oldest first, in the order of addresses by name.</summary>
public class DowningTests
{
    [Theory]
    [InlineData("a b c", "c", "c")]
    [InlineData("a b c", "b c", "a")]
    [InlineData("a b", "b", "b")]
    [InlineData("a b", "a", "b")]
    [InlineData("a b c d", "c d", "c d")]
    [InlineData("a b c d", "a d", "b c")]
    // Joining ones do not count here, but there they might: then nobody can be sure.
    [InlineData("a b c:Joining d:Joining", "b c d", "a b c d")]
    // Leaving ones count, but there they may be gone.
    [InlineData("a b:Leaving c", "c", "c")]
    [InlineData("b:Leaving a c", "c", "c")]
    [InlineData("a:Leaving b:Leaving c", "c", "a b c")]
    public void Keep_majority(string members, string unreachable, string expected) =>
        AssertDowned(new KeepMajority(null), members, unreachable, expected);

    [Theory]
    [InlineData("a::pd b::pd c::store d::store e::pd", "e c d", "c d e")]
    [InlineData("a::store b::store c::store d::pd", "d", "a b c")]
    [InlineData("a::pd b::client c::client", "b c", "b c")]
    [InlineData("a b", "b", "a b")]
    public void Keep_majority_of_a_role(string members, string unreachable, string expected) =>
        AssertDowned(new KeepMajority("pd"), members, unreachable, expected);

    [Theory]
    [InlineData(2, "a b c", "c", "c")]
    [InlineData(2, "a b c", "b c", "a")]
    [InlineData(3, "a b c", "c", "a b")]
    [InlineData(2, "a b c d", "d", "a b c d")]
    public void Static_quorum(int size, string members, string unreachable, string expected) =>
        AssertDowned(new StaticQuorum(size, null), members, unreachable, expected);

    [Theory]
    [InlineData(true, "a b c", "c", "c")]
    [InlineData(true, "a b c", "a", "a")]
    [InlineData(true, "a b c", "b c", "a")]
    [InlineData(false, "a b c", "b c", "b c")]
    [InlineData(true, "c a b", "a b", "c")]
    [InlineData(true, "a b", "b", "b")]
    [InlineData(true, "a b", "a", "b")]
    [InlineData(true, "a b c d", "a b", "c d")]
    public void Keep_oldest(bool downIfAlone, string members, string unreachable, string expected) =>
        AssertDowned(new KeepOldest(downIfAlone, null), members, unreachable, expected);

    [Fact]
    public void Down_all_downs_all() => AssertDowned(new DownAll(), "a b c", "c", "a b c");

    [Fact]
    public void Whoever_accuses_and_is_accused_goes_and_so_does_its_counterpart()
    {
        var state = State("a b c d e", [("b", "d"), ("d", "b")], []);
        Assert.Equal(["b", "d"], Names(DowningDecision.NodesToDown(new KeepMajority(null), state)));
    }

    [Fact]
    public void Whoever_has_seen_the_latest_state_is_not_beyond_a_partition()
    {
        var state = State("a b c d e", [("b", "d")], ["d"]);
        Assert.Equal(["b", "d"], Names(DowningDecision.NodesToDown(new KeepMajority(null), state)));
    }

    [Fact]
    public void Broken_links_and_a_partition_are_told_apart()
    {
        var state = State("a b c d e f g", [("b", "d"), ("d", "b"), ("a", "f"), ("a", "g"), ("c", "f"), ("c", "g")], []);
        Assert.Equal(["b", "d", "f", "g"], Names(DowningDecision.NodesToDown(new KeepMajority(null), state)));
    }

    // Alone it would go on beside the two, who know of no break and have downed the others already.
    [Fact]
    public void Who_is_left_over_by_broken_links_does_not_win_with_those_that_go()
    {
        var state = State(
            "a b c d e",
            [("b", "a"), ("b", "e"), ("c", "a"), ("c", "e"), ("d", "a"), ("d", "e"), ("a", "c"), ("a", "d"), ("e", "c"), ("e", "d")], [],
            self: "b");
        Assert.Equal(["a", "b", "c", "d", "e"], Names(DowningDecision.NodesToDown(new KeepMajority(null), state)));
    }

    [Fact]
    public void A_decision_waits_until_the_picture_has_not_changed_for_a_while()
    {
        var watch = new StabilityWatch(new KeepMajority(null), Seconds(10), TimeSpan.Zero);
        watch.Update(State("a b c d e", [], []), Seconds(0));
        Assert.Empty(watch.Decide(Seconds(100)));
        watch.Update(State("a b c d e", [("a", "e")], []), Seconds(100));
        Assert.Empty(watch.Decide(Seconds(109)));
        watch.Update(State("a b c d e", [("a", "e"), ("a", "d")], []), Seconds(109));
        Assert.Empty(watch.Decide(Seconds(118)));
        Assert.Equal(["d", "e"], Names(watch.Decide(Seconds(119))));
        watch.Update(State("a b c d:Down e:Down", [("a", "e"), ("a", "d")], []), Seconds(120));
        Assert.Empty(watch.Decide(Seconds(200)));
    }

    [Fact]
    public void Only_the_leader_of_a_side_decides()
    {
        var watch = new StabilityWatch(new KeepMajority(null), Seconds(1), TimeSpan.Zero);
        watch.Update(State("a b c", [("b", "c")], [], self: "b"), Seconds(0));
        Assert.Empty(watch.Decide(Seconds(100)));
    }

    [Fact]
    public void Who_never_comes_to_rest_goes_down_where_that_is_wanted()
    {
        foreach (var limit in new[] { TimeSpan.Zero, Seconds(5) })
        {
            var watch = new StabilityWatch(new KeepMajority(null), Seconds(10), limit);
            var downed = new List<UniqueAddress>();
            for (var second = 0; second <= 16; second++)
            {
                watch.Update(State("a b c", [(second % 2 == 0 ? "a" : "b", "c")], [], self: "b"), Seconds(second));
                downed.AddRange(watch.Decide(Seconds(second)));
            }
            Assert.Equal(limit == TimeSpan.Zero ? [] : ["a", "b", "c"], Names(downed));
        }
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    private static void AssertDowned(DowningStrategy strategy, string members, string unreachable, string expected)
    {
        // Everybody here accuses everybody there.
        var there = unreachable.Split(' ');
        var here = members.Split(' ').Select(m => m.Split(':')[0]).Except(there).ToList();
        var state = State(members, here.SelectMany(h => there.Select(t => (h, t))), [], self: here.Min());
        Assert.Equal(expected.Split(' '), Names(DowningDecision.NodesToDown(strategy, state)));
    }

    private static MembershipState State(
        string members, IEnumerable<(string Observer, string Subject)> records, IEnumerable<string> seen, string self = "a")
    {
        var age = 0;
        var all = members.Split(' ').Select(text => text.Split(':')).Select(parts => Member.Create(
            NodeOf(parts[0]),
            parts.Length > 1 && parts[1].Length > 0 ? Enum.Parse<MemberStatus>(parts[1]) : MemberStatus.Up,
            ++age,
            parts.Length > 2 ? [parts[2]] : [],
            AppVersion.Zero));
        var reachability = records.Aggregate(
            Reachability.Empty, (r, record) => r.Change(NodeOf(record.Observer), NodeOf(record.Subject), ReachabilityStatus.Unreachable));
        var gossip = new Gossip(
            all.ToImmutableSortedSet(), seen.Select(NodeOf).ToImmutableHashSet(), reachability, VectorClock.Create(),
            ImmutableDictionary<UniqueAddress, long>.Empty);
        return new MembershipState(gossip, NodeOf(self));
    }

    private static UniqueAddress NodeOf(string name) => new(new Address("akka.tcp", "sys", name, 1), 1);

    private static IEnumerable<string> Names(IEnumerable<UniqueAddress> nodes) => nodes.Select(n => n.Address.Host).Distinct().Order();
}
