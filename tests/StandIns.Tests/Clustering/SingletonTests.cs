using System.Diagnostics;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Cluster.Tools.Singleton.Serialization;
using Akka.Remote.Transport;
using TiKvActors.Tests.Shared;

namespace TiKvActors.StandIns.Tests.Clustering;

public class SingletonTests
{
    private static readonly TimeSpan _margin = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task After_a_crash_the_next_oldest_begins_when_the_removal_margin_is_over()
    {
        var nodes = await StartInOrder(3);
        var life = new Life();
        var proxy = Begin(nodes, life);
        Assert.Equal("0", await proxy.Ask<string>("who", ClusterNode.Patience));
        var removed = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        nodes[1].Cluster.Subscribe(
            nodes[1].System.ActorOf(Props.Create(() => new OnRemoved(removed))), ClusterEvent.InitialStateAsEvents,
            typeof(ClusterEvent.MemberRemoved));
        await nodes[0].Kill();
        await life.Has("start 1");
        Assert.InRange(
            Stopwatch.GetElapsedTime(await removed.Task, life.At("start 1")), _margin - TimeSpan.FromMilliseconds(100),
            ClusterNode.Patience);
        await Answers(proxy, "1");
        await nodes.End();
    }

    [Fact]
    public async Task However_they_leave_there_is_never_more_than_one()
    {
        var nodes = await StartInOrder(4);
        var life = new Life();
        var proxy = Begin(nodes, life);
        Assert.Equal("0", await proxy.Ask<string>("who", ClusterNode.Patience));
        // The next in line leaves with the one that runs it.
        nodes[0].Cluster.Leave(nodes[0].Address);
        nodes[1].Cluster.Leave(nodes[1].Address);
        await life.Has("start 2");
        await Answers(proxy, "2");
        await Task.WhenAll(nodes[0].System.WhenTerminated, nodes[1].System.WhenTerminated).WaitAsync(ClusterNode.Patience);
        // One that leaves without having run it holds nobody up, and the last one stops it before it ends.
        await nodes[2].System.Terminate().WaitAsync(ClusterNode.Patience);
        await life.Has("start 3");
        await nodes[3].System.Terminate().WaitAsync(ClusterNode.Patience);
        await life.Has("stop 3");
        Assert.Equal(1, life.Most);
        await nodes.End();
    }

    [Fact]
    public async Task A_downed_node_stops_its_own()
    {
        var nodes = await StartInOrder(3);
        var life = new Life();
        var proxy = Begin(nodes, life);
        Assert.Equal("0", await proxy.Ask<string>("who", ClusterNode.Patience));
        nodes[2].Cluster.Down(nodes[0].Address);
        await life.Has("stop 0");
        await life.Has("start 1");
        Assert.Equal(1, life.Most);
        await nodes.End();
    }

    [Fact]
    public async Task One_that_stopped_by_itself_is_not_started_again()
    {
        var nodes = await StartInOrder(1);
        var life = new Life();
        var proxy = Begin(nodes, life);
        Assert.Equal("0", await proxy.Ask<string>("who", ClusterNode.Patience));
        proxy.Tell("end");
        await life.Has("stop 0");
        await nodes[0].System.Terminate().WaitAsync(ClusterNode.Patience);
        Assert.Single(life.Lines, line => line == "start 0");
    }

    [Theory]
    [InlineData("", 0, 1, 10)]
    [InlineData("a", -1, 1, 10)]
    [InlineData("a", 0, 0, 10)]
    [InlineData("a", 0, 1, 10_001)]
    public void Settings_that_make_no_sense_are_refused(string name, int margin, int interval, int buffer)
    {
        Assert.ThrowsAny<ArgumentException>(() =>
        {
            _ = new ClusterSingletonManagerSettings(name, null, TimeSpan.FromSeconds(margin), TimeSpan.FromSeconds(interval), false);
            return new ClusterSingletonProxySettings(name, null, TimeSpan.FromSeconds(interval), buffer, false);
        });
    }

