using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Raft;

namespace TiKvActors.Simulation;

/// <summary>
/// One peer: the real core, and the shell around it as a store has it (writes, appliers, reads, snapshots), in virtual time.
/// <code>
/// Running -> Stalling (one more input, its effects leave late) -> Paused -> Running
///    |____________________________ Down ___________________________|          Destroyed: for ever
/// </code>
/// </summary>
internal sealed partial class SimNode
{
    private enum NodeState
    {
        Down,
        Running,
        Stalling,
        Paused,
        Destroyed,
    }

    private readonly Cluster _cluster;
    private readonly World _world;
    private readonly List<Action> _held = [];
    private NodeState _state = NodeState.Down;
    private int _incarnation;
    private TimeSpan _clockOrigin;
    private readonly double _clockRate;
    private TimeSpan _outputsHeldUntil;
    private bool _pumpScheduled;
    private bool _tickIsDue;

    public SimNode(Cluster cluster, ulong id, Disk disk)
    {
        (_cluster, _world, Id, Disk) = (cluster, cluster.World, id, disk);
        disk.Written = entries => cluster.Checker.ObserveEntries(this, entries);
        // Any two rates keep the drift bound; the extremes are the interesting ones.
        var spread = 1 / (1 - cluster.Settings.ClockDriftBound) - 1;
        _clockRate = 1 + spread * _world.Pick([0.0, 0.999, _world.Random.NextDouble()]);
    }

    public ulong Id { get; }
    public Disk Disk { get; }
    public RaftNode? Raft { get; private set; }
    public bool IsUp => _state is NodeState.Running or NodeState.Stalling or NodeState.Paused;
    public bool IsPaused => _state is NodeState.Paused or NodeState.Stalling;
    public bool IsDestroyed => _state == NodeState.Destroyed;

    /// <summary>How far the checker has compared this incarnation's commits.</summary>
    public ulong ObservedCommit { get; set; }

    /// <summary>Factor for the time a synced write takes.</summary>
    public double DiskSlowness { get; set; } = 1;

    public double ApplierSlowness { get; set; } = 1;

    /// <summary>Power fails during the next synced write; after that long the peer starts again.</summary>
    public TimeSpan? CrashInNextWrite { get; set; }

    private TimeSpan LocalNow => _clockOrigin + _world.Now * _clockRate;

    // ---- life

    public void Start()
    {
        if (_state != NodeState.Down) return;
        _incarnation++;
        _state = NodeState.Running;
        _clockOrigin = TimeSpan.FromSeconds(_world.Random.Next(1_000_000));
        _outputsHeldUntil = TimeSpan.Zero;
        _pumpScheduled = _tickIsDue = false;
        _held.Clear();
        ResetShell();
        Raft = new RaftNode(
            _cluster.Settings with { Id = Id, Name = $"peer {Id}" }, Disk.Recover(), new Random(_world.Random.Next()), LocalNow);
        ObservedCommit = Disk.State.Applied;
        if (_world.IsTracing)
            _world.Trace($"{Id} starts: term {Raft.Term} log ({Raft.TruncatedIndex}, {Raft.LastIndex}] applied {Raft.AppliedIndex}");
        ScheduleTick();
    }

    public void Crash()
    {
        if (!IsUp) return;
        if (_world.IsTracing) _world.Trace($"{Id} crashes");
        _state = NodeState.Down;
        _incarnation++;
        CrashInNextWrite = null;
        Disk.Crash(_world);
        Raft = null;
    }

    public void Destroy()
    {
        if (_world.IsTracing) _world.Trace($"{Id} is destroyed");
        _state = NodeState.Destroyed;
        _incarnation++;
        Raft = null;
    }

    /// <summary>The process does nothing until <see cref="Resume"/>; its clock goes on. What arrives waits.</summary>
    /// <param name="midStep">It stops between deciding and acting: the effects of one more input leave only after the pause.</param>
    public void Pause(TimeSpan length, bool midStep)
    {
        if (_state != NodeState.Running) return;
        if (_world.IsTracing)
            _world.Trace($"{Id} pauses for {length.TotalMilliseconds:F0} ms{(midStep ? " in the middle of a step" : "")}");
        _state = midStep ? NodeState.Stalling : NodeState.Paused;
        if (midStep) _outputsHeldUntil = _world.Now + length;
        var incarnation = _incarnation;
        _world.After(length, () =>
        {
            if (incarnation == _incarnation) Resume();
        });
    }

    public void Resume()
    {
        if (!IsPaused) return;
        if (_world.IsTracing) _world.Trace($"{Id} resumes");
        _state = NodeState.Running;
        var held = _held.ToList();
        _held.Clear();
        foreach (var action in held) Execute(action);
        // However many were missed.
        if (_tickIsDue) Execute(Tick);
        SchedulePump();
    }

    // ---- input

    public void Deliver(Message message)
    {
        if (IsUp) Execute(() => Raft!.Step(message, LocalNow));
    }

    /// <summary>Does something with the core now, as far as the node runs.</summary>
    public void Do(Action<RaftNode, TimeSpan> action)
    {
        if (IsUp) Execute(() => action(Raft!, LocalNow));
    }

    private void ScheduleTick()
    {
        var interval = _cluster.Settings.TickInterval / _clockRate;
        Later(_world.Between(interval, interval * 1.1), () =>
        {
            if (IsPaused) _tickIsDue = true;
            else Execute(Tick);
        });
    }

    private void Tick()
    {
        _tickIsDue = false;
        Raft!.Tick(LocalNow);
        ScheduleTick();
    }

    /// <summary>Outside of the process (the disk, a timer): happens also while it is paused, but not after a crash.</summary>
    private void Later(TimeSpan delay, Action action)
    {
        var incarnation = _incarnation;
        _world.After(delay, () =>
        {
            if (incarnation == _incarnation) action();
        });
    }

    private void Post(TimeSpan delay, Action action) => Later(delay, () => Execute(action));

    private void Execute(Action action)
    {
        if (_state == NodeState.Paused)
        {
            _held.Add(action);
            return;
        }
        var incarnation = _incarnation;
        action();
        if (incarnation != _incarnation) return;
        _cluster.Checker.Observe(this, _cluster.Nodes);
        if (_state == NodeState.Stalling)
        {
            Pump();
            if (_state == NodeState.Stalling) _state = NodeState.Paused;
        }
        else
        {
            SchedulePump();
        }
    }

    /// <summary>A little later, so that one Ready carries what several inputs have caused.</summary>
    private void SchedulePump()
    {
        if (_pumpScheduled || !Raft!.HasReady) return;
        _pumpScheduled = true;
        Later(_world.Between(TimeSpan.Zero, _cluster.Settings.TickInterval / 20), () =>
        {
            _pumpScheduled = false;
            if (_state == NodeState.Running) Pump();
        });
    }

    /// <summary>When something that is decided now leaves the process.</summary>
    private TimeSpan DepartsIn => _outputsHeldUntil > _world.Now ? _outputsHeldUntil - _world.Now : TimeSpan.Zero;
}
