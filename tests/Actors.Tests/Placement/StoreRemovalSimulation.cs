using Google.Protobuf;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.RaftCmdpb;
using Peer = TiKvActors.Protocol.Metapb.Peer;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>
/// PD's decisions about stores against a model of regions that carry them out by the regions' own rules: heartbeats and answers get lost,
/// come twice and out of order; stores die, return, are removed and kept; regions split; PD restarts. One step is a second.
/// </summary>
internal sealed class StoreRemovalSimulation
{
    private const ulong Cluster = 42;

    private sealed class ModelRegion(Region region)
    {
        public Region Config { get; set; } = region;

        public ulong Leader { get; set; }

        public ulong Term { get; set; } = 6;

        public bool MustReport { get; set; } = true;

        /// <summary>Peers without data.</summary>
        public HashSet<ulong> Empty { get; } = [];
    }

    private readonly Random _random;
    private readonly int _replicas;
    private readonly List<IMessage> _journal = [];
    private readonly List<ModelRegion> _regions = [];
    private readonly SortedDictionary<ulong, bool> _isAlive = [];
    private readonly HashSet<ulong> _peerIds = [];
    private readonly PriorityQueue<Action, (int At, int Order)> _network = new();
    private PdState _pd;
    private byte _incarnations;
    private int _second;
    private int _sent;
    private bool _isCalm;

    public StoreRemovalSimulation(int seed)
    {
        _random = new Random(seed);
        _replicas = 1 + _random.Next(3);
        _pd = New();
        Persist(_pd.Start(Founding.New(Config, Cluster)));
        for (var i = _replicas + _random.Next(4); i > 0; i--)
            StartStore();
        _regions.Add(new ModelRegion(Ask<IsBootstrappedResponse>(new IsBootstrappedRequest { Header = Header }).FirstRegion));
        _peerIds.UnionWith(_regions[0].Config.Peers.Select(p => p.Id));
    }

    /// <summary>How many stores became tombstones.</summary>
    public int Removed => Statuses.Count(s => s.Condition == StoreCondition.Tombstone);

    private static RequestHeader Header => new() { ClusterId = Cluster };

    private PdConfig Config => new(_replicas, APIVersion.V2, 10) { ReplicaScheduleLimit = 2 };

    private TimeSpan Now => TimeSpan.FromSeconds(1000 + _second);

    private IReadOnlyList<StoreStatus> Statuses => Ask<GetStoreStatusResponse>(new GetStoreStatusRequest { Header = Header }).Stores;

    public void Run(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            if (Chance(0.05))
                Disturb();
            Step();
        }

