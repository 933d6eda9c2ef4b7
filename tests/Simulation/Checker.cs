using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Raft;

namespace TiKvActors.Simulation;

/// <summary>
/// Knows the whole truth about a run and compares every peer with it after every step: election safety, leader completeness, log matching,
/// state machine safety (Raft paper, figure 3), durability of what is committed, and linearizability of what clients see.
/// </summary>
internal sealed class Checker
{
    /// <summary>One committed entry, as the first peer that knew of it had it; state and hash once somebody applied it.</summary>
    private sealed class Committed(ulong term, ulong byLeaderOf)
    {
        public ulong Term { get; } = term;

        /// <summary>Term of the leader that committed it first.</summary>
        public ulong ByLeaderOf { get; } = byLeaderOf;

        public StateMachine? State { get; set; }
    }

    private readonly World _world;

    /// <summary>Index of the state that every group begins with.</summary>
    private readonly ulong _bootstrapIndex;

    private readonly List<Committed> _log = [];
    private readonly Dictionary<ulong, ulong> _leaderOfTerm = [];
    private readonly Dictionary<(ulong Index, ulong Term), (ulong PreviousTerm, ulong Hash)> _entries = [];
    private readonly HashSet<long> _applied = [];
    private readonly HashSet<long> _failed = [];

    public Checker(World world, ulong bootstrapIndex)
    {
        (_world, _bootstrapIndex) = (world, bootstrapIndex);
        CompletedPosition = bootstrapIndex;
    }

    public ulong LastCommitted => _bootstrapIndex + (ulong)_log.Count;

    /// <summary>The highest log position that a completed operation has shown to a client.</summary>
    public ulong CompletedPosition { get; private set; }

    /// <summary>Called whenever <paramref name="node"/> may have changed.</summary>
    public void Observe(SimNode node, IEnumerable<SimNode> all)
    {
        var raft = node.Raft!;
        if (raft.IsLeader) ObserveLeader(node, raft);
        for (; node.ObservedCommit < raft.CommittedIndex; node.ObservedCommit++)
            ObserveCommit(node, raft, node.ObservedCommit + 1, all);
    }

    /// <summary>The entries of a write that has just been synced.</summary>
    public void ObserveEntries(SimNode node, IReadOnlyList<Entry> entries)
    {
        foreach (var entry in entries)
        {
            var facts = (node.Disk.TermAt(entry.Index - 1) ?? 0, Fingerprint.Of(entry, 0));
            if (_entries.TryAdd((entry.Index, entry.Term), facts)) continue;
            var known = _entries[(entry.Index, entry.Term)];
            World.Check(
                known.Hash == facts.Item2 && (known.PreviousTerm == facts.Item1 || facts.Item1 == 0 || known.PreviousTerm == 0),
                () => $"log matching: peer {node.Id} has another entry {entry.Index} of term {entry.Term}, "
                    + $"or another one before it ({facts} and {known})");
        }
    }

    /// <summary>Term, vote and entries are durable before any message leaves that depends on them.</summary>
    public static void ObserveSent(SimNode node, Message message)
    {
        if (message.MsgType is MessageType.MsgRequestPreVote or MessageType.MsgRequestPreVoteResponse) return;
        var disk = node.Disk;
        World.Check(
            message.Term <= disk.HardState.Term,
            () => $"durability: peer {node.Id} sends {message.MsgType} of term {message.Term}, "
                + $"and its disk knows term {disk.HardState.Term}");
        if (message.Reject) return;
        World.Check(
            message.MsgType != MessageType.MsgAppendResponse || (disk.TermAt(message.Index) ?? 0) <= message.Term,
            () => $"durability: peer {node.Id} acknowledges {message.Index} in term {message.Term}, "
                + $"and its disk has an entry of term {disk.TermAt(message.Index)} there");
        if (message.Term != disk.HardState.Term) return;
        var vote = message.MsgType == MessageType.MsgRequestVote
            ? node.Id : message.MsgType == MessageType.MsgRequestVoteResponse ? message.To : 0;
        World.Check(
            vote == 0 || disk.HardState.Vote == vote,
            () =>
                $"durability: peer {node.Id} votes for {vote} in term {message.Term}, and its disk knows a vote for {disk.HardState.Vote}");
        World.Check(
            message.MsgType != MessageType.MsgAppendResponse || message.Index <= disk.LastIndex,
            () => $"durability: peer {node.Id} acknowledges {message.Index}, and its disk ends at {disk.LastIndex}");
    }

    public void ObserveApplied(SimNode node, StateMachine state)
    {
        World.Check(
            state.Applied <= LastCommitted, () => $"peer {node.Id} applied {state.Applied}, which nobody has committed ({LastCommitted})");
        var known = At(state.Applied);
        World.Check(
            node.Disk.Holds(state.Applied, state.AppliedTerm),
            () => $"durability: peer {node.Id} applied entry {state.Applied} of term {state.AppliedTerm}, "
                + $"which its own journal does not hold");
        if (known.State is { } first)
        {
            World.Check(
                first.Hash == state.Hash && first.Registers.AsSpan().SequenceEqual(state.Registers)
                    && first.ConfState.Equals(state.ConfState),
                () => $"state machine safety: peer {node.Id} differs from another peer at applied index {state.Applied}");
            return;
        }
        known.State = state;
    }

