using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace TiKvActors.StandIns.Tests.Clustering;

/// <summary>What the recorded scenarios do not show: actor systems in one process that crash, come back, and are misconfigured.</summary>
public class ClusterTests
{
    [Fact]
    public async Task A_crashed_member_is_downed_and_its_watchers_hear_of_it()
    {
        var nodes = await ClusterNode.StartCluster(3);
        var terminated = new TaskCompletionSource();
        var watched = nodes[2].System.ActorOf(Props.Create(() => new Echo()), "watched");
        nodes[0].System.ActorOf(Props.Create(() => new Watcher(nodes[2].Cluster.RemotePathOf(watched), terminated)));
        await nodes[2].Kill();
        await nodes[0].SeesUp(2);
        await nodes[1].SeesUp(2);
        await terminated.Task.WaitAsync(ClusterNode.Patience);
        var heard = nodes[0].Events.Where(e => e is ClusterEvent.IMemberEvent m && m.Member.Address == nodes[2].Address)
            .Select(e => e.GetType().Name);
        Assert.Equal(["MemberUp", "MemberDowned", "MemberRemoved"], heard.Where(n => n != "MemberJoined"));
        // The minority of one downs itself.
        await nodes[2].System.WhenTerminated.WaitAsync(ClusterNode.Patience);
        Assert.IsType<CoordinatedShutdown.ClusterDowningReason>(CoordinatedShutdown.Get(nodes[2].System).ShutdownReason);
        await nodes.End();
    }

    [Fact]
    public async Task A_new_incarnation_at_the_same_address_takes_the_old_ones_place()
    {
        var nodes = await ClusterNode.StartCluster(3);
        var (address, uid) = (nodes[2].Address, nodes[2].Cluster.SelfUniqueAddress.Uid);
        await nodes[2].Kill();
        await nodes[2].DisposeAsync();
        // Nobody has noticed yet: it is the join that tells.
        nodes[2] = ClusterNode.Start(port: address.Port.Value);
        Assert.Equal(address, nodes[2].Address);
        await nodes[2].Cluster.JoinSeedNodesAsync([nodes[0].Address, nodes[1].Address]).WaitAsync(ClusterNode.Patience);
        foreach (var node in nodes) await node.SeesUp(3);
        foreach (var node in nodes) Assert.DoesNotContain(node.Cluster.State.Members, m => m.UniqueAddress.Uid == uid);
        await nodes.End();
    }