        Calm();
        for (var i = 0; !IsAtGoal(); i++)
        {
            Assert.True(i < 3000, $"the goal is not reached: {Describe()}");
            Step();
        }
    }

    private bool Chance(double probability) => _random.NextDouble() < probability;

    private T Any<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

    // ---- Trouble

    private void Disturb()
    {
        var ids = _isAlive.Keys.ToList();
        switch (_random.Next(8))
        {
            case 0 when ids.Count < 9:
                StartStore();
                break;
            case 1:
                Ask<RemoveStoreResponse>(new RemoveStoreRequest { Header = Header, StoreId = Any(ids) });
                break;
            case 2:
                Ask<CancelStoreRemovalResponse>(new CancelStoreRemovalRequest { Header = Header, StoreId = Any(ids) });
                break;
            case 3 when _isAlive.Values.Count(alive => !alive) == 0:
                _isAlive[Any(ids)] = false;
                break;
            case 4:
                _isAlive[Any(ids)] = true;
                break;
            case 5:
                RestartPd();
                break;
            case 6 when _regions.Count < 12:
                Split(Any(_regions));
                break;
            default:
                Elect(Any(_regions));
                break;
        }
    }

    /// <summary>
    /// Nothing is disturbed any more, and there are enough stores. A removed one that is dead stays so if it can be done without.
    /// </summary>
    private void Calm()
    {
        _isCalm = true;
        var removing = _pd.Stores.Where(s => s.State != StoreState.Up).Select(s => s.Id).ToList();
        foreach (var id in _isAlive.Keys.ToList())
            _isAlive[id] |= !removing.Contains(id) || _regions.Any(r => !HasQuorum(r.Config));
        while (_isAlive.Count - removing.Count < _replicas)
            StartStore();
    }

    private bool IsAtGoal() =>
        Statuses.All(s => s.Condition != StoreCondition.Removing)
        && _regions.All(r => r.Config.Peers.Count == _replicas && r.Config.Peers.All(p => p.Role == PeerRole.Voter && IsKept(p.StoreId)));

    private bool IsKept(ulong storeId) => _pd.Stores.Single(s => s.Id == storeId).State == StoreState.Up;

    private string Describe() => string.Join("; ", _regions.Select(r => $"{r.Config} led by {r.Leader}"))
        + string.Join("; ", Statuses.Select(s => $"store {s.Store.Id} {s.Condition} alive {_isAlive[s.Store.Id]} {s.WaitsFor}"));

    // ---- One second

    private void Step()
    {
        _second++;
        while (_network.TryPeek(out _, out var due) && due.At <= _second)
            _network.Dequeue()();
        foreach (var (id, isAlive) in _isAlive)
        {
            if (isAlive && (_second + (int)id) % 10 == 0)
            {
                var beat = new StoreHeartbeatRequest { Header = Header, Stats = new StoreStats { StoreId = id } };
                Send(() => Ask<StoreHeartbeatResponse>(beat));
            }
        }

        foreach (var region in _regions)
            Step(region);
        Check();
    }

    private void Step(ModelRegion region)
    {
        if (!HasQuorum(region.Config))
            return;
        if (Leader(region) is not { } leader || !_isAlive[leader.StoreId] || leader.Role == PeerRole.Learner)
        {
            Elect(region);
            return;
        }

        foreach (var peer in region.Config.Peers.Where(p => _isAlive[p.StoreId] && Chance(0.3)))
            region.MustReport |= region.Empty.Remove(peer.Id);
        if (region.Config.Peers.Any(p => p.Role is PeerRole.IncomingVoter or PeerRole.DemotingVoter) && Chance(0.5))
            Change(region, new ChangePeerV2Request());
        if (region.MustReport)
            Report(region);
        else if ((_second + (int)region.Config.Id) % 10 == 0)
            Beat(region);
    }

    private Peer? Leader(ModelRegion region) => region.Config.Peers.FirstOrDefault(p => p.Id == region.Leader);

    private bool HasQuorum(Region region) =>
        HasQuorum(region, p => p.Role is PeerRole.Voter or PeerRole.IncomingVoter)
        && HasQuorum(region, p => p.Role is PeerRole.Voter or PeerRole.DemotingVoter);

    private bool HasQuorum(Region region, Func<Peer, bool> votes)
    {
        var voters = region.Peers.Where(votes).ToList();
        return voters.Count(p => _isAlive[p.StoreId]) > voters.Count / 2;
    }

    private void Elect(ModelRegion region)
    {
        var able = region.Config.Peers
            .Where(p => p.Role != PeerRole.Learner && _isAlive[p.StoreId] && !region.Empty.Contains(p.Id)).ToList();
        if (able.Count > 0 && HasQuorum(region.Config))
            Lead(region, Any(able).Id);
    }

    private static void Lead(ModelRegion region, ulong peerId) =>
        (region.Leader, region.Term, region.MustReport) = (peerId, region.Term + 1, true);

    private void Split(ModelRegion region)
    {
        if (Leader(region) is null || !HasQuorum(region.Config))
            return;
        var ids = Ask<AskBatchSplitResponse>(new AskBatchSplitRequest { Header = Header, Region = region.Config, SplitCount = 1 });
        if (ids.Header.Error is not null)
            return;
        var request = new Protocol.RaftCmdpb.SplitRequest
        {
            SplitKey = ByteString.CopyFrom([.. region.Config.StartKey, (byte)'m']),
            NewRegionId = ids.Ids[0].NewRegionId,
            NewPeerIds = { ids.Ids[0].NewPeerIds },
        };
        var (error, regions, _) = RegionState.Split(region.Config, new BatchSplitRequest { RightDerive = true, Requests = { request } });
        if (error is not null)
            return;
        var left = new ModelRegion(regions[0]);
        _peerIds.UnionWith(left.Config.Peers.Select(p => p.Id));
        left.Empty.UnionWith(left.Config.Peers
            .Where(p => region.Config.Peers.Any(q => q.StoreId == p.StoreId && region.Empty.Contains(q.Id))).Select(p => p.Id));
        (region.Config, region.MustReport) = (regions[1], true);
        _regions.Add(left);
    }

    // ---- Reports, and what comes of them

    private void Report(ModelRegion region)
    {
        region.MustReport = false;
        var request = new RegionHeartbeatRequest
        {
            Header = Header,
            Region = region.Config,
            Leader = Leader(region),
            Term = region.Term,
            PendingPeers = { region.Config.Peers.Where(p => region.Empty.Contains(p.Id)) },
        };
        Send(() =>
        {
            var step = Ask<RegionHeartbeatResponse>(request);
            CheckTarget(step);
            Send(() => Take(region, step));
        });
    }

    private void Beat(ModelRegion region)
    {
        var beat = new RegionBeat
        {
            RegionId = region.Config.Id,
            Epoch = region.Config.RegionEpoch,
            LeaderId = region.Leader,
            Term = region.Term,
            PendingPeerIds = { region.Empty.Where(id => region.Config.Peers.Any(p => p.Id == id)) },
        };
        Send(() =>
        {
            var answer = Ask<RegionBeatsResponse>(new RegionBeatsRequest { Header = Header, Beats = { beat } });
            foreach (var step in answer.Steps)
            {
                CheckTarget(step);
                Send(() => Take(region, step));
            }

            if (answer.Wanted.Count > 0)
                Send(() => region.MustReport = true);
        });
    }

    private void CheckTarget(RegionHeartbeatResponse step)
    {
        var statuses = Statuses.ToDictionary(s => s.Store.Id, s => s.Condition);
        foreach (var change in step.ChangePeerV2?.Changes ?? [])
        {
            var isNew = step.ChangePeerV2!.Changes.Count == 1 && change.ChangeType == Protocol.Eraftpb.ConfChangeType.AddLearnerNode;
            Assert.True(!isNew || statuses[change.Peer.StoreId] == StoreCondition.Up, $"a peer is put on a store that is not up: {step}");
            Assert.True(!isNew || _peerIds.Add(change.Peer.Id), $"a peer id is used again: {step}");
        }
    }

    private void Take(ModelRegion region, RegionHeartbeatResponse step)
    {
        var leader = Leader(region);
        if (step.TargetPeer is null || leader is null || leader.Id != step.TargetPeer.Id || !_isAlive[leader.StoreId])
            return;
        if (step.TransferLeader is { } transfer)
        {
            var to = region.Config.Peers.FirstOrDefault(p => p.Id == Any(transfer.Peers).Id);
            if (to is { Role: PeerRole.Voter } && _isAlive[to.StoreId] && !region.Empty.Contains(to.Id))
                Lead(region, to.Id);
        }
        else if (step.ChangePeerV2 is { } changes && step.RegionEpoch.Equals(region.Config.RegionEpoch))
        {
            Change(region, new ChangePeerV2Request
            {
                Changes = { changes.Changes.Select(c => new ChangePeerRequest { ChangeType = c.ChangeType, Peer = c.Peer }) },
            });
        }
    }

    private void Change(ModelRegion region, ChangePeerV2Request request)
    {
        if (!HasQuorum(region.Config))
            return;
        var (error, next) = RegionState.ChangePeers(region.Config, request);
        Assert.True(error is null, $"a step makes no sense: {error}");
        region.Empty.UnionWith(next.Peers.Where(p => region.Config.Peers.All(q => q.Id != p.Id)).Select(p => p.Id));
        (region.Config, region.MustReport) = (next, true);
    }

    private void Check()
    {
        var tombstones = _pd.Stores.Where(s => s.State == StoreState.Tombstone).Select(s => s.Id).ToHashSet();
        foreach (var region in _regions.Select(r => r.Config))
        {
            Assert.Equal(region.Peers.Count, region.Peers.Select(p => p.StoreId).Distinct().Count());
            Assert.Equal(_replicas, region.Peers.Count(p => p.Role is PeerRole.Voter or PeerRole.IncomingVoter));
            Assert.Equal(_replicas, region.Peers.Count(p => p.Role is PeerRole.Voter or PeerRole.DemotingVoter));
            Assert.True(
                region.Peers.All(p => p.Role == PeerRole.Learner || !tombstones.Contains(p.StoreId)),
                $"a voter is on a tombstone: {region}");
        }
    }

    private void Send(Action deliver)
    {
        for (var copies = Chance(_isCalm ? 0 : 0.1) ? 2 : 1; copies > 0; copies--)
        {
            if (!Chance(_isCalm ? 0 : 0.2))
                _network.Enqueue(deliver, (_second + 1 + (Chance(0.1) ? _random.Next(30) : _random.Next(2)), _sent++));
        }
    }

    // ---- PD

    private PdState New() => new(Config, ByteString.CopyFrom(_incarnations++));

    private void RestartPd()
    {
        var snapshot = _pd.ToSnapshot();
        _pd = New();
        if (Chance(0.5))
            _pd.Restore(snapshot);
        else
            _journal.ForEach(_pd.Apply);
        Persist(_pd.Start([]));
    }

    private void StartStore()
    {
        var id = (ulong)_isAlive.Count + 1;
        _isAlive[id] = true;
        var store = new Store { Id = id, Address = $"host:{id}" };
        Assert.Null(Ask<PutStoreResponse>(new PutStoreRequest { Header = Header, Store = store }).Header.Error);
    }

    private T Ask<T>(object request)
    {
        var decision = _pd.Process(request, Now, wall: 0)!.Value;
        Persist(decision.Events);
        _pd.ObserveLeaders();
        return Assert.IsType<T>(decision.Answer);
    }

    private void Persist(IEnumerable<IMessage> events)
    {
        foreach (var e in events)
        {
            _journal.Add(e);
            _pd.Apply(e);
        }
    }
}