    [Fact]
    public async Task Its_messages_come_back_from_their_bytes_and_damaged_ones_are_refused()
    {
        await using var node = ClusterNode.Start();
        _ = ClusterSingletonManagerSettings.Create(node.System);
        var (a, b) = (node.Cluster.SelfUniqueAddress, new UniqueAddress(node.Address, -5));
        object[] messages = [new HandOverToMe(a, b), new HandOverInProgress(b), new HandOverDone(a, true), new HandOverDone(b, false)];
        var serializer = Assert.IsType<ClusterSingletonMessageSerializer>(node.System.Serialization.FindSerializerFor(messages[0]));
        foreach (var message in messages)
            Assert.Equal(message, serializer.FromBinary(serializer.ToBinary(message), serializer.Manifest(message)));
        var random = new Random(Fuzz.Seed);
        Fuzz.Run(random, messages.Select(serializer.ToBinary).ToList(), bytes =>
        {
            try
            {
                serializer.FromBinary(bytes, serializer.Manifest(messages[random.Next(messages.Length)]));
            }
            catch (Exception e) when (e is MalformedFrameException or SerializationException)
            {
                // The refusal that the caller expects.
            }
        });
    }

    /// <summary>The first is the oldest, and so on.</summary>
    private static async Task<ClusterNode[]> StartInOrder(int size)
    {
        const string Hocon =
            "akka.cluster { singleton.hand-over-retry-interval = 100ms, singleton-proxy.singleton-identification-interval = 100ms }";
        var nodes = new ClusterNode[size];
        for (var i = 0; i < size; i++)
        {
            nodes[i] = ClusterNode.Start(Hocon);
            await nodes[i].Cluster.JoinAsync(nodes[0].Address).WaitAsync(ClusterNode.Patience);
        }
        foreach (var node in nodes) await node.SeesUp(size);
        return nodes;
    }

    /// <returns>A proxy on the last node.</returns>
    private static IActorRef Begin(ClusterNode[] nodes, Life life)
    {
        for (var i = 0; i < nodes.Length; i++)
        {
            var name = i.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var settings = ClusterSingletonManagerSettings.Create(nodes[i].System).WithRemovalMargin(_margin);
            nodes[i].System.ActorOf(ClusterSingletonManager.Props(Props.Create(() => new Only(name, life)), "end", settings), "manager");
        }
        return nodes[^1].System.ActorOf(
            ClusterSingletonProxy.Props("/user/manager", ClusterSingletonProxySettings.Create(nodes[^1].System)), "proxy");
    }

    /// <summary>What was on its way to the former one may be lost.</summary>
    private static async Task Answers(IActorRef proxy, string expected)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                Assert.Equal(expected, await proxy.Ask<string>("who", TimeSpan.FromSeconds(1)));
                return;
            }
            catch (AskTimeoutException) when (watch.Elapsed < ClusterNode.Patience)
            {
            }
        }
    }

    /// <summary>What happened to the singleton on all nodes, and how many there were at once.</summary>
    private sealed class Life
    {
        private readonly List<(string Line, long At)> _lines = [];
        private int _running;

        public int Most { get; private set; }

        public IReadOnlyList<string> Lines
        {
            get { lock (_lines) return _lines.ConvertAll(l => l.Line); }
        }

        public void Add(string line, int change)
        {
            lock (_lines)
            {
                _lines.Add((line, Stopwatch.GetTimestamp()));
                _running += change;
                Most = Math.Max(Most, _running);
            }
        }

        public long At(string line)
        {
            lock (_lines) return _lines.Find(l => l.Line == line).At;
        }

        public Task Has(string line) =>
            Eventually.TrueAsync(() => Lines.Contains(line), () => $"'{line}', so far: {string.Join(", ", Lines)}");
    }

    private sealed class Only(string node, Life life) : UntypedActor
    {
        protected override void PreStart() => life.Add("start " + node, 1);

        protected override void PostStop() => life.Add("stop " + node, -1);

        protected override void OnReceive(object message)
        {
            if (message is "end") Context.Stop(Self);
            else Sender.Tell(node);
        }
    }

    private sealed class OnRemoved(TaskCompletionSource<long> removed) : UntypedActor
    {
        protected override void OnReceive(object message) => removed.TrySetResult(Stopwatch.GetTimestamp());
    }
}
