using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Raft;

namespace TiKvActors.Simulation;

/// <summary>Makes the trouble: one fault after the other, some of which overlap.</summary>
internal sealed class Nemesis
{
    private readonly Cluster _cluster;
    private readonly World _world;
    private readonly SimProfile _profile;
    private readonly TimeSpan _timeout;
    private readonly List<(double Weight, Action Make)> _faults;

    /// <summary>The first faults of every run: what a run must not be without.</summary>
    private readonly Queue<Action> _first;

    public Nemesis(Cluster cluster)
    {
        (_cluster, _world, _profile) = (cluster, cluster.World, cluster.Profile);
        _timeout = cluster.Settings.ElectionTimeout;
        _faults =
        [
            (_profile.CrashWeight, CrashOne),
            (_profile.CrashWeight / 4, CrashAll),
            (_profile.CrashWeight / 2, CrashLeader),
            (_profile.ChurnWeight, ChurnLeaders),
            (_profile.PauseWeight, Pause),
            (_profile.PartitionWeight, Split),
            (_profile.PartitionWeight, CutOneWay),
            (_profile.PartitionWeight / 2, IsolateLeader),
            (_profile.LeaseAttackWeight, AttackLease),
            (_profile.LeaseAttackWeight / 2, AttackTransfer),
            (_profile.MembershipWeight, ChangeMembers),
            (_profile.TransferWeight, Transfer),
            (_profile.TransferWeight / 2, Campaign),
            (_profile.DiskWeight, SlowDisk),
            (_profile.DiskWeight / 2, ReportUnreachable),
        ];
        _first = new Queue<Action>([CrashOne, Pause, CutOneWay, Split, CrashLeader]);
    }

    public int Faults { get; private set; }

    public bool IsDone { get; set; }

    public void Start()
    {
        ScheduleFault();
        ScheduleCompaction();
        ScheduleHousekeeping();
    }

    /// <summary>Ends every trouble, so that the group must recover.</summary>
    public void HealEverything()
    {
        IsDone = true;
        _cluster.Network.Heal();
        _cluster.Network.IsReliable = true;
        foreach (var node in _cluster.Nodes)
        {
            node.DiskSlowness = node.ApplierSlowness = 1;
            node.CrashInNextWrite = null;
            node.Resume();
            node.Start();
        }
    }

    private void ScheduleFault()
    {
        _world.After(_world.Between(TimeSpan.Zero, _timeout * (2 * _profile.FaultInterval)), () =>
        {
            if (IsDone) return;
            Faults++;
            (_first.TryDequeue(out var first) ? first : _world.PickWeighted(_faults))();
            ScheduleFault();
        });
    }

    private void ScheduleCompaction()
    {
        _world.After(_world.Between(TimeSpan.Zero, _timeout * (2 / _profile.Compaction)), () =>
        {
            if (IsDone) return;
            foreach (var node in _cluster.LiveNodes.ToList())
                if (_world.Chance(0.5)) node.Compact();
            ScheduleCompaction();
        });
    }

    /// <summary>
    /// What a placement driver does in the long run: leaves joint configurations that nobody else leaves, and destroys peers that were
    /// removed.
    /// </summary>
    private void ScheduleHousekeeping()
    {
        _world.After(_timeout, () =>
        {
            if (IsDone) return;
            if (_cluster.Leader is { } leader)
            {
                var config = leader.Raft!.ConfState;
                if (config.VotersOutgoing.Count > 0 && _world.Chance(0.2)) Propose(leader, new ConfChangeV2());
                // A leader that has not applied the change which added a peer knows nothing of it.
                bool IsRemoved(SimNode n) => !IsIn(config, n.Id) && leader.Raft.AppliedIndex > _cluster.MemberSince.GetValueOrDefault(n.Id);
                foreach (var node in _cluster.Nodes.Where(n => n != leader && !n.IsDestroyed && IsRemoved(n)).ToList())
                    if (_world.Chance(0.3)) node.Destroy();
            }
            ScheduleHousekeeping();
        });
    }

    private static bool IsIn(ConfState config, ulong id) =>
        config.Voters.Contains(id) || config.VotersOutgoing.Contains(id) || config.Learners.Contains(id)
            || config.LearnersNext.Contains(id);

    private void Count(string fault)
    {
        _world.Coverage.Count("fault: " + fault);
        if (_world.IsTracing) _world.Trace("fault: " + fault);
    }

    // ---- processes

