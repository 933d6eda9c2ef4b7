using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using MetaPeer = TiKvActors.Protocol.Metapb.Peer;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Simulation.Stores;

/// <summary>Makes the trouble: one fault after the other, some of which overlap; and what an administrator does, at bad moments.</summary>
internal sealed class StoreNemesis
{
    private const int MaxRegions = 6;

    private readonly StoreCluster _cluster;
    private readonly World _world;
    private readonly TimeSpan _timeout;
    private readonly List<(double Weight, Action Make)> _faults;

    public StoreNemesis(StoreCluster cluster)
    {
        (_cluster, _world, _timeout) = (cluster, cluster.World, cluster.Timeout);
        var profile = cluster.Profile;
        _faults =
        [
            (profile.CrashWeight, CrashOne),
            (profile.CrashWeight / 4, CrashAll),
            (profile.PointWeight, FailAtPoint),
            (profile.PauseWeight, Pause),
            (profile.PartitionWeight, Isolate),
            (profile.PartitionWeight, Partition),
            (profile.PartitionWeight / 2, CutOneWay),
            (profile.LeaseWeight, AttackLease),
            (profile.LeaseWeight / 2, AttackTransfer),
            (profile.TransferWeight, Transfer),
            (profile.SplitWeight, Split),
            (profile.MembershipWeight, ChangeMembers),
            (profile.SplitWeight / 4, SplitUnderSnapshot),
            (profile.SplitWeight / 4, RemoveUnderSplit),
            (profile.PointWeight / 20, FailPuller),
            (profile.DiskWeight, SlowDisk),
            (profile.DiskWeight / 2, StopPd),
            (profile.QuietWeight, BeQuiet),
            (profile.QuietWeight / 2, MissStore),
        ];
    }

    private int _transfers;

    public int Faults { get; private set; }

    public bool IsDone { get; set; }

    public void Start() => ScheduleFault();

    /// <summary>Ends every trouble, so that the stores must recover.</summary>
    public void HealEverything()
    {
        IsDone = true;
        _cluster.Hits.Clear();
        _cluster.Network.Heal();
        _cluster.Network.IsReliable = true;
        _cluster.Pd.IsDown = false;
        _cluster.QuietUntil = TimeSpan.Zero;
        foreach (var store in _cluster.Stores)
        {
            store.DiskSlowness = store.ApplierSlowness = 1;
            store.Resume();
            store.Start();
        }
    }

    private void ScheduleFault() => _world.After(_world.Between(TimeSpan.Zero, _timeout * (2 * _cluster.Profile.FaultInterval)), () =>
    {
        if (IsDone) return;
        Faults++;
        _world.PickWeighted(_faults)();
        ScheduleFault();
    });

    private void Count(string fault)
    {
        _world.Coverage.Count("fault: " + fault);
        if (_world.IsTracing) _world.Trace("fault: " + fault);
    }

    private void Later(double least, double most, Action action) => _world.After(_world.Between(_timeout * least, _timeout * most), action);

    // ---- processes and disks

    private SimStore? AnyLive() => _cluster.Live.ToList() is { Count: > 0 } live ? _world.Pick(live) : null;

    private void CrashOne()
    {
        if (AnyLive() is { } store) Crash(store, "a store");
    }

    private void CrashAll()
    {
        foreach (var store in _cluster.Live.ToList()) Crash(store, "every store");
    }

    private void Crash(SimStore store, string what)
    {
        var powerFails = _world.Chance(0.6);
        Count($"{(powerFails ? "power failure" : "kill")} of {what}");
        store.Crash(powerFails);
        // Often back at once: what was forgotten must not matter before the others have noticed anything.
        Later(0, _world.Chance(0.5) ? 0.1 : 4, store.Start);
    }

    private void FailAtPoint()
    {
        Count("at a fail point");
        for (var n = _world.Random.Next(1, 4); n > 0; n--)
        {
            var name = _world.Pick(FaultPlan.Names);
            var fault = _world.Pick(
                [PointFault.LosePower, PointFault.LosePower, PointFault.Kill, PointFault.Throw, PointFault.Throw, PointFault.Pause]);
            if (fault == PointFault.Throw && !FaultPlan.CanThrow(name)) fault = PointFault.Kill;
            _cluster.Hits.Add(_world.Chance(0.3) ? AnyLive() : null, name, fault, _world.Chance(0.6) ? 0 : _world.Random.Next(20));
        }
    }

    private void Pause()
    {
        if (AnyLive() is not { } store) return;
        Count("pause");
        store.Pause(_world.Between(TimeSpan.Zero, _timeout * 4), midStep: false);
    }

