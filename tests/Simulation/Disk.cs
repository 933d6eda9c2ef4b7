using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Raft;

namespace TiKvActors.Simulation;

/// <summary>
/// A peer's two engines. The journal keeps a write once it is synced; the one in flight at a crash may be there afterwards or not. The data
/// engine is synced only now and then, and a crash takes it back to any state since.
/// </summary>
internal sealed class Disk
{
    private readonly List<Entry> _entries = [];

    /// <summary>States since the last sync, that one first.</summary>
    private readonly List<StateMachine> _states;

    private Ready? _writeInFlight;

    /// <summary>Entries are on the disk from now on. One that a crash took away with its write was never anybody's.</summary>
    public Action<IReadOnlyList<Entry>>? Written { get; set; }

    /// <param name="initial">What bootstrap wrote to both engines; null for a peer that waits for its first snapshot.</param>
    public Disk(StateMachine? initial)
    {
        _states = [initial ?? StateMachine.Empty];
        (TruncatedIndex, TruncatedTerm) = (State.Applied, State.AppliedTerm);
        HardState = new HardState { Term = TruncatedTerm, Commit = TruncatedIndex };
    }

    public HardState HardState { get; private set; }
    public ulong TruncatedIndex { get; private set; }
    public ulong TruncatedTerm { get; private set; }
    public ulong LastIndex => TruncatedIndex + (ulong)_entries.Count;
    public bool HasJournal { get; private set; }
    public StateMachine State => _states[^1];
    public StateMachine SyncedState => _states[0];

    public ulong? TermAt(ulong index)
    {
        if (index == TruncatedIndex) return TruncatedTerm;
        return index < TruncatedIndex || index > LastIndex ? null : At(index).Term;
    }

    public Entry At(ulong index) => _entries[(int)(index - TruncatedIndex) - 1];

    /// <summary>Does a restart of this peer find the entry, or a snapshot that covers it?</summary>
    public bool Holds(ulong index, ulong term) => index < TruncatedIndex || TermAt(index) == term;

    public void Begin(Ready ready) => _writeInFlight = ready;

    /// <summary>The write in flight is synced.</summary>
    public void Complete()
    {
        if (_writeInFlight is not { } ready) return;
        _writeInFlight = null;
        HasJournal = true;
        HardState = ready.HardState!;
        if (ready.Snapshot is { } snapshot) Install(snapshot);
        if (ready.Entries.Count == 0) return;
        var first = ready.Entries[0].Index;
        World.Check(
            first > TruncatedIndex && first <= LastIndex + 1,
            () => $"write of entries from {first} on leaves a hole: journal holds ({TruncatedIndex}, {LastIndex}]");
        _entries.RemoveRange((int)(first - TruncatedIndex) - 1, (int)(LastIndex + 1 - first));
        _entries.AddRange(ready.Entries);
        Written?.Invoke(ready.Entries);
    }

    public void Apply(StateMachine state) => _states.Add(state);

    public void SyncData() => _states.RemoveRange(0, _states.Count - 1);

    public void Truncate(ulong index, ulong term)
    {
        if (index <= TruncatedIndex) return;
        _entries.RemoveRange(0, (int)(index - TruncatedIndex));
        (TruncatedIndex, TruncatedTerm) = (index, term);
    }

    /// <summary>Power fails.</summary>
    public void Crash(World world)
    {
        if (_writeInFlight is not null)
        {
            var survives = world.Chance(0.5);
            world.Coverage.Count(survives ? "disk: unacknowledged write survived a crash" : "disk: write in flight lost in a crash");
            if (survives) Complete();
            _writeInFlight = null;
        }
        var kept = 1 + world.Random.Next(_states.Count);
        if (kept < _states.Count) world.Coverage.Count("disk: applied entries lost in a crash", _states.Count - kept);
        _states.RemoveRange(kept, _states.Count - kept);
        SyncData();
    }

    public RaftInitialState Recover() => new()
    {
        HardState = HardState,
        ConfState = State.ConfState,
        AppliedIndex = State.Applied,
        TruncatedIndex = TruncatedIndex,
        TruncatedTerm = TruncatedTerm,
        Entries = [.. _entries],
        NeverRan = !HasJournal,
    };

    private void Install(Snapshot snapshot)
    {
        _entries.Clear();
        (TruncatedIndex, TruncatedTerm) = (snapshot.Metadata.Index, snapshot.Metadata.Term);
        _states.Clear();
        _states.Add(StateMachine.From(snapshot));
    }
}