    private SimNode? AnyLive() => _cluster.LiveNodes.ToList() is { Count: > 0 } live ? _world.Pick(live) : null;

    private void CrashOne()
    {
        if (AnyLive() is { } node) CrashAndRestart(node, "restart of one peer");
    }

    private void CrashLeader()
    {
        if ((_cluster.Leader ?? AnyLive()) is { } node) CrashAndRestart(node, "restart of the leader");
    }

    private void CrashAll()
    {
        foreach (var node in _cluster.LiveNodes.ToList()) CrashAndRestart(node, "restart of everybody");
    }

    private void CrashAndRestart(SimNode node, string fault)
    {
        // Often at once: what was forgotten must not matter before the others have noticed anything.
        var downTime = _world.Between(TimeSpan.Zero, _world.Chance(0.5) ? _timeout / 10 : _timeout * 4);
        var inWrite = _world.Chance(0.4);
        Count(inWrite ? fault + ", during a write" : fault);
        if (inWrite)
        {
            node.CrashInNextWrite = downTime;
            return;
        }
        node.Crash();
        _world.After(downTime, node.Start);
    }

    /// <summary>
    /// For a while no leader lives longer than a few messages, and those reach only some of its followers: logs diverge, and entries of
    /// many terms are neither committed nor gone (the paper's figure 8).
    /// </summary>
    private void ChurnLeaders()
    {
        Count("leaders crash as soon as they are elected");
        var until = _world.Now + _timeout * 40;
        ulong doomed = 0;
        Watch();

        void Watch() => _world.After(_timeout / 100, () =>
        {
            if (IsDone || _world.Now > until) return;
            if (_cluster.Leader is { } leader && leader.Raft!.Term > doomed)
            {
                doomed = leader.Raft.Term;
                Doom(leader);
            }
            Watch();
        });
    }

    private void Doom(SimNode leader)
    {
        foreach (var other in _cluster.Nodes.Where(_ => _world.Chance(0.5))) CutBoth(leader, other);
        _world.After(_world.Between(TimeSpan.Zero, _timeout / 6), () =>
        {
            _cluster.Network.Heal();
            leader.Crash();
            _world.After(_world.Between(TimeSpan.Zero, _timeout * 2), leader.Start);
        });
    }

    private void Pause()
    {
        var node = _world.Chance(0.5) ? _cluster.Leader ?? AnyLive() : AnyLive();
        if (node is null) return;
        var midStep = _world.Chance(0.5);
        Count(midStep ? "pause in the middle of a step" : "pause");
        node.Pause(_world.Between(TimeSpan.Zero, _timeout * 4), midStep);
    }

    private void SlowDisk()
    {
        if (AnyLive() is not { } node) return;
        var applier = _world.Chance(0.5);
        Count(applier ? "slow applier" : "slow disk");
        if (applier) node.ApplierSlowness = 100;
        else node.DiskSlowness = 20;
        _world.After(_world.Between(_timeout, _timeout * 4), () => node.DiskSlowness = node.ApplierSlowness = 1);
    }

    // ---- network

    private void HealLater()
    {
        _world.After(_world.Between(_timeout / 2, _timeout * 4), _cluster.Network.Heal);
    }

    private void Split()
    {
        Count("partition");
        _world.Partition([.. _cluster.Nodes.Select(n => n.Id)], _cluster.Network.Cut);
        HealLater();
    }

    private void CutOneWay()
    {
        Count("links cut in one direction");
        _world.CutOneWay([.. _cluster.Nodes.Select(n => n.Id)], _cluster.Network.Cut);
        HealLater();
    }

    private void IsolateLeader()
    {
        if (_cluster.Leader is not { } leader) return;
        Count("leader isolated");
        foreach (var other in _cluster.Nodes) CutBoth(leader, other);
        HealLater();
    }

    private void CutBoth(SimNode a, SimNode b)
    {
        _cluster.Network.Cut(a.Id, b.Id);
        _cluster.Network.Cut(b.Id, a.Id);
    }