    private void SlowDisk()
    {
        if (AnyLive() is not { } store) return;
        var applier = _world.Chance(0.5);
        Count(applier ? "slow applier" : "slow disk");
        if (applier) store.ApplierSlowness = 30;
        else store.DiskSlowness = 20;
        Later(1, 4, () => store.DiskSlowness = store.ApplierSlowness = 1);
    }

    private void StopPd()
    {
        Count("PD is away");
        _cluster.Pd.IsDown = true;
        Later(1, 6, () => _cluster.Pd.IsDown = false);
    }

    // ---- hibernation

    /// <summary>Regions fall asleep, most often right before something else goes wrong.</summary>
    private void BeQuiet()
    {
        Count("clients are quiet");
        _cluster.QuietUntil = _world.Now + _world.Between(_timeout, _timeout * 10);
    }

    private void MissStore()
    {
        if (AnyLive() is not { } store) return;
        Count("the cluster misses a store");
        foreach (var other in _cluster.Live.Where(s => s != store)) other.Miss(store.Id);
    }

    // ---- network

    private void HealLater() => Later(0.5, 5, _cluster.Network.Heal);

    private void Isolate()
    {
        Count("a store is isolated");
        IsolateStore(_world.Pick(_cluster.Stores));
        HealLater();
    }

    private void IsolateStore(SimStore store)
    {
        foreach (var other in _cluster.Stores) _cluster.Network.CutBoth(store.Id, other.Id);
    }

    private void Partition()
    {
        Count("partition");
        _world.Partition([.. _cluster.Stores.Select(s => s.Id)], _cluster.Network.Cut);
        HealLater();
    }

    private void CutOneWay()
    {
        Count("links cut in one direction");
        _world.CutOneWay([.. _cluster.Stores.Select(s => s.Id)], _cluster.Network.Cut);
        HealLater();
    }

    private void FailPuller() => FailPuller(patience: 60);

    /// <summary>The next peer that pulls a snapshot fails, and cannot reach the sender for a while: the receiver outlives it.</summary>
    private void FailPuller(int patience)
    {
        if (IsDone || patience == 0) return;
        if (_cluster.Live.Where(s => s.IsPulling).ToList() is not { Count: > 0 } pulling)
        {
            Later(0.01, 0.1, () => FailPuller(patience - 1));
            return;
        }

        Count("at a peer that pulls a snapshot");
        var store = _world.Pick(pulling);
        IsolateStore(store);
        _cluster.Hits.Add(store, RegionFailPoints.Persisted, PointFault.Throw, 0);
        Later(0.1, 1, _cluster.Network.Heal);
    }

    // ---- leases

    private SimPeer? AnyLeader() => _cluster.Leaders() is { Count: > 0 } leaders ? _world.Pick(leaders) : null;

    /// <summary>
    /// The leader keeps just enough followers for its lease, then they are restarted, or asked to campaign, while it cannot be heard:
    /// whoever breaks a promise elects somebody else under a lease that still holds.
    /// </summary>
    private void AttackLease()
    {
        if (AnyLeader() is not { } leader) return;
        var voters = leader.Shell.Peer!.Region.Peers.Where(p => p.Role == PeerRole.Voter && p.StoreId != leader.Store.Id)
            .OrderBy(_ => _world.Random.Next()).ToList();
        if (voters.Count == 0) return;
        Count("attack on the lease");
        var faithful = voters.Take((voters.Count + 1) / 2).Select(p => _cluster.Store(p.StoreId)).ToList();
        foreach (var unheard in voters.Select(p => _cluster.Store(p.StoreId)).Except(faithful))
            _cluster.Network.CutBoth(leader.Store.Id, unheard.Id);
        Later(0.5, 2, () =>
        {
            IsolateStore(leader.Store);
            var way = _world.Random.Next(3);
            if (way == 0) leader.Store.Pause(_world.Between(_timeout, _timeout * 3), midStep: _world.Chance(0.5));
            foreach (var store in faithful)
            {
                if (way == 1 || !store.IsUp)
                {
                    store.Crash(powerFails: true);
                    Later(0, 0.05, store.Start);
                }
                else
                {
                    Campaign(store, leader.RegionId);
                }
            }

            // Have those forgotten what they promised who are back already?
            if (way != 1) return;
            foreach (var voter in voters) Later(0.05, 0.4, () => Campaign(_cluster.Store(voter.StoreId), leader.RegionId));
        });
        Later(3, 5, _cluster.Network.Heal);
    }

