using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Raft;

namespace TiKvActors.Simulation;

/// <summary>The peers of one group, everything between them, and the settings that this seed has drawn.</summary>
internal sealed class Cluster
{
    /// <summary>Every group begins there (TiKV's RAFT_INIT_LOG_INDEX and _TERM).</summary>
    private const ulong BootstrapIndex = 5, BootstrapTerm = 5;

    private readonly SortedDictionary<ulong, SimNode> _nodes = [];
    private readonly List<SimNode> _nodeList = [];
    private ulong _lastPeerId;
    private long _lastOperationId;

    public Cluster(World world, SimProfile profile)
    {
        (World, Profile) = (world, profile);
        Settings = DrawSettings();
        ThinkTime = world.Pick([0.2, 1, 4]);
        Network = new Network(world, profile, Settings.ElectionTimeout);
        Checker = new Checker(world, BootstrapIndex);
        var voters = Enumerable.Range(1, world.Random.Next(profile.MinNodes, profile.MaxNodes + 1)).Select(i => (ulong)i).ToArray();
        var initial = new StateMachine(
            BootstrapIndex, BootstrapTerm, 0, new long[StateMachine.RegisterCount], new ConfState { Voters = { voters } });
        foreach (var id in voters) Add(new SimNode(this, id, new Disk(initial))).Start();
        _lastPeerId = voters[^1];
        Clients = [.. Enumerable.Range(0, 4).Select(_ => new Client(this))];
        foreach (var client in Clients) client.Start();
    }

    public World World { get; }
    public SimProfile Profile { get; }
    public RaftConfig Settings { get; }
    public Network Network { get; }
    public Checker Checker { get; }
    public IReadOnlyList<Client> Clients { get; }
    /// <summary>How long clients wait between two operations at most, in election timeouts: from a stream to a trickle.</summary>
    public double ThinkTime { get; }

    public bool ClientsAreDone { get; set; }

    /// <summary>In order of their ids, the destroyed ones included.</summary>
    public IReadOnlyList<SimNode> Nodes => _nodeList;

    public IEnumerable<SimNode> LiveNodes => _nodeList.Where(n => n.IsUp);

    /// <summary>Whoever leads the highest term, if anybody does.</summary>
    public SimNode? Leader => LiveNodes.Where(n => n.Raft!.IsLeader).MaxBy(n => n.Raft!.Term);

    public SimNode? Node(ulong id) => _nodes.GetValueOrDefault(id);

    /// <summary>The latest configuration change after which the peer was a member.</summary>
    public Dictionary<ulong, ulong> MemberSince { get; } = [];

    public ulong NewPeerId() => ++_lastPeerId;

    public long NextOperationId() => ++_lastOperationId;

    /// <summary>A value that some register may hold: for compare-and-swap.</summary>
    public long RecentValue() => Math.Max(0, _lastOperationId - World.Random.Next(12));

    /// <summary>A message arrives where its peer lives; the first one for a new peer creates it, uninitialised.</summary>
    public void Deliver(Message message)
    {
        if (!_nodes.TryGetValue(message.To, out var node))
        {
            node = Add(new SimNode(this, message.To, new Disk(null)));
            node.Start();
        }
        node.Deliver(message);
    }

    private SimNode Add(SimNode node)
    {
        _nodes.Add(node.Id, node);
        _nodeList.Add(node);
        return node;
    }

    /// <summary>Small limits, so that every queue and window is full now and then.</summary>
    private RaftConfig DrawSettings()
    {
        var random = World.Random;
        var heartbeat = random.Next(1, 4);
        return new RaftConfig
        {
            Id = 1,
            TickInterval = TimeSpan.FromMilliseconds(20),
            HeartbeatTicks = heartbeat,
            ElectionTimeoutTicks = heartbeat * 3 + random.Next(1, 6),
            ClockDriftBound = World.Pick([0.02, 0.1, 0.25]),
            MaxMessageBytes = Profile.SmallMessages ? 1 : World.Pick([1, 200, 1000, 1 << 20]),
            MaxInflightMessages = World.Pick([1, 2, 8, 256]),
            MaxInflightBytes = World.Pick([200L, 1000, 1 << 20]),
            MaxCachedLogBytes = World.Pick([0L, 300, 1 << 20]),
            MaxPendingBytes = World.Pick([150L, 1000, 1 << 20]),
            MaxApplyingBytes = World.Pick([1L, 300, 1 << 20]),
            MaxPendingReads = World.Pick([1, 3, 1000]),
            PreVote = !World.Chance(0.1),
        };
    }
}