    /// <summary>
    /// The leader keeps just enough followers for its lease, then they are restarted, or asked to campaign, while it cannot be heard:
    /// whoever breaks a promise elects somebody else under a lease that still holds.
    /// </summary>
    private void AttackLease()
    {
        if (_cluster.Leader is not { } leader) return;
        Count("attack on the lease");
        var config = leader.Raft!.ConfState;
        var others = _cluster.LiveNodes.Where(n => n != leader && config.Voters.Contains(n.Id)).OrderBy(_ => _world.Random.Next()).ToList();
        var faithful = others.Take(config.Voters.Count / 2).ToList();
        foreach (var unheard in others.Except(faithful)) CutBoth(leader, unheard);
        _world.After(_world.Between(_timeout, _timeout * 2.5), () =>
        {
            foreach (var other in _cluster.Nodes) CutBoth(leader, other);
            var forget = _world.Chance(0.6);
            foreach (var node in faithful)
            {
                if (forget)
                {
                    node.Crash();
                    _world.After(_world.Between(TimeSpan.Zero, _timeout / 20), node.Start);
                }
                else
                {
                    node.Do((raft, now) => raft.Campaign(now));
                }
            }
        });
        _world.After(_timeout * 4.5, _cluster.Network.Heal);
    }

    /// <summary>
    /// The leader hands over and hears nothing from then on: it must not go on reading by a lease. Sometimes the offer arrives only after
    /// the leader has given the transfer up.
    /// </summary>
    private void AttackTransfer()
    {
        if (_cluster.Leader is not { } leader) return;
        var voters = leader.Raft!.ConfState.Voters.Where(v => v != leader.Id).ToList();
        if (voters.Count == 0) return;
        Count("attack on a transfer");
        if (_world.Chance(0.5)) _cluster.Network.LateOffer = (_world.Between(_timeout, _timeout * 2), Deafen);
        else _world.After(_timeout / 50, Deafen);
        leader.Do((raft, _) => raft.TransferLeader(_world.Pick(voters)));

        void Deafen()
        {
            foreach (var other in _cluster.Nodes) _cluster.Network.Cut(other.Id, leader.Id);
            HealLater();
        }
    }

    // ---- administration

    private void Transfer()
    {
        if (_cluster.Leader is not { } leader) return;
        var voters = leader.Raft!.ConfState.Voters.ToList();
        Count("leader transfer");
        leader.Do((raft, _) => raft.TransferLeader(_world.Pick(voters)));
    }

    private void Campaign()
    {
        Count("forced campaign");
        AnyLive()?.Do((raft, now) => raft.Campaign(now));
    }

    private void ReportUnreachable()
    {
        if (_cluster.Leader is not { } leader) return;
        Count("peer reported unreachable");
        leader.Do((raft, _) => raft.ReportUnreachable(_world.Pick(_cluster.Nodes).Id));
    }

    private void ChangeMembers()
    {
        if (_cluster.Leader is not { } leader) return;
        var config = leader.Raft!.ConfState;
        Count("membership change proposed");
        if (config.VotersOutgoing.Count > 0)
        {
            Propose(leader, new ConfChangeV2());
            return;
        }
        var changes = Enumerable.Range(0, _world.Chance(0.6) ? 1 : _world.Random.Next(2, 5)).Select(_ => DrawChange(leader, config))
            .DistinctBy(c => c.NodeId).ToList();
        var transition = _world.Pick(
            [ConfChangeTransition.Auto, ConfChangeTransition.Auto, ConfChangeTransition.Implicit, ConfChangeTransition.Explicit]);
        Propose(leader, new ConfChangeV2 { Transition = transition, Changes = { changes } });
    }

    private ConfChangeSingle DrawChange(SimNode leader, ConfState config)
    {
        var members = config.Voters.Count + config.Learners.Count;
        if (members < _profile.MaxNodes + 2 && _world.Chance(0.5)) return Single(ConfChangeType.AddLearnerNode, _cluster.NewPeerId());
        if (config.Learners.Count > 0 && _world.Chance(0.7))
        {
            // A peer without data has no vote yet: only a learner that follows is made a voter.
            var learner = _world.Pick([.. leader.Raft!.Followers.Where(f => f.IsLearner)]);
            return Single(learner.State == ReplicationState.Replicate ? ConfChangeType.AddNode : ConfChangeType.RemoveNode, learner.Id);
        }
        return Single(_world.Chance(0.4) ? ConfChangeType.AddLearnerNode : ConfChangeType.RemoveNode, _world.Pick(config.Voters));
    }

    private static ConfChangeSingle Single(ConfChangeType type, ulong id) => new() { ChangeType = type, NodeId = id };

    private void Propose(SimNode leader, ConfChangeV2 change) => leader.Do((raft, _) =>
    {
        var result = raft.ProposeConfChange(change);
        _world.Coverage.Count(result.Accepted ? "conf changes proposed" : $"conf changes refused: {result.Refusal}");
    });
}
