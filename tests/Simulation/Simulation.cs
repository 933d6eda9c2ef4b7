using TiKvActors.Raft;

namespace TiKvActors.Simulation;

/// <summary>How one seed went.</summary>
/// <param name="Failure">What does not hold; null if everything does.</param>
internal sealed record SimResult(int Seed, string Profile, long Steps, int Faults, Coverage Coverage, string? Failure)
{
    /// <returns>Null if the run found nothing.</returns>
    public static string? FailureOf(Action run)
    {
        try
        {
            run();
            return null;
        }
        catch (Exception e)
        {
            // Anything else that is thrown is a bug as well; it belongs to the seed that shows it.
            return e is ViolationException or InvariantViolationException ? e.Message : e.ToString();
        }
    }
}

/// <summary>One run: trouble until there was enough of it, then peace, in which the group must recover.</summary>
internal sealed class Simulation
{
    public const int MinSteps = 2_000, MinFaults = 5;

    /// <summary>Steps of trouble before peace is made.</summary>
    public const int DefaultSteps = 15_000;

    private readonly World _world;
    private readonly int _steps;
    private readonly SimProfile _profile;
    private readonly Cluster _cluster;
    private readonly Nemesis _nemesis;

    private Simulation(int seed, string? profile, int steps, TextWriter? trace)
    {
        _steps = steps;
        _world = new World(seed, trace);
        _profile = SimProfile.For(seed, profile);
        _cluster = new Cluster(_world, _profile);
        _nemesis = new Nemesis(_cluster);
    }

    public static SimResult Run(int seed, string? profile = null, int steps = DefaultSteps, TextWriter? trace = null)
    {
        var simulation = new Simulation(seed, profile, steps, trace);
        var failure = SimResult.FailureOf(() =>
        {
            simulation.MakeTrouble();
            simulation.Recover();
        });
        return new SimResult(
            seed, simulation._profile.Name, simulation._world.Steps, simulation._nemesis.Faults, simulation._world.Coverage, failure);
    }

    private void MakeTrouble()
    {
        _nemesis.Start();
        while (_world.Steps < _steps || _nemesis.Faults < MinFaults)
            World.Check(_world.Step(), () => "nothing happens any more");
    }

    private void Recover()
    {
        _nemesis.HealEverything();
        var completedBefore = _cluster.Clients.Select(c => c.Completed).ToList();
        RunUntil("every client completes an operation", () =>
            _cluster.Clients.Zip(completedBefore).All(c => c.First.Completed > c.Second));
        _cluster.ClientsAreDone = true;
        RunUntil("all members have applied the same", AllMembersAgree);
    }

    private bool AllMembersAgree()
    {
        if (_cluster.Leader is not { } leader) return false;
        var raft = leader.Raft!;
        var config = raft.ConfState;
        return raft.AppliedIndex == raft.LastIndex
            && config.Voters.Concat(config.VotersOutgoing).Concat(config.Learners).Concat(config.LearnersNext).All(id =>
                _cluster.Node(id) is { IsUp: true } node
                && node.Disk.State.Applied == raft.AppliedIndex
                && node.Disk.State.Hash == leader.Disk.State.Hash);
    }

    private void RunUntil(string goal, Func<bool> isReached)
    {
        var deadline = _world.Now + _cluster.Settings.ElectionTimeout * 200;
        while (!isReached())
        {
            World.Check(
                _world.Now < deadline && _world.Step(),
                () => $"liveness: after peace was made, not within 200 election timeouts: {goal} ({Describe()})");
        }
    }

    private string Describe() => string.Join("; ", _cluster.Nodes.Select(n => n.Raft is { } raft
        ? $"{n.Id}: {raft.Role} term {raft.Term} committed {raft.CommittedIndex} applied {raft.AppliedIndex} "
            + $"last {raft.LastIndex} {raft.ConfState}"
        : $"{n.Id}: {(n.IsDestroyed ? "destroyed" : "down")}"));
}
