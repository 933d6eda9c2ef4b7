using TiKvActors.Actors;
using TiKvActors.Protocol.RaftServerpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Simulation.Stores;

/// <summary>One run of whole stores: trouble until there was enough of it, then peace, in which every region must recover.</summary>
internal sealed class StoreSimulation
{
    public const int MinFaults = 5;

    /// <summary>Steps of trouble before peace is made.</summary>
    public const int DefaultSteps = 12_000;

    private readonly World _world;
    private readonly int _steps;
    private readonly StoreProfile _profile;
    private readonly StoreCluster _cluster;
    private readonly StoreNemesis _nemesis;

    private StoreSimulation(int seed, string? profile, int steps, TextWriter? trace)
    {
        _steps = steps;
        _world = new World(seed, trace);
        _profile = StoreProfile.For(seed, profile);
        _cluster = new StoreCluster(_world, _profile);
        _nemesis = new StoreNemesis(_cluster);
    }

    public static SimResult Run(int seed, string? profile = null, int steps = DefaultSteps, TextWriter? trace = null)
    {
        var simulation = new StoreSimulation(seed, profile, steps, trace);
        var failure = SimResult.FailureOf(() =>
        {
            simulation.MakeTrouble();
            simulation.Recover();
            simulation.Conclude();
        });
        simulation._cluster.Hits.CountInto(simulation._world.Coverage);
        return new SimResult(
            seed, simulation._profile.Name, simulation._world.Steps, simulation._nemesis.Faults, simulation._world.Coverage, failure);
    }

    private void Step()
    {
        World.Check(_world.Step(), () => "nothing happens any more");
        if (_cluster.Violation is { } violation) throw new ViolationException(violation);
    }

    private void MakeTrouble()
    {
        _nemesis.Start();
        while (_world.Steps < _steps || _nemesis.Faults < MinFaults) Step();
    }

    private void Recover()
    {
        _nemesis.HealEverything();
        var before = _cluster.Clients.Select(c => c.Completed).ToList();
        RunUntil("every client completes an operation", () => _cluster.Clients.Zip(before).All(c => c.First.Completed > c.Second));
        _cluster.ClientsAreDone = true;
        for (var key = 0; key < _cluster.Keys.Count; key++) _cluster.Clients[key % _cluster.Clients.Count].Audit.Enqueue(key);
        RunUntil("every key can be read", () => _cluster.Clients.All(c => c.IsIdle));
        RunUntil("all replicas agree", AllAgree);
        RunUntil("no peer is left that is no member", OnlyMembersAreLeft);
        LoseStoreInSleep();
    }

    /// <summary>Nobody asks for anything, and yet what was led from a store that dies is led from another one.</summary>
    private void LoseStoreInSleep()
    {
        RunUntil("every region hibernates", AllAsleep);
        var lost = _world.Pick(_cluster.Stores);
        var orphans = _cluster.Leaders().Where(l => l.Store == lost && l.Shell.Peer!.Region.Peers.Count(IsVoter) > 2).ToList();
        lost.IsGone = true;
        lost.Crash(powerFails: true);
        // Long before peers would wake without a reason.
        RunUntil(
            "what a dead store led is led elsewhere",
            () => orphans.All(o => _cluster.LeaderOf(o.RegionId) is { } now && now.Store != lost),
            timeouts: 25);
        lost.IsGone = false;
        lost.Start();
        RunUntil("every region hibernates again", AllAsleep);
        RunUntil("all replicas agree again", AllAgree);
    }

    private static bool IsVoter(Protocol.Metapb.Peer peer) => peer.Role != Protocol.Metapb.PeerRole.Learner;

    private bool AllAsleep() =>
        _cluster.PeerConfigs[1].HibernateAfterTicks == 0 || _cluster.Stores.All(s => s.Peers.All(p => p.Shell.Peer is { IsAsleep: true }));

    private void Conclude()
    {
        _world.Coverage.Count($"regions at the end: {_cluster.Leaders().Count}");
        if (_cluster.History.Check() is { } failure) throw new ViolationException(failure);
    }

    /// <summary>Who was removed, also before it had any data, is gone.</summary>
    private bool OnlyMembersAreLeft()
    {
        var members = _cluster.Leaders().SelectMany(l => l.Shell.Peer!.Region.Peers).Select(p => p.Id).ToHashSet();
        return _cluster.Stores.All(s => s.Peers.All(p => members.Contains(p.Start.Self.Id)));
    }

    private bool AllAgree()
    {
        var leaders = _cluster.Leaders();
        if (leaders.Count != _cluster.Pd.Regions.Count || !CoverEveryKeyOnce([.. leaders.Select(l => l.Shell.Peer!.Region)])) return false;
        foreach (var leader in leaders)
        {
            var peer = leader.Shell.Peer!;
            if (peer.AppliedIndex != peer.LastIndex) return false;
            var hash = leader.Store.Data.State.HashOf(peer.Region);
            foreach (var member in peer.Region.Peers)
            {
                var store = _cluster.Store(member.StoreId);
                if (store.PeerOf(leader.RegionId)?.Shell.Peer is not { } replica || replica.Self.Id != member.Id
                    || replica.AppliedIndex != peer.AppliedIndex)
                    return false;
                if (store.Data.State.Regions.GetValueOrDefault(leader.RegionId) is not { State: PeerState.Normal }
                    || store.Data.State.HashOf(replica.Region) != hash)
                    return false;
            }
        }

        return true;
    }

    private static bool CoverEveryKeyOnce(List<Region> regions)
    {
        regions.Sort((a, b) => KeyRange.Compare(a.StartKey, b.StartKey));
        return regions.Count > 0 && regions[0].StartKey.IsEmpty && regions[^1].EndKey.IsEmpty
            && regions.Zip(regions.Skip(1)).All(p => p.First.EndKey.Equals(p.Second.StartKey));
    }

    private void RunUntil(string goal, Func<bool> isReached, int timeouts = 300)
    {
        var deadline = _world.Now + _cluster.Timeout * timeouts;
        for (var next = 0L; ; next++)
        {
            // Looking costs more than a step.
            if (next % 16 == 0 && isReached()) return;
            World.Check(
                _world.Now < deadline, () => $"liveness: after peace was made, not within {timeouts} election timeouts: {goal} ({Describe()})");
            Step();
        }
    }

    private string Describe()
    {
        var stores = _cluster.Stores.Select(s => $"store {s.Id}: {string.Join(", ", s.Peers.Select(Describe))}");
        var regions = _cluster.Pd.Regions.All.Select(r => $"{r.Region.Id} {r.Region.RegionEpoch}");
        return $"{string.Join("; ", stores)}; PD: {string.Join(", ", regions)}";
    }

    private static string Describe(SimPeer peer) =>
        peer.Shell.Peer is { } p
            ? $"region {peer.RegionId} peer {p.Self.Id} {p.State} {p.Role} term {p.Term} committed {p.CommittedIndex} "
                + $"applied {p.AppliedIndex} last {p.LastIndex} epoch {p.Region.RegionEpoch}"
            : $"region {peer.RegionId} recovering";
}
