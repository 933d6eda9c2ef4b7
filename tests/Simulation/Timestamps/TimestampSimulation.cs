using TiKvActors.Protocol;

namespace TiKvActors.Simulation.Timestamps;

/// <summary>
/// Incarnations of the timestamp oracle over a fenced journal: paused, partitioned, fenced, released, crashed, with clocks that drift and jump.
/// </summary>
internal sealed class TimestampSimulation
{
    public const int DefaultSteps = 4_000;

    public static readonly IReadOnlyList<string> Profiles = ["timestamps"];

    public static readonly IReadOnlyList<string> Probes =
    [
        "a release that does not count",
        "a request was refused",
        "a write was attempted twice",
        "a write's outcome stays unknown",
        "an incarnation follows a release",
        "an incarnation starts beside one that serves",
        "an incarnation was fenced",
        "fault: attack on the lease",
        "fault: clock jumps",
        "fault: crash",
        "fault: journal lossy",
        "fault: journal slow",
        "fault: move beside a paused incarnation",
        "fault: partition",
        "fault: pause",
        "fault: pause in the middle of a step",
        "fault: release",
        "issued while the clock was far behind",
        "the counter of a millisecond was used up",
    ];

    private const int Clients = 5;
    private const long Hour = 3_600_000;

    private readonly World _world;
    private readonly int _steps;
    private readonly TimestampCluster _cluster;
    private readonly int[] _completed = new int[Clients];
    private readonly IReadOnlyList<(double Weight, Action Fault)> _faults;
    private readonly double _faultInterval;
    private int _faultCount;
    private bool _isHealed;

    private TimestampSimulation(int seed, int steps, TextWriter? trace)
    {
        _steps = steps;
        _world = new World(seed, trace);
        _cluster = new TimestampCluster(_world);
        // In leases. Seldom enough that one may run out, or so often that hardly anybody gets to issue.
        _faultInterval = _world.Pick([0.7, 3, 6]);
        _faults =
        [
            (2, Move), (2, MoveBesidePaused), (2, Crash), (2, Release), (2, Pause), (2, Partition), (2, AttackLease), (1, JumpClock), (1, SlowJournal), (1, LossyJournal),
        ];
    }

    public static SimResult Run(int seed, string? profile = null, int steps = DefaultSteps, TextWriter? trace = null)
    {
        var simulation = new TimestampSimulation(seed, steps, trace);
        var failure = SimResult.FailureOf(() =>
        {
            simulation.MakeTrouble();
            simulation.Recover();
        });
        return new SimResult(seed, Profiles[0], simulation._world.Steps, simulation._faultCount, simulation._world.Coverage, failure);
    }

    private void MakeTrouble()
    {
        _cluster.StartOn(_cluster.Nodes[0]);
        for (var i = 0; i < Clients; i++) Ask(i);
        NextFault();
        Supervise();
        while (_world.Steps < _steps || _faultCount < Simulation.MinFaults)
            World.Check(_world.Step(), () => "nothing happens any more");
    }

    private void Recover()
    {
        _isHealed = true;
        _cluster.Journal.Loss = 0;
        _cluster.Journal.Slowness = TimeSpan.FromMilliseconds(5);
        foreach (var node in _cluster.Nodes) node.IsCut = false;
        foreach (var old in _cluster.Living.ToList())
            if (old != _cluster.Newest) old.Crash();
        var before = _completed.ToArray();
        var deadline = _world.Now + TimeSpan.FromSeconds(60);
        while (!_completed.Zip(before).All(c => c.First > c.Second))
            World.Check(_world.Now < deadline && _world.Step(), () => "liveness: after peace was made, a client got no timestamp within 60 s");
    }

    // ---- Clients: mostly of the newest incarnation, some still know an older one. Who gets no answer asks again; the answer may come nevertheless.

    private void Ask(int client)
    {
        var isOver = false;
        var request = new TimestampRequest(Count(), last =>
        {
            if (isOver) return;
            _completed[client]++;
            Again();
        });
        var living = _cluster.Living.ToList();
        var target = living.Count > 0 && _world.Chance(0.4) ? _world.Pick(living) : _cluster.Newest;
        if (target is not null) _world.After(_cluster.Delay(), () => target.Receive(request));
        _world.After(_world.Between(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(2)), () =>
        {
            if (!isOver) Again();
        });

        void Again()
        {
            isOver = true;
            _world.After(TimeSpan.FromMilliseconds(_world.Random.NextDouble() * 20), () => Ask(client));
        }
    }

