using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Membership;
using Akka.Cluster.SBR;
using Akka.Event;
using Akka.Util;

namespace TiKvActors.StandIns.Tests.Clustering;

/// <summary>
/// Whole clusters of the real membership core on one thread, in virtual time, from one random number generator: messages get lost,
/// repeated, late and out of order, links break in one direction or both, nodes stop for a while, crash, leave, and come back at
/// the same address as another incarnation. After every step it is checked that the same version means the same content, and that
/// no two leaders who count each other among the members are both sure of everybody's agreement.
/// </summary>
internal sealed class SimulatedCluster
{
    private static readonly TimeSpan _acceptablePause = TimeSpan.FromSeconds(2);

    private readonly Random _random;
    private readonly PriorityQueue<Action, (TimeSpan Time, long Order)> _events = new();
    private readonly Node[] _nodes;
    private readonly HashSet<(int From, int To)> _cut = [];
    private readonly Dictionary<string, string> _contents = new();
    private readonly DowningStrategy _strategy;
    private readonly List<string> _trace = [];
    private long _order;
    private int _lastUid;

    public SimulatedCluster(int seed, int nodes, DowningStrategy strategy)
    {
        _random = new Random(seed);
        _strategy = strategy;
        _nodes = Enumerable.Range(0, nodes).Select(i => new Node(this, i)).ToArray();
    }

    public TimeSpan Now { get; private set; }

    /// <summary>The chance that a message is lost.</summary>
    public double Loss { get; set; }

    public double Repetition { get; set; }

    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(20);

    public int Size => _nodes.Length;

    /// <summary>Every node that was downed, as often as it was.</summary>
    public List<int> Downed { get; } = [];

    public int Restarts { get; private set; }

    public IReadOnlyList<string> Trace => _trace;

    public IEnumerable<int> Living => _nodes.Where(n => n.IsAlive).Select(n => n.Index);

    public IEnumerable<int> Members => _nodes.Where(n => n.IsAlive && n.Core.IsMember).Select(n => n.Index);

    public ClusterMembership Core(int node) => _nodes[node].Core;

    public bool IsAlive(int node) => _nodes[node].IsAlive;

    public void Start(int node) => _nodes[node].Start();

    public void Crash(int node)
    {
        Note($"{node} crashes");
        _nodes[node].Stop();
    }

    /// <summary>Nothing happens at the node for a while; then everything that has come meanwhile.</summary>
    public void Pause(int node, TimeSpan time)
    {
        Note($"{node} stops for {time}");
        _nodes[node].PausedUntil = Now + time;
    }

    public void Leave(int node)
    {
        Note($"{node} leaves");
        _nodes[node].Core.Leave(_nodes[node].Address);
    }

    public void Cut(int from, int to) => _cut.Add((from, to));

    public void Partition(IReadOnlyCollection<int> side)
    {
        Note($"{string.Join(",", side)} are cut off");
        foreach (var a in side)
            foreach (var b in Enumerable.Range(0, Size).Except(side))
            {
                Cut(a, b);
                Cut(b, a);
            }
    }

    /// <summary>Whether there are nodes that do not reach each other.</summary>
    public bool IsTorn => _cut.Count > 0 || _nodes.Any(n => n.PausedUntil > Now);

    public void Heal()
    {
        Note("the network is whole");
        _cut.Clear();
    }

    public void Run(TimeSpan time)
    {
        var end = Now + time;
        while (_events.TryPeek(out _, out var next) && next.Time <= end)
        {
            var action = _events.Dequeue();
            Now = next.Time;
            action();
        }
        Now = end;
    }