    private static void Campaign(SimStore store, ulong regionId)
    {
        if (store.PeerOf(regionId) is not { IsStopped: false, Shell.Peer: { } peer } found) return;
        peer.Campaign(store.Now);
        found.PumpLater();
    }

    /// <summary>The leader hands over and hears nothing from then on: it must not go on reading by a lease.</summary>
    private void AttackTransfer()
    {
        if (AnyLeader() is not { } leader) return;
        Count("attack on a transfer");
        BeginTransfer(leader);
        Later(0.02, 0.1, () =>
        {
            foreach (var other in _cluster.Stores) _cluster.Network.Cut(other.Id, leader.Store.Id);
            HealLater();
        });
    }

    private void Transfer()
    {
        if (AnyLeader() is not { } leader) return;
        if (++_transfers % 3 == 0)
        {
            Count("orderly stop");
            leader.Store.StopInOrder(_timeout * 3, () => Later(0, _world.Chance(0.5) ? 0.1 : 4, leader.Store.Start));
            return;
        }

        Count("leader transfer");
        BeginTransfer(leader);
    }

    private void BeginTransfer(SimPeer leader)
    {
        var voters = leader.Shell.Peer!.Region.Peers.Where(p => p.Role != PeerRole.Learner && p.Id != leader.Shell.Peer.Self.Id).ToList();
        if (voters.Count == 0) return;
        Ask(leader, context => new TransferRequest(_world.Pick(voters), context));
    }

    // ---- administration

    private void Ask(SimPeer leader, Func<Context, RegionRequest> request)
    {
        var peer = leader.Shell.Peer!;
        var context = new Context
        {
            RegionId = leader.RegionId,
            RegionEpoch = peer.Region.RegionEpoch,
            Peer = peer.Self,
            ApiVersion = _cluster.Mode
        };
        leader.Store.Handle(leader.RegionId, request(context));
    }

    private void Split()
    {
        if (AnyLeader() is { } leader && _cluster.Pd.Regions.Count < MaxRegions) SplitRegion(leader.RegionId);
    }

    private void SplitRegion(ulong regionId)
    {
        if (_cluster.LeaderOf(regionId) is not { } leader) return;
        var region = leader.Shell.Peer!.Region;
        var keys = Enumerable.Range(0, _cluster.Keys.Count).Select(k => _cluster.Keys.Region[k])
            .Where(k => Actors.KeyRange.Contains(region, k) && !k.Equals(region.StartKey)).ToList();
        if (keys.Count == 0) return;
        Count("split");
        var at = Enumerable.Range(0, _world.Chance(0.8) ? 1 : 2).Select(_ => _world.Pick(keys)).Distinct()
            .Order(Comparer<ByteString>.Create(Actors.KeyRange.Compare)).ToList();
        Ask(leader, context => new SplitAt(at, context, _world));
    }

    /// <summary>
    /// A new learner's snapshot is on its way while the region splits: the parts meet on the learner's store in any order.
    /// </summary>
    private void SplitUnderSnapshot()
    {
        if (AnyLeader() is not { } leader || _cluster.Pd.Regions.Count >= MaxRegions) return;
        var region = leader.Shell.Peer!.Region;
        var free = _cluster.Stores.Where(s => region.Peers.All(p => p.StoreId != s.Id)).ToList();
        if (free.Count == 0) return;
        Count("split under a snapshot");
        _cluster.Network.LateSnapshot = (region.Id, _world.Between(_timeout, _timeout * 4));
        var learner = Change(ConfChangeType.AddLearnerNode, new MetaPeer { Id = _cluster.Pd.NextId(), StoreId = _world.Pick(free).Id });
        Ask(leader, context => new MembersRequest([learner], context, _world));
        Later(0.3, 1, () => SplitRegion(leader.RegionId));
        // Before the parent's rows come, its new part may have come there, and gone.
        if (_world.Chance(0.5)) Later(1, 3, () => RemoveParts(learner.Peer.StoreId, region.Id));
    }

    private void RemoveParts(ulong storeId, ulong parentId)
    {
        foreach (var leader in _cluster.Leaders().Where(l => l.RegionId != parentId))
        {
            var peer = leader.Shell.Peer!.Region.Peers.FirstOrDefault(p => p.StoreId == storeId && p.Role == PeerRole.Learner);
            if (peer is not null) Ask(leader, context => new MembersRequest([Change(ConfChangeType.RemoveNode, peer)], context, _world));
        }
    }