    /// <summary>A command takes effect for the first time somewhere.</summary>
    public void ObserveEffect(Command command)
    {
        World.Check(
            !_failed.Contains(command.OperationId), () => $"operation {command.OperationId} was reported as failed and takes effect");
        _applied.Add(command.OperationId);
    }

    /// <summary>A client is told that its write has failed and will never happen.</summary>
    public void ObserveFailure(long operationId)
    {
        World.Check(!_applied.Contains(operationId), () => $"operation {operationId} is reported as failed but has taken effect");
        _failed.Add(operationId);
    }

    /// <summary>
    /// Positions in the log are the linearization order; it must agree with real time. A read shows the state after its position, a write
    /// is its position.
    /// </summary>
    /// <param name="floor"><see cref="CompletedPosition"/> when the operation was invoked.</param>
    public void ObserveCompletion(Operation operation, ulong floor, ulong position, long value)
    {
        var isRead = operation.Kind == OperationKind.Read;
        World.Check(
            isRead ? position >= floor : position > floor,
            () => $"linearizability: {operation} took effect at {position}, but an operation that was completed before it began "
                + $"shows {floor}");
        if (isRead)
        {
            var expected = position == _bootstrapIndex ? 0 : At(position).State!.Registers[operation.Register];
            World.Check(value == expected, () => $"linearizability: {operation} returned {value} at {position} instead of {expected}");
        }
        CompletedPosition = Math.Max(CompletedPosition, position);
    }

    /// <summary>While a lease holds, nobody else may have been elected.</summary>
    public void ObserveLeaseRead(SimNode reader, IEnumerable<SimNode> all)
    {
        var rival = all.FirstOrDefault(n => n.Raft is { IsLeader: true } raft && raft.Term > reader.Raft!.Term);
        World.Check(
            rival is null,
            () => $"lease: peer {reader.Id} serves a read by its lease of term {reader.Raft!.Term} while peer {rival!.Id} leads "
                + $"term {rival.Raft!.Term}");
    }

    private Committed At(ulong index) => _log[(int)(index - _bootstrapIndex) - 1];

    private void ObserveLeader(SimNode node, RaftNode raft)
    {
        if (!_leaderOfTerm.TryAdd(raft.Term, node.Id))
        {
            World.Check(
                _leaderOfTerm[raft.Term] == node.Id,
                () => $"election safety: peers {_leaderOfTerm[raft.Term]} and {node.Id} both lead term {raft.Term}");
            return;
        }
        _world.Coverage.Count("elections won");
        // A peer that was paused may win a term that is long over: later leaders owe it nothing.
        var first = Math.Max(raft.TruncatedIndex, _bootstrapIndex) + 1;
        for (var index = first; index <= LastCommitted && At(index).ByLeaderOf < raft.Term; index++)
        {
            World.Check(
                raft.TermAt(index) == At(index).Term,
                () => $"leader completeness: entry {index} of peer {node.Id}, leader of term {raft.Term}, has term {raft.TermAt(index)}; "
                    + $"committed is {At(index).Term}");
        }
    }

    private void ObserveCommit(SimNode node, RaftNode raft, ulong index, IEnumerable<SimNode> all)
    {
        // Committed by a snapshot: it is compared when it is installed.
        if (index <= _bootstrapIndex || raft.TermAt(index) is not { } term) return;
        if (index <= LastCommitted)
        {
            World.Check(
                At(index).Term == term,
                () =>
                    $"committed entries: peer {node.Id} has committed entry {index} with term {term}, another peer with {At(index).Term}");
            return;
        }
        World.Check(
            index == LastCommitted + 1, () => $"peer {node.Id} commits {index} after {LastCommitted}: who committed what is between?");
        World.Check(raft.IsLeader, () => $"peer {node.Id} commits {index} first, but leads nobody");
        // A leader learns the commit of a whole range at once; that its last entry is durable on a majority is what counts.
        var last = raft.CommittedIndex;
        CheckDurableOnMajority(raft, last, all);
        for (var i = index; i <= last; i++) _log.Add(new Committed(raft.TermAt(i)!.Value, raft.Term));
    }

    private static void CheckDurableOnMajority(RaftNode leader, ulong index, IEnumerable<SimNode> all)
    {
        var term = leader.TermAt(index)!.Value;
        var config = leader.ConfState;
        foreach (var voters in new[] { config.Voters, config.VotersOutgoing })
        {
            if (voters.Count == 0) continue;
            var holders = voters.Count(v => all.Any(n => n.Id == v && n.Disk.Holds(index, term)));
            World.Check(
                holders > voters.Count / 2,
                () => $"durability: entry {index} of term {term} is committed, but durable on only {holders} of voters {voters}");
        }
    }
}
