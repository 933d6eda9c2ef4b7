using TiKvActors.Actors.Membership;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Membership;

/// <summary>
/// Nodes with a <see cref="ClusterFormation"/> each, in virtual time and from one random number generator. Around them is a model of what
/// they rely on: a network that loses, delays and repeats; the meta group as a register that needs a majority, with leaders that may be
/// outdated and writes whose end nobody learns; and Akka's membership with its joins, welcomes, gossip and removals.
/// </summary>
internal sealed class FormationSimulation
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private static readonly FormationSettings Settings = new(
        TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20));

    /// <summary>A cluster of Akka's: made by one system's join of itself.</summary>
    private sealed class Cluster
    {
        public HashSet<SystemAddress> Removed { get; } = [];
    }

    private sealed class Node(string address, bool votes)
    {
        public string Address => address;

        public bool Votes => votes;

        public bool IsRunning { get; set; }

        public bool IsPaused { get; set; }

        /// <summary>Nodes of one side reach each other.</summary>
        public int Side { get; set; }

        public bool Leads { get; set; }

        public SystemAddress Id { get; set; } = new();

        public ClusterFormation Core { get; set; } = null!;

        public MemberPhase Phase { get; set; }

        public Cluster? Cluster { get; set; }

        public HashSet<SystemAddress> Members { get; } = [];

        public string? Joining { get; set; }

        public bool AskedForRestart { get; set; }

        /// <summary>What came while the process was paused.</summary>
        public List<Action> Backlog { get; } = [];

        public bool IsMember => Phase is MemberPhase.Joining or MemberPhase.Up or MemberPhase.Leaving;

        public ClusterView View => new(Phase, new HashSet<SystemAddress>(Members), new HashSet<SystemAddress>());
    }

    private readonly Random _random;
    private readonly PriorityQueue<Action, (TimeSpan, long)> _events = new();
    private readonly List<Node> _nodes = [];
    private readonly List<(TimeSpan At, SystemAddress Founder)> _records = [];

    /// <summary>The one in which a system is or was a member.</summary>
    private readonly Dictionary<SystemAddress, Cluster> _clusters = [];

    private TimeSpan _now;
    private long _sequence;
    private long _lastUid;
    private double _loss;
    private double _delay = 0.02;

    public FormationSimulation(int seed, int voters, int others)
    {
        _random = new Random(seed);
        for (var i = 0; i < voters + others; i++)
            _nodes.Add(new Node($"n{i + 1}", i < voters));
        Every(0.1, Elect);
        Every(0.1, Tick);
        Every(0.3, Gossip);
    }

    /// <summary>How many incarnations were committed.</summary>
    public int Incarnations => _records.Count;

    public int Restarts { get; private set; }

    public int SelfJoins { get; private set; }

    /// <summary>By cause, what nodes were to be started again for.</summary>
    public Dictionary<RestartCause, int> Causes { get; } = [];

    private IReadOnlyList<Node> Voters => [.. _nodes.Where(n => n.Votes)];

    public void StartAll()
    {
        foreach (var node in _nodes)
            After(_random.NextDouble() * 2, () => Start(node));
    }

    public void StopAll()
    {
        foreach (var node in _nodes)
            Stop(node);
    }

    public void StartSome(int voters)
    {
        foreach (var node in Shuffled(Voters).Take(voters).Concat(_nodes.Where(n => !n.Votes)))
            After(_random.NextDouble() * 2, () => Start(node));
    }

    /// <summary>Stops, starts, pauses, partitions and removals for so long; nodes that run and do not are left as they are.</summary>
    public void Trouble(TimeSpan time)
    {
        (_loss, _delay) = (_random.NextDouble() * 0.3, _random.Next(3) == 0 ? 1.5 : 0.1);
        var end = _now + time;
        Fault(end);
        Run(time);
        (_loss, _delay) = (0, 0.02);
        foreach (var node in _nodes)
        {
            node.Side = 0;
            Resume(node);
        }

        // Who is leaving stops.
        Run(TimeSpan.FromSeconds(10));
    }

    /// <summary>The owner starts everything but at most some of the voters.</summary>
    public void Settle()
    {
        var away = Shuffled(Voters).Take(_random.Next((Voters.Count + 1) / 2)).ToList();
        foreach (var node in _nodes)
        {
            if (away.Contains(node))
                Stop(node);
            else if (!node.IsRunning)
                Start(node);
        }
    }

    public void Run(TimeSpan time)
    {
        var end = _now + time;
        while (_events.TryPeek(out _, out var next) && next.Item1 <= end)
        {
            var action = _events.Dequeue();
            _now = next.Item1;
            action();
            Check();
        }

        _now = end;
    }

    /// <summary>All that run are Up in one cluster, that of the newest incarnation, and know it.</summary>
    public bool IsOneCluster()
    {
        var running = _nodes.Where(n => n.IsRunning).ToList();
        return running.All(n => n.Phase == MemberPhase.Up && n.Cluster == running[0].Cluster && n.Core.Incarnation == (ulong)_records.Count
            && running.All(m => n.Members.Contains(m.Id)));
    }

    public string Show() => string.Join("; ", _nodes.Select(n =>
        $"{n.Address}{(n.Votes ? "*" : "")}{(n.IsRunning ? "" : " stopped")} {n.Phase} of {n.Core?.Incarnation}, newest {_records.Count}"));

    // ---- what must hold

    private void Check()
    {
        foreach (var node in _nodes.Where(n => n.IsRunning && n.IsMember && n.Core.Incarnation != 0))
        {
            var founder = _records[(int)node.Core.Incarnation - 1].Founder;
            if (!_clusters.TryGetValue(founder, out var cluster) || cluster != node.Cluster)
                throw new InvalidOperationException($"{node.Id} is in another cluster than the founder of its incarnation: {Show()}");
        }
    }

    private void CheckSelfJoin(Node node)
    {
        // It may have been replaced within the time for which a reading counts.
        var newest = _records.FindLastIndex(r => r.At <= _now);
        var replaced = newest < _records.Count - 1 ? _records[newest + 1].At : TimeSpan.MaxValue;
        for (var i = newest; i >= 0; replaced = _records[i].At, i--)
        {
            if (replaced <= _now - Settings.AnswerTimeout)
                break;
            if (_records[i].Founder.Equals(node.Id))
                return;
        }

        throw new InvalidOperationException($"{node.Id} makes a cluster without a commit of the newest incarnation: {Show()}");
    }

    // ---- processes

    private void Start(Node node)
    {
        if (node.IsRunning)
            return;
        node.IsRunning = true;
        node.Id = new SystemAddress { Address = node.Address, Uid = ++_lastUid };
        node.Core = new ClusterFormation(Settings, node.Id, [.. Voters.Select(v => v.Address)], () => (ulong)_random.NextInt64());
        (node.Phase, node.Cluster, node.Joining, node.AskedForRestart) = (MemberPhase.Outside, null, null, false);
        node.Members.Clear();
    }

    private static void Stop(Node node)
    {
        node.IsRunning = false;
        node.IsPaused = false;
        node.Leads = false;
        node.Backlog.Clear();
    }

    private static void Resume(Node node)
    {
        if (!node.IsPaused)
            return;
        node.IsPaused = false;
        foreach (var action in node.Backlog)
            action();
        node.Backlog.Clear();
    }

    private void Restart(Node node, RestartReason reason)
    {
        Causes[reason.Cause] = Causes.GetValueOrDefault(reason.Cause) + 1;
        Restarts++;
        if (node.AskedForRestart)
            throw new InvalidOperationException($"{node.Id} wants to be started again twice");
        node.AskedForRestart = true;
        var id = node.Id;
        After(_random.NextDouble() * 3, () =>
        {
            if (!node.IsRunning || !node.Id.Equals(id))
                return;
            Stop(node);
            Start(node);
        });
    }

    private void Fault(TimeSpan end)
    {
        if (_now >= end)
            return;
        After(_random.NextDouble() * 4, () => Fault(end));
        var node = _nodes[_random.Next(_nodes.Count)];
        switch (_random.Next(12))
        {
            case 0 or 1:
                Stop(node);
                break;
            case 2 or 3 or 4:
                Start(node);
                break;
            case 5:
                foreach (var all in _nodes.Where(_ => _random.Next(4) > 0))
                    Stop(all);
                break;
            case 6 or 7:
                if (!node.IsRunning || node.IsPaused)
                    break;
                node.IsPaused = true;
                After(_random.NextDouble() * 30, () => Resume(node));
                break;
            case 8:
                foreach (var any in _nodes)
                    any.Side = _random.Next(2);
                After(_random.NextDouble() * 20, () => _nodes.ForEach(n => n.Side = 0));
                break;
            case 9 or 10:
                Remove(node);
                break;
            default:
                Leave(node);
                break;
        }
    }

    /// <summary>As a split brain resolver would for reasons of its own: the others hear of it by gossip, the node too if it is reached.</summary>
    private void Remove(Node node)
    {
        if (node.Cluster is { } cluster && node.IsMember
            && _nodes.Any(n => n != node && n.Cluster == cluster && n.Phase == MemberPhase.Up))
            cluster.Removed.Add(node.Id);
    }

    private void Leave(Node node)
    {
        if (!node.IsRunning || node.IsPaused || node.Phase != MemberPhase.Up)
            return;
        node.Phase = MemberPhase.Leaving;
        var id = node.Id;
        After(_random.NextDouble() * 5, () =>
        {
            if (!node.IsRunning || !node.Id.Equals(id) || node.Phase != MemberPhase.Leaving)
                return;
            node.Cluster!.Removed.Add(id);
            node.Phase = MemberPhase.Left;
            Tick(node);
            Stop(node);
        });
    }

    // ---- the meta group

    private bool HasQuorum(Node from) =>
        2 * Voters.Count(v => v.IsRunning && !v.IsPaused && v.Side == from.Side) > Voters.Count;

    private void Elect()
    {
        foreach (var old in _nodes.Where(n => n.Leads && (!n.IsRunning || (!n.IsPaused && !HasQuorum(n) && _random.Next(20) == 0))))
            old.Leads = false;
        var able = Voters.Where(v => v.IsRunning && !v.IsPaused && HasQuorum(v)).ToList();
        if (able.Count == 0 || (able.Any(v => v.Leads) && _random.Next(300) > 0) || _random.Next(10) > 0)
            return;
        // An old one that is paused or cut off does not hear of it.
        foreach (var other in able)
            other.Leads = false;
        able[_random.Next(able.Count)].Leads = true;
    }

    private void Read(Node node, ulong round)
    {
        var id = node.Id;
        After(Delay(), () =>
        {
            var known = HasQuorum(node) && _random.NextDouble() >= _loss;
            var record = _records.Count == 0 ? null : new MetaRecord { Revision = (ulong)_records.Count };
            var incarnation = _records.Count == 0 ? null : new ClusterIncarnation { Founder = _records[^1].Founder };
            After(known ? Delay() : Longest.TotalSeconds, () => In(node, id, () =>
            {
                if (known)
                    node.Core.RecordRead(round, record, incarnation, node.View, _now);
                else
                    node.Core.RecordUnread(round, _now);
            }));
        });
    }

    private void Commit(Node node, FormationAction.CommitRecord commit)
    {
        if (!node.Votes)
            throw new InvalidOperationException($"{node.Id} has no vote and founds");
        var id = node.Id;
        var from = new Node(node.Address, true) { Side = node.Side };
        After(Delay(), () =>
        {
            if (HasQuorum(from) && (ulong)_records.Count == commit.ExpectedRevision)
                _records.Add((_now, commit.Incarnation.Founder));
            // The answer may be lost.
            After(_random.NextDouble() < _loss ? Longest.TotalSeconds : Delay(), () => In(node, id, () => node.Core.CommitEnded(_now)));
        });
        // It may be carried out long after nobody waits for it.
        if (_random.NextDouble() < _loss)
        {
            After(Longest.TotalSeconds * _random.NextDouble() * 2, () =>
            {
                if (HasQuorum(from) && (ulong)_records.Count == commit.ExpectedRevision)
                    _records.Add((_now, commit.Incarnation.Founder));
            });
        }
    }

    // ---- the nodes

    private void Tick()
    {
        foreach (var node in _nodes)
            Tick(node);
    }

    private void Tick(Node node)
    {
        // Ticks do not accumulate.
        if (node.IsRunning && !node.IsPaused)
            In(node, node.Id, () => node.Core.Tick(node.View, node.Leads, _now));
    }

    /// <summary>Runs in the process, once it is not paused, and if it is still the same; then does what the core wants done.</summary>
    private void In(Node node, SystemAddress id, Action action)
    {
        if (!node.IsRunning || !node.Id.Equals(id))
            return;
        if (node.IsPaused)
        {
            node.Backlog.Add(() => In(node, id, action));
            return;
        }

        if (node.Cluster is { } cluster && cluster.Removed.Contains(id) && node.IsMember && _random.Next(10) == 0 && HearsOfRemoval(node))
            node.Phase = MemberPhase.Downed;
        action();
        var wanted = node.Core.Actions.ToList();
        node.Core.Actions.Clear();
        foreach (var one in wanted)
            Perform(node, one);
    }

    private bool HearsOfRemoval(Node node) => _nodes.Any(
        n => n != node && n.IsRunning && !n.IsPaused && n.Side == node.Side && n.Cluster == node.Cluster && n.IsMember);

    private void Perform(Node node, FormationAction action)
    {
        switch (action)
        {
            case FormationAction.ReadRecord read:
                Read(node, read.Round);
                break;
            case FormationAction.CommitRecord commit:
                Commit(node, commit);
                break;
            case FormationAction.Ask ask:
                Send(node, ask.Address, to =>
                {
                    if (to.Core.Answer(ask.Request, to.View) is { } answer)
                        Send(to, node.Address, asker => asker.Core.Receive(answer, asker.View, asker.Leads, _now));
                });
                break;
            case FormationAction.Join join when join.Address == node.Address:
                CheckSelfJoin(node);
                if (!node.IsMember)
                {
                    SelfJoins++;
                    BecomeMember(node, new Cluster(), [node.Id]);
                    node.Phase = MemberPhase.Up;
                }

                break;
            case FormationAction.Join join:
                node.Joining = join.Address;
                SendJoin(node);
                break;
            case FormationAction.Restart restart:
                Restart(node, restart.Reason);
                break;
        }
    }

    // ---- Akka's membership

    private void SendJoin(Node node)
    {
        var id = node.Id;
        Send(node, node.Joining!, to => Admit(to, id));
    }

    private void Admit(Node door, SystemAddress joiner)
    {
        if (door.Phase is not (MemberPhase.Joining or MemberPhase.Up) || door.Cluster!.Removed.Contains(joiner))
            return;
        foreach (var old in door.Members.Where(m => m.Address == joiner.Address && !m.Equals(joiner)).ToList())
            door.Cluster.Removed.Add(old);
        door.Members.Add(joiner);
        var (cluster, members) = (door.Cluster, door.Members.ToList());
        Send(door, joiner.Address, to =>
        {
            if (to.Id.Equals(joiner) && to.Phase == MemberPhase.Outside && to.Joining == door.Address)
                BecomeMember(to, cluster, members);
        });
    }

    private void BecomeMember(Node node, Cluster cluster, IEnumerable<SystemAddress> members)
    {
        (node.Phase, node.Cluster, node.Joining) = (MemberPhase.Joining, cluster, null);
        node.Members.UnionWith(members);
        _clusters.Add(node.Id, cluster);
    }

    private void Gossip()
    {
        foreach (var node in _nodes.Where(n => n.IsRunning && !n.IsPaused))
        {
            // Akka repeats a join that nobody has answered.
            if (node is { Phase: MemberPhase.Outside, Joining: not null } && _random.Next(30) == 0)
                SendJoin(node);
            if (!node.IsMember)
                continue;
            node.Members.RemoveWhere(m => m != node.Id && node.Cluster!.Removed.Contains(m));
            var to = node.Members.ElementAt(_random.Next(node.Members.Count));
            var (from, isUp, cluster, members) = (node.Id, node.Phase == MemberPhase.Up, node.Cluster!, node.Members.ToList());
            Send(node, to.Address, receiver =>
            {
                if (receiver.Cluster != cluster || !receiver.IsMember || !members.Contains(receiver.Id) || !receiver.Members.Contains(from))
                    return;
                receiver.Members.UnionWith(members.Where(m => !cluster.Removed.Contains(m)));
                if (isUp && receiver.Phase == MemberPhase.Joining && AllKnow(receiver.Id, cluster))
                    receiver.Phase = MemberPhase.Up;
            });
        }
    }

    /// <summary>Akka's leader makes a member Up when everybody that is reached has the same state.</summary>
    private bool AllKnow(SystemAddress id, Cluster cluster) =>
        _nodes.Where(n => n.IsRunning && n.Cluster == cluster && n.IsMember).All(n => n.Members.Contains(id));

    // ---- time and network

    private void Send(Node from, string address, Action<Node> deliver)
    {
        for (var copies = _random.NextDouble() < _loss ? 2 : 1; copies > 0; copies--)
        {
            if (_random.NextDouble() < _loss)
                continue;
            After(Delay(), () =>
            {
                var to = _nodes.First(n => n.Address == address);
                if (to.Side == from.Side)
                    In(to, to.Id, () => deliver(to));
            });
        }
    }

    private double Delay() => _delay * (_random.NextDouble() + (_random.NextDouble() < _loss ? 10 : 0));

    private void After(double seconds, Action action) =>
        _events.Enqueue(action, (_now + TimeSpan.FromSeconds(seconds), ++_sequence));

    private void Every(double seconds, Action action) => After(seconds, () =>
    {
        action();
        Every(seconds, action);
    });

    private List<Node> Shuffled(IEnumerable<Node> nodes)
    {
        var list = nodes.ToArray();
        _random.Shuffle(list);
        return [.. list];
    }
}