    /// <summary>A follower is removed, and hears of it from another one while its appliers still have a split before them.</summary>
    private void RemoveUnderSplit()
    {
        if (AnyLeader() is not { } leader || _cluster.Pd.Regions.Count >= MaxRegions) return;
        var peer = leader.Shell.Peer!;
        var voters = peer.Region.Peers.Where(p => p.Role == PeerRole.Voter && p.Id != peer.Self.Id).ToList();
        if (voters.Count < 2 || peer.Followers.Any(f => f.State != Raft.ReplicationState.Replicate)) return;
        Count("removal under a split");
        var removed = _world.Pick(voters);
        var store = _cluster.Store(removed.StoreId);
        store.ApplierSlowness = 1000;
        SplitRegion(leader.RegionId);
        Later(0.2, 0.6, () =>
        {
            if (_cluster.LeaderOf(leader.RegionId) is not { } now || now.Store == store) return;
            _cluster.Network.Cut(now.Store.Id, store.Id);
            Ask(now, context => new MembersRequest([Change(ConfChangeType.RemoveNode, removed)], context, _world));
        });
        Later(2, 5, () =>
        {
            store.ApplierSlowness = 1;
            _cluster.Network.Heal();
        });
    }

    private void ChangeMembers()
    {
        if (AnyLeader() is not { } leader) return;
        var region = leader.Shell.Peer!.Region;
        if (region.Peers.Any(p => p.Role is PeerRole.IncomingVoter or PeerRole.DemotingVoter)) return;
        Count("membership change");
        var changes = Enumerable.Range(0, _world.Chance(0.6) ? 1 : 2).Select(_ => DrawChange(leader, region)).OfType<ChangePeerRequest>()
            .DistinctBy(c => c.Peer.StoreId).ToList();
        if (changes.Count > 0) Ask(leader, context => new MembersRequest(changes, context, _world));
    }

    private ChangePeerRequest? DrawChange(SimPeer leader, Region region)
    {
        var free = _cluster.Stores.Where(s => region.Peers.All(p => p.StoreId != s.Id)).ToList();
        var voters = region.Peers.Where(p => p.Role == PeerRole.Voter).ToList();
        var learners = region.Peers.Where(p => p.Role == PeerRole.Learner).ToList();
        if (free.Count > 0 && _world.Chance(0.5))
            return Change(ConfChangeType.AddLearnerNode, new MetaPeer { Id = _cluster.Pd.NextId(), StoreId = _world.Pick(free).Id });
        if (learners.Count > 0 && _world.Chance(0.6))
        {
            var learner = _world.Pick(learners);
            // A peer without data has no vote yet: only a learner that follows is made a voter.
            var follows = leader.Shell.Peer!.Followers.Any(f => f.Id == learner.Id && f.State == Raft.ReplicationState.Replicate);
            return Change(follows ? ConfChangeType.AddNode : ConfChangeType.RemoveNode, learner);
        }

        // Nobody in his right mind takes a voter away while another one does not follow.
        var followers = leader.Shell.Peer!.Followers;
        if (voters.Count < 3 || followers.Any(f => !f.IsLearner && f.State != Raft.ReplicationState.Replicate)) return null;
        return Change(_world.Chance(0.5) ? ConfChangeType.AddLearnerNode : ConfChangeType.RemoveNode, _world.Pick(voters));
    }

    private static ChangePeerRequest Change(ConfChangeType type, MetaPeer peer) => new() { ChangeType = type, Peer = peer };

    private static readonly TimeSpan NoDeadline = TimeSpan.MaxValue;

    private sealed class TransferRequest(MetaPeer to, Context context) : Actors.Regions.TransferLeaderRequest(context, NoDeadline)
    {
        public override MetaPeer To => to;

        public override void Succeed()
        {
        }

        public override void Fail(Error error)
        {
        }
    }

    private sealed class SplitAt(IReadOnlyList<ByteString> keys, Context context, World world)
        : Actors.Regions.SplitRequest(context, NoDeadline)
    {
        public override IReadOnlyList<ByteString> SplitKeys => keys;

        public override void Succeed(IReadOnlyList<Region> regions) => world.Coverage.Count("splits done");

        public override void Fail(Error error) => world.Coverage.Count("splits refused");
    }

    private sealed class MembersRequest(IReadOnlyList<ChangePeerRequest> changes, Context context, World world)
        : ChangePeersRequest(context, NoDeadline)
    {
        public override ChangePeerV2Request Changes { get; } = new() { Changes = { changes } };

        public override void Succeed(Region region) => world.Coverage.Count("membership changes done");

        public override void Fail(Error error) => world.Coverage.Count("membership changes refused");
    }
}