    public bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        for (var end = Now + limit; Now < end;)
        {
            if (condition()) return true;
            Run(TimeSpan.FromMilliseconds(100));
        }
        return condition();
    }

    /// <summary>Everybody is up, in everybody's eyes, at one version, with one leader.</summary>
    public bool IsWhole()
    {
        var first = _nodes[0].Core;
        if (first == null) return false;
        foreach (var node in _nodes)
        {
            if (!node.IsAlive || !node.Core.IsMember || !node.Core.IsConverged) return false;
            var gossip = node.Core.State.Gossip;
            if (gossip.Members.Count != Size || !gossip.Reachability.IsAllReachable || !gossip.Version.IsSameAs(first.State.Gossip.Version))
                return false;
            if (gossip.Members.Any(m => m.Status != MemberStatus.Up)) return false;
        }
        return _nodes.Count(n => n.Core.State.IsLeader) == 1;
    }

    /// <summary>What happened, and what came of it.</summary>
    public string Describe() =>
        string.Join("\n", _trace.Concat(_nodes.Select(n => $"{n.Index}: {(n.IsAlive ? n.Core.State.Gossip : "dead")}")));

    public void Note(string what) => _trace.Add($"{Now} {what}");

    public void At(TimeSpan delay, Action action) => _events.Enqueue(action, (Now + delay, ++_order));

    private TimeSpan Between(double least, double most) => TimeSpan.FromMilliseconds(least + _random.NextDouble() * (most - least));

    /// <summary>Only who finds no cluster anywhere may make one; how it finds that out is the application's business.</summary>
    private bool IsFirst(Node node) => !_nodes.Any(n => n.IsAlive && (n.Core.IsMember || n.Index < node.Index));

    private void Check(Node changed)
    {
        var gossip = changed.Core.State.Gossip;
        var content =
            $"{string.Join(";", gossip.Members)} {string.Join(";", gossip.Reachability.Records.Select(r => r.ToString()).Order())}";
        var version = gossip.Version.ToString();
        if (_contents.TryGetValue(version, out var known))
            Assert.True(known == content, $"One version, two contents at {Now}, {version}:\n{known}\n{content}");
        else _contents[version] = content;
        if (!DecidesAlone(changed)) return;
        foreach (var other in _nodes)
        {
            if (other == changed || !other.IsAlive || !DecidesAlone(other)) continue;
            Assert.False(
                Counts(changed, other) && Counts(other, changed),
                $"Two leaders at {Now}: {changed.Core.State.Gossip}\n{other.Core.State.Gossip}");
        }
    }

    /// <summary>Where all are exiting each may lead; there is nothing to be decided but who is gone already.</summary>
    private static bool DecidesAlone(Node node) =>
        node.Core.State is { IsLeader: true, SelfMember: { Status: not MemberStatus.Exiting } } && node.Core.IsConverged;

    private static bool Counts(Node judge, Node judged) =>
        judge.Core.State.Gossip.Find(judged.Core.State.Self) is { Status: not MemberStatus.Down };

    private sealed class Node : IMembershipOutput
    {
        private readonly SimulatedCluster _cluster;
        private readonly Dictionary<UniqueAddress, TimeSpan> _heard = new();
        private StabilityWatch _watch;
        private HeartbeatRing _ring;

        public Node(SimulatedCluster cluster, int index)
        {
            _cluster = cluster;
            Index = index;
            Address = new Address("akka.tcp", "sim", "host", 1000 + index);
        }

        public int Index { get; }

        public Address Address { get; }

        public ClusterMembership Core { get; private set; }

        public bool IsAlive { get; private set; }

        public TimeSpan PausedUntil { get; set; }

        private UniqueAddress Self => Core.State.Self;

        public void Start()
        {
            if (IsAlive) return;
            var self = new UniqueAddress(Address, ++_cluster._lastUid);
            _cluster.Note($"{Index} starts as {self.Uid}");
            var settings = new MembershipSettings
            {
                Rules = new MembershipRules(1, ImmutableDictionary<string, int>.Empty),
                SeedNodeTimeout = TimeSpan.FromSeconds(2),
                RetryUnsuccessfulJoinAfter = TimeSpan.FromSeconds(3),
                WeaklyUpAfter = TimeSpan.FromSeconds(3)
            };
            Core = new ClusterMembership(self, ["r" + Index % 2], AppVersion.Zero, settings, this, _cluster._random);
            _watch = new StabilityWatch(_cluster._strategy, TimeSpan.FromSeconds(4), TimeSpan.Zero);
            _ring = new HeartbeatRing(self, 3);
            _heard.Clear();
            IsAlive = true;
            PausedUntil = TimeSpan.Zero;
            var core = Core;
            Every(core, 200, () => core.GossipTick());
            Every(core, 200, () => core.LeaderTick(_cluster.Now, 0));
            Every(core, 200, () => core.Observe(IsAvailable));
            Every(core, 200, Join);
            Every(core, 300, SendHeartbeats);
            Every(core, 500, Decide);
            if (_cluster.IsFirst(this)) core.JoinTo(Address, _cluster.Now);
            else
                core.JoinSeedNodes(
                    _cluster._nodes.Where(n => n != this).Select(n => n.Address).Append(Address).ToImmutableList(), _cluster.Now);
            AfterStep();
        }

        public void Stop() => IsAlive = false;

        public void Send(Address to, IClusterMessage message)
        {
            var target = _cluster._nodes.Single(n => n.Address == to);
            var (sender, core) = (Self, Core);
            if (_cluster._random.NextDouble() < _cluster.Loss || _cluster._cut.Contains((Index, target.Index))) return;
            for (var copies = _cluster._random.NextDouble() < _cluster.Repetition ? 2 : 1; copies > 0; copies--)
                _cluster.At(_cluster.Between(1, _cluster.Delay.TotalMilliseconds), () => target.Receive(sender, core, message));
        }

        public void Publish(MembershipState state)
        {
            _watch.Update(state, _cluster.Now);
            foreach (var node in _ring.Update(state)) _heard.Remove(node);
        }

        public void ForgetHeartbeats(Address address)
        {
            foreach (var node in _heard.Keys.Where(n => n.Address == address).ToList()) _heard.Remove(node);
        }

        public void BeginExiting()
        {
            var core = Core;
            _cluster.At(_cluster.Between(10, 3000), () => OnThis(core, core.ExitingCompleted));
        }

        public void ShutDown()
        {
            var downed = Core.State.SelfMember?.Status == MemberStatus.Down;
            if (downed) _cluster.Downed.Add(Index);
            _cluster.Note($"{Index} ends{(downed ? ", downed" : "")}");
            IsAlive = false;
            RestartLater();
        }

        public void JoiningFailed() => throw new InvalidOperationException("was not configured");

        public void Log(LogLevel level, string message) => _cluster.Note($"{Index}: {message}");

        public void RestartLater()
        {
            _cluster.Restarts++;
            _cluster.At(_cluster.Between(100, 4000), Start);
        }

        private void StartAnew(ClusterMembership quarantined)
        {
            if (Core != quarantined || !IsAlive) return;
            _cluster.Note($"{Index} hears that it is quarantined");
            Stop();
            RestartLater();
        }

        private void Receive(UniqueAddress sender, ClusterMembership from, IClusterMessage message)
        {
            if (!IsAlive) return;
            // What remoting's quarantine does after a removal. Who was removed before it knew that it was let in has to be started anew.
            var isQuarantined = Core.State.Gossip.Tombstones.ContainsKey(sender);
            if (isQuarantined && !from.IsMember && !from.HasEnded) _cluster._nodes.Single(n => n.Address == sender.Address).StartAnew(from);
            if (isQuarantined || from.State.Gossip.Tombstones.ContainsKey(Self)) return;
            OnThis(Core, () =>
            {
                switch (message)
                {
                    case Heartbeat:
                        Send(sender.Address, new HeartbeatRsp(Self, 0));
                        break;
                    case HeartbeatRsp response:
                        if (_ring.Receivers.Contains(response.From)) _heard[response.From] = _cluster.Now;
                        break;
                    default:
                        Core.Handle(message, _cluster.Now, 0);
                        break;
                }
            });
        }

        private void Join()
        {
            if (_cluster.IsFirst(this)) Core.JoinTo(Address, _cluster.Now);
            else Core.JoinTick(_cluster.Now);
        }

        private void SendHeartbeats()
        {
            foreach (var node in _ring.Receivers)
            {
                // From the first one on an answer is expected.
                _heard.TryAdd(node, _cluster.Now);
                Send(node.Address, new Heartbeat(Address, 0));
            }
        }

        private bool IsAvailable(UniqueAddress node) => !_heard.TryGetValue(node, out var last) || _cluster.Now - last < _acceptablePause;

        private void Decide()
        {
            foreach (var node in _watch.Decide(_cluster.Now))
            {
                _cluster.Note($"{Index} downs {node.Address.Port - 1000}");
                Core.Down(node.Address);
            }
        }

        private void Every(ClusterMembership core, int milliseconds, Action action)
        {
            void Tick()
            {
                if (core != Core || !IsAlive) return;
                OnThis(core, action);
                _cluster.At(_cluster.Between(milliseconds * 0.9, milliseconds * 1.1), Tick);
            }

            _cluster.At(_cluster.Between(0, milliseconds), Tick);
        }

        private void OnThis(ClusterMembership core, Action action)
        {
            if (core != Core || !IsAlive) return;
            if (_cluster.Now < PausedUntil)
            {
                _cluster.At(PausedUntil - _cluster.Now, () => OnThis(core, action));
                return;
            }
            action();
            AfterStep();
        }

        private void AfterStep()
        {
            if (IsAlive && Core.IsMember) _cluster.Check(this);
        }
    }

    /// <summary>A crashed node comes back by itself; a downed or exited one does too.</summary>
    public void CrashAndRestart(int node)
    {
        if (!IsAlive(node)) return;
        Crash(node);
        _nodes[node].RestartLater();
    }
}
