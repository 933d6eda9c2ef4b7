using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Membership;
using Akka.Util;
using FsCheck;
using FsCheck.Fluent;

namespace TiKvActors.StandIns.Tests.Clustering;

public class HeartbeatRingTests
{
    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 9)]
    [InlineData(10, 3)]
    [InlineData(40, 5)]
    public void Everybody_is_watched_by_as_many_as_is_wanted(int size, int watchers)
    {
        var receivers = Enumerable.Range(0, size).SelectMany(i => Receivers(i, size, watchers, Reachability.Empty)).GroupBy(n => n)
            .ToDictionary(g => g.Key, g => g.Count());
        for (var i = 0; i < size; i++) Assert.Equal(Math.Min(watchers, size - 1), receivers.GetValueOrDefault(NodeAt(i)));
    }

    // Behind an unreachable one is another one to be watched, and who was found unreachable is asked on.
    [Fact]
    public void Unreachable_ones_do_not_count() => Check.One(Config.QuickThrowOnFailure, Prop.ForAll<byte[]>(gone =>
    {
        const int Size = 12;
        var subjects = gone.Select(g => g % Size).Where(g => g != 0).ToHashSet();
        var reachability = subjects.Aggregate(Reachability.Empty, (r, g) => r.Change(NodeAt(0), NodeAt(g), ReachabilityStatus.Unreachable));
        var receivers = Receivers(0, Size, 3, reachability);
        return subjects.All(g => receivers.Contains(NodeAt(g)))
            && receivers.Count(n => reachability.IsReachable(n)) == Math.Min(3, Size - 1 - subjects.Count);
    }));

    private static ImmutableHashSet<UniqueAddress> Receivers(int self, int size, int watchers, Reachability reachability)
    {
        var members = Enumerable.Range(0, size).Select(i => Member.Create(NodeAt(i), [], AppVersion.Zero).CopyUp(i + 1))
            .ToImmutableSortedSet();
        var ring = new HeartbeatRing(NodeAt(self), watchers);
        ring.Update(new MembershipState(
            new Gossip(members, [], reachability, VectorClock.Create(), ImmutableDictionary<UniqueAddress, long>.Empty), NodeAt(self)));
        return ring.Receivers;
    }

    private static UniqueAddress NodeAt(int index) => new(new Address("akka.tcp", "sys", "host", 3000 + index), index * 7919);
}
