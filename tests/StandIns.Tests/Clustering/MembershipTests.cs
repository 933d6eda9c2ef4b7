using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Membership;
using Akka.Event;
using Akka.Util;

namespace TiKvActors.StandIns.Tests.Clustering;

/// <summary>One node's part, message by message.</summary>
public class MembershipTests
{
    private static readonly UniqueAddress _a = NodeAt("a");
    private static readonly UniqueAddress _b = NodeAt("b");
    private static readonly UniqueAddress _c = NodeAt("c");

    [Fact]
    public void Accusations_by_a_downed_member_change_no_leader()
    {
        var gossip = GossipOf(Up(_a, 1), Up(_b, 2), Up(_c, 3).Copy(MemberStatus.Down))
            .Change(Reachability.Empty.Change(_c, _a, ReachabilityStatus.Unreachable));
        Assert.Equal(_a, new MembershipState(gossip, _a).Leader);
        Assert.Equal(_a, new MembershipState(gossip, _b).Leader);
    }

    [Fact]
    public void A_leaving_member_welcomes_one_who_is_in()
    {
        var (core, output) = Member(_a, GossipOf(Up(_a, 1).Copy(MemberStatus.Leaving), Up(_b, 2)));
        core.Handle(new Join(_b, [], AppVersion.Zero), TimeSpan.Zero, 0);
        core.Handle(new Join(_c, [], AppVersion.Zero), TimeSpan.Zero, 0);
        Assert.Equal(_b.Address, Assert.Single(output.Sent, m => m.Message is Welcome).To);
    }

    [Fact]
    public void Who_was_forgotten_joins_the_others()
    {
        // b let c in and was gone before a heard of it.
        var (c, toOthers) = Member(_c, GossipOf(Up(_a, 1), Up(_b, 2), Akka.Cluster.Member.Create(_c, [], AppVersion.Zero)).ChangedBy(_b));
        c.JoinTick(TimeSpan.FromSeconds(20));
        var join = Assert.Single(toOthers.Sent, m => m.Message is Join && m.To == _a.Address).Message;
        var (a, toC) = Member(_a, GossipOf(Up(_a, 1), Up(_b, 2)).ChangedBy(_a));
        a.Handle(join, TimeSpan.Zero, 0);
        c.Handle(Assert.Single(toC.Sent, m => m.Message is Welcome).Message, TimeSpan.Zero, 0);
        Assert.True(c.State.Gossip.Version.IsAfter(a.State.Gossip.Version));
        a.Handle(Assert.Single(toOthers.Sent, m => m.Message is GossipEnvelope { To: var to } && to == _a).Message, TimeSpan.Zero, 0);
        Assert.True(c.State.Gossip.HasSameContentAs(a.State.Gossip));
    }

    [Fact]
    public void A_removed_incarnation_is_not_let_in_again()
    {
        var (core, output) = Member(_a, GossipOf(Up(_a, 1), Up(_b, 2)).Remove([_b], 0).ChangedBy(_a));
        core.Handle(new Join(_b, [], AppVersion.Zero), TimeSpan.Zero, 0);
        Assert.DoesNotContain(output.Sent, m => m.Message is Welcome);
        Assert.False(core.State.Gossip.Has(_b));
    }

    [Fact]
    public void Gossip_of_strangers_and_about_others_is_ignored()
    {
        var gossip = GossipOf(Up(_a, 1), Up(_b, 2));
        var (core, _) = Member(_a, gossip);
        var before = core.State.Gossip.Version;
        core.Handle(new GossipEnvelope(_c, _a, gossip.Add(Up(_c, 3)).ChangedBy(_c)), TimeSpan.Zero, 0);
        core.Handle(new GossipEnvelope(_b, new UniqueAddress(_a.Address, 77), gossip.ChangedBy(_b)), TimeSpan.Zero, 0);
        core.Handle(new GossipEnvelope(_b, _a, gossip.Remove([_a], 0).ChangedBy(_b)), TimeSpan.Zero, 0);
        Assert.True(core.State.Gossip.Version.IsSameAs(before));
        core.Handle(new GossipEnvelope(_b, _a, core.State.Gossip.ChangedBy(_b)), TimeSpan.Zero, 0);
        Assert.True(core.State.Gossip.Version.IsAfter(before));
    }

    [Fact]
    public void Joining_members_are_weakly_up_while_somebody_is_unreachable()
    {
        var gossip = GossipOf(Up(_a, 1), Up(_b, 2), Akka.Cluster.Member.Create(_c, [], AppVersion.Zero))
            .Change(Reachability.Empty.Change(_a, _b, ReachabilityStatus.Unreachable));
        var (core, _) = Member(_a, gossip);
        core.LeaderTick(TimeSpan.FromSeconds(1), 0);
        core.LeaderTick(TimeSpan.FromSeconds(7), 0);
        Assert.Equal(MemberStatus.Joining, core.State.Gossip.Find(_c).Status);
        core.LeaderTick(TimeSpan.FromSeconds(8), 0);
        Assert.Equal(MemberStatus.WeaklyUp, core.State.Gossip.Find(_c).Status);
    }

    private static UniqueAddress NodeAt(string name) => new(new Address("akka.tcp", "sys", name, 1), name[0]);

    private static Member Up(UniqueAddress node, int number) => Akka.Cluster.Member.Create(node, [], AppVersion.Zero).CopyUp(number);

    private static Gossip GossipOf(params Member[] members) => members.Aggregate(Gossip.Empty, (gossip, member) => gossip.Add(member));

    /// <summary>A node that was welcomed with that state.</summary>
    private static (ClusterMembership Core, Output Output) Member(UniqueAddress self, Gossip gossip)
    {
        var output = new Output();
        var settings = new MembershipSettings
        {
            Rules = new MembershipRules(1, ImmutableDictionary<string, int>.Empty),
            SeedNodeTimeout = TimeSpan.FromSeconds(5),
            RetryUnsuccessfulJoinAfter = TimeSpan.FromSeconds(10),
            WeaklyUpAfter = TimeSpan.FromSeconds(7)
        };
        var core = new ClusterMembership(self, [], AppVersion.Zero, settings, output, new Random(1));
        var host = gossip.Members.Select(m => m.UniqueAddress).FirstOrDefault(n => n != self) ?? _b;
        core.JoinTo(host.Address, TimeSpan.Zero);
        core.Handle(new Welcome(host, gossip), TimeSpan.Zero, 0);
        Assert.True(core.IsMember);
        output.Sent.Clear();
        return (core, output);
    }

    private sealed class Output : IMembershipOutput
    {
        public List<(Address To, IClusterMessage Message)> Sent { get; } = [];

        public void Send(Address to, IClusterMessage message) => Sent.Add((to, message));

        public void Publish(MembershipState state)
        {
        }

        public void ForgetHeartbeats(Address address)
        {
        }

        public void BeginExiting()
        {
        }

        public void ShutDown()
        {
        }

        public void JoiningFailed()
        {
        }

        public void Log(LogLevel level, string message)
        {
        }
    }
}