    private uint Count() =>
        _world.Chance(0.1) ? (uint)_world.Random.NextInt64(1, TimestampLayout.LogicalCount + 1) : (uint)_world.Random.Next(1, 100);

    // ---- Faults

    private void NextFault() => _world.After(_cluster.Lease * (_faultInterval * _world.Random.NextDouble()), () =>
    {
        if (_isHealed) return;
        _world.PickWeighted(_faults)();
        _faultCount++;
        NextFault();
    });

    /// <summary>The cluster notices after a while that its singleton is gone.</summary>
    private void Supervise() => _world.After(TimeSpan.FromMilliseconds(100), () =>
    {
        if (_cluster.Newest is null or { IsDead: true }) _cluster.StartOn(AnyNode());
        Supervise();
    });

    private OracleNode AnyNode() => _world.Pick(_cluster.Nodes);

    private void Move() => _cluster.StartOn(AnyNode());

    /// <summary>The worst case of all: it stops at any step, another takes over, and it goes on where it was.</summary>
    private void MoveBesidePaused()
    {
        if (_cluster.Newest is not { IsDead: false } old) return;
        _world.Coverage.Count("fault: move beside a paused incarnation");
        old.Pause = PauseLength();
        var others = _cluster.Nodes.Where(n => n != old.Node).ToList();
        _world.After(_cluster.Lease * _world.Random.NextDouble(), () =>
        {
            if (!_isHealed) _cluster.StartOn(_world.Pick(others));
        });
    }

    private void Crash()
    {
        if (_cluster.Newest is not { IsDead: false } incarnation) return;
        _world.Coverage.Count("fault: crash");
        incarnation.Crash();
        if (_world.Chance(0.5)) _cluster.StartOn(AnyNode());
    }

    private void Release()
    {
        if (_cluster.Newest is not { IsDead: false } incarnation) return;
        _world.Coverage.Count("fault: release");
        incarnation.Release();
        // Somebody may begin before it is stored.
        var others = _cluster.Nodes.Where(n => n != incarnation.Node).ToList();
        if (_world.Chance(0.5))
            _world.After(TimeSpan.FromMilliseconds(_world.Random.NextDouble() * 20), () => _cluster.StartOn(_world.Pick(others)));
    }

    private void Pause()
    {
        foreach (var incarnation in _cluster.Living.Where(_ => _world.Chance(0.7)))
        {
            _world.Coverage.Count("fault: pause");
            incarnation.Pause = PauseLength();
        }
    }

    private TimeSpan PauseLength() => _cluster.Lease * (3 * _world.Random.NextDouble());

    private void Partition()
    {
        _world.Coverage.Count("fault: partition");
        var node = _world.Chance(0.6) && _cluster.Newest is { } newest ? newest.Node : AnyNode();
        node.IsCut = true;
        _world.After(_cluster.Lease * (3 * _world.Random.NextDouble()), () => node.IsCut = false);
        if (_world.Chance(0.5)) _cluster.StartOn(_world.Pick([.. _cluster.Nodes.Where(n => n != node)]));
    }

    /// <summary>As soon as a lease has begun its holder is cut off from the journal, but not from clients, and one whose clock runs faster takes over.</summary>
    private void AttackLease() => _cluster.OnLease = holder =>
    {
        if (_isHealed) return;
        _world.Coverage.Count("fault: attack on the lease");
        holder.Node.IsCut = true;
        _world.After(_cluster.Lease * 2, () => holder.Node.IsCut = false);
        _cluster.StartOn(_cluster.Nodes.Where(n => n != holder.Node).MaxBy(n => n.Rate)!);
    };

    private void JumpClock()
    {
        _world.Coverage.Count("fault: clock jumps");
        AnyNode().WallError = _world.Pick([0, 0, Hour, -Hour, _world.Random.Next(-5_000, 5_000)]);
    }

    private void SlowJournal()
    {
        _world.Coverage.Count("fault: journal slow");
        _cluster.Journal.Slowness = _cluster.Lease * (1.5 * _world.Random.NextDouble());
        _world.After(_cluster.Lease * 2, () => _cluster.Journal.Slowness = TimeSpan.FromMilliseconds(5));
    }

    private void LossyJournal()
    {
        _world.Coverage.Count("fault: journal lossy");
        _cluster.Journal.Loss = 0.5;
        _world.After(_cluster.Lease * 2, () => _cluster.Journal.Loss = 0);
    }
}