    [Fact]
    public async Task The_first_seed_node_makes_the_cluster_if_the_others_know_none()
    {
        var ports = Enumerable.Range(0, 3).Select(_ => ClusterNode.Start()).ToArray();
        var seeds = ports.Select(n => n.Address).ToList();
        await ports.End();
        var nodes = new ClusterNode[3];
        // The others wait for the first one.
        foreach (var i in new[] { 2, 1, 0 })
            nodes[i] = ClusterNode.Start(
                $"akka.cluster.seed-nodes = [{string.Join(", ", seeds.Select(s => $"\"{s}\""))}]", seeds[i].Port.Value);
        foreach (var node in nodes) await node.SeesUp(3);
        Assert.True(nodes[0].Cluster.SelfMember.IsOlderThan(nodes[1].Cluster.SelfMember));

        // It does not make another one when it comes back.
        await nodes[0].System.Terminate().WaitAsync(ClusterNode.Patience);
        nodes[0] = ClusterNode.Start(
            $"akka.cluster.seed-nodes = [{string.Join(", ", seeds.Select(s => $"\"{s}\""))}]", seeds[0].Port.Value);
        foreach (var node in nodes) await node.SeesUp(3);
        await nodes.End();
    }

    [Fact]
    public async Task Without_any_seed_node_joining_is_given_up_where_that_is_wanted()
    {
        var node = ClusterNode.Start(
            "akka.cluster { seed-nodes = [\"akka.tcp://members@127.0.0.1:1\"], shutdown-after-unsuccessful-join-seed-nodes = 500ms }");
        await node.System.WhenTerminated.WaitAsync(ClusterNode.Patience);
        Assert.IsType<CoordinatedShutdown.ClusterJoinUnsuccessfulReason>(CoordinatedShutdown.Get(node.System).ShutdownReason);
    }

    [Fact]
    public async Task A_join_that_is_waited_for_fails_with_the_nodes_end()
    {
        var node = ClusterNode.Start();
        var join = node.Cluster.JoinAsync(Address.Parse("akka.tcp://members@127.0.0.1:1"));
        using var patience = new CancellationTokenSource(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => node.Cluster.JoinAsync(Address.Parse("akka.tcp://members@127.0.0.1:1"), patience.Token));
        await node.System.Terminate().WaitAsync(ClusterNode.Patience);
        await Assert.ThrowsAsync<ClusterJoinFailedException>(() => join.WaitAsync(ClusterNode.Patience));
    }

    [Fact]
    public async Task A_system_of_another_name_is_not_let_in()
    {
        var (member, stranger) = (ClusterNode.Start(), ClusterNode.Start(name: "strangers"));
        await member.Cluster.JoinAsync(member.Address).WaitAsync(ClusterNode.Patience);
        var warned = new TaskCompletionSource<string>();
        stranger.System.EventStream.Subscribe(stranger.System.ActorOf(Props.Create(() => new OnWarning(warned))), typeof(Warning));
        stranger.System.EventStream.SetLogLevel(LogLevel.WarningLevel);
        stranger.Cluster.Join(member.Address);
        var text = await warned.Task.WaitAsync(ClusterNode.Patience);
        Assert.Contains("members", text);
        Assert.Contains("strangers", text);
        Assert.Single(member.Cluster.State.Members);
        await new[] { member, stranger }.End();
    }

    [Fact]
    public async Task A_detector_of_ones_own_is_used_and_may_never_suspect()
    {
        var nodes = await ClusterNode.StartCluster(
            2, $"akka.cluster.failure-detector.implementation-class = \"{typeof(Trusting).AssemblyQualifiedName}\"");
        await nodes[1].Kill();
        await Eventually.TrueAsync(() => Trusting.Asked > 100, () => $"the detector to be asked, was {Trusting.Asked} times");
        Assert.Empty(nodes[0].Cluster.State.Unreachable);
        await nodes.End();
    }

    [Theory]
    [InlineData("akka.cluster.gossip-interval = 0s", "gossip-interval")]
    [InlineData("akka.cluster.min-nr-of-members = 0", "min-nr-of-members")]
    [InlineData("akka.cluster.seed-nodes = [\"nonsense\"]", "nonsense")]
    [InlineData("akka.cluster.downing-provider-class = \"No.Such, Type\"", "No.Such")]
    [InlineData("akka.cluster.failure-detector.implementation-class = \"No.Such, Type\"", "No.Such")]
    [InlineData("akka.cluster.split-brain-resolver.active-strategy = hope", "hope")]
    [InlineData("akka.cluster.split-brain-resolver { active-strategy = static-quorum }", "quorum-size")]
    public void Nonsense_in_the_configuration_is_named(string hocon, string named)
    {
        var e = Assert.ThrowsAny<Exception>(() => ClusterNode.Start(hocon));
        Assert.Contains(named, e.ToString());
        Assert.IsType<ConfigurationException>(e.GetBaseException());
    }

    [Fact]
    public void Without_its_provider_there_is_no_cluster()
    {
        using var system = ActorSystem.Create(
            "plain", "akka.loglevel = OFF\nakka.stdout-loglevel = OFF\nakka.coordinated-shutdown.run-by-clr-shutdown-hook = off");
        Assert.Throws<ConfigurationException>(() => Cluster.Get(system));
    }

    [Fact]
    public async Task Only_events_of_the_cluster_can_be_subscribed_to()
    {
        var node = ClusterNode.Start();
        Assert.Throws<ArgumentException>(() => node.Cluster.Subscribe(ActorRefs.Nobody));
        Assert.Throws<ArgumentException>(() => node.Cluster.Subscribe(ActorRefs.Nobody, typeof(string)));
        await node.DisposeAsync();
    }

    [Fact]
    public async Task Every_message_between_nodes_survives_its_serializer()
    {
        // Local messages go through it as well here.
        var nodes = await ClusterNode.StartCluster(2, "akka.actor.serialize-messages = on");
        await nodes[1].Cluster.LeaveAsync().WaitAsync(ClusterNode.Patience);
        await nodes[0].SeesUp(1);
        await nodes.End();
    }

    [Fact]
    public async Task A_member_that_is_downed_ends_its_system()
    {
        var nodes = await ClusterNode.StartCluster(3);
        nodes[0].Cluster.Down(nodes[2].Address);
        await nodes[0].SeesUp(2);
        await nodes[2].System.WhenTerminated.WaitAsync(ClusterNode.Patience);
        Assert.True(nodes[2].Cluster.IsTerminated);
        Assert.Contains(nodes[2].Events, e => e is ClusterEvent.MemberRemoved removed && removed.Member.Address == nodes[2].Address);
        await nodes.End();
    }

    private sealed class Echo : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(message);
    }

    private sealed class Watcher : UntypedActor
    {
        private readonly TaskCompletionSource _terminated;

        public Watcher(ActorPath path, TaskCompletionSource terminated)
        {
            _terminated = terminated;
            Context.Watch(((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(path));
        }

        protected override void OnReceive(object message)
        {
            if (message is Terminated) _terminated.TrySetResult();
        }
    }

    private sealed class OnWarning(TaskCompletionSource<string> warned) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is Warning warning && warning.Message.ToString().Contains("members"))
                warned.TrySetResult(warning.Message.ToString());
        }
    }

    public sealed class Trusting : FailureDetector
    {
        private static int _asked;

        public Trusting(Config config, EventStream events)
        {
            Assert.NotNull(config);
            Assert.NotNull(events);
        }

        public static int Asked => _asked;

        public override bool IsAvailable
        {
            get
            {
                Interlocked.Increment(ref _asked);
                return true;
            }
        }

        public override bool IsMonitoring => true;

        public override void HeartBeat()
        {
        }
    }
}
