using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft.Tests;

/// <summary>Peers of one group and the messages between them, all in the test's hand. Every group begins at index 5 of term 5.</summary>
internal sealed class TestGroup
{
    public const ulong InitialIndex = 5, InitialTerm = 5;

    private readonly HashSet<(ulong From, ulong To)> _cut = [];

    /// <param name="withoutData">Members that know nothing.</param>
    public TestGroup(
        int voters, Func<RaftConfig, RaftConfig>? configure = null, IEnumerable<ulong>? learners = null, IEnumerable<ulong>? withoutData = null)
    {
        Configure = configure ?? (c => c);
        var confState = new ConfState { Voters = { Enumerable.Range(1, voters).Select(i => (ulong)i) }, Learners = { learners ?? [] } };
        foreach (var id in confState.Voters.Concat(confState.Learners).Except(withoutData ?? [])) Add(id, confState, InitialIndex, InitialTerm);
        foreach (var id in withoutData ?? []) AddUninitialised(id);
    }

    private Func<RaftConfig, RaftConfig> Configure { get; }

    public SortedDictionary<ulong, TestPeer> Peers { get; } = [];

    public TestPeer this[ulong id] => Peers[id];

    /// <summary>The same on all peers.</summary>
    public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Sent and not delivered yet.</summary>
    public List<Message> InTransit { get; } = [];

    public TestPeer Leader => Peers.Values.Single(p => p.Node.IsLeader);

    /// <summary>A peer that knows nothing.</summary>
    public void AddUninitialised(ulong id) => Add(id, new ConfState(), 0, 0);

    public void Cut(ulong a, ulong b) => _cut.UnionWith([(a, b), (b, a)]);

    public void CutOff(ulong id)
    {
        foreach (var other in Peers.Keys.Where(o => o != id)) Cut(id, other);
    }

    public void Heal() => _cut.Clear();

    public void Send(IEnumerable<Message> messages) => InTransit.AddRange(messages.Where(m => !_cut.Contains((m.From, m.To))));

    public void Tick(ulong id, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            Now += this[id].Config.TickInterval;
            this[id].Node.Tick(Now);
        }
    }

    /// <summary>Time passes for everybody, with all messages delivered in between.</summary>
    public void TickAll(int times)
    {
        for (var i = 0; i < times; i++)
        {
            Now += Peers.Values.First().Config.TickInterval;
            foreach (var peer in Peers.Values) peer.Node.Tick(Now);
            Stabilize();
        }
    }

    /// <summary>Lets every promise and silence run out, without ticks.</summary>
    public void PassElectionTimeout() => Now += Peers.Values.First().Config.ElectionTimeout * 2;

    public void Elect(ulong id)
    {
        PassElectionTimeout();
        Assert.True(this[id].Node.Campaign(Now));
        Stabilize();
        Assert.True(this[id].Node.IsLeader);
    }

    public ProposeResult Propose(ulong id, string data) => this[id].Node.Propose(ByteString.CopyFromUtf8(data));

    public ProposeResult ProposeConfChange(ulong id, params (ConfChangeType Type, ulong Peer)[] changes) => this[id].Node.ProposeConfChange(
        new ConfChangeV2 { Changes = { changes.Select(c => new ConfChangeSingle { ChangeType = c.Type, NodeId = c.Peer }) } });

    /// <summary>Until nothing happens any more.</summary>
    public void Stabilize(Action<ulong, Ready>? seen = null)
    {
        for (var round = 0; ; round++)
        {
            Assert.True(round < 1000, "the group does not come to rest");
            foreach (var (id, peer) in Peers)
            {
                while (peer.Node.HasReady)
                {
                    var ready = peer.Process();
                    seen?.Invoke(id, ready);
                }
            }
            if (InTransit.Count == 0) return;
            DeliverAll();
        }
    }

    public void DeliverAll()
    {
        Message[] messages = [.. InTransit];
        InTransit.Clear();
        foreach (var message in messages)
            if (Peers.TryGetValue(message.To, out var peer)) peer.Node.Step(message, Now);
    }

    private void Add(ulong id, ConfState confState, ulong index, ulong term)
    {
        var config = Configure(new RaftConfig { Id = id, Name = $"peer {id}" });
        Peers[id] = new TestPeer(this, config, confState, index, term);
    }
}
