using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Raft;

namespace TiKvActors.Simulation;

// What a store's shell does with each Ready.
internal sealed partial class SimNode
{
    private readonly Queue<Entry> _toApply = new();
    private readonly Dictionary<ulong, (ulong Term, Operation Operation)> _proposals = [];
    private readonly Dictionary<ulong, Operation> _reads = [];
    private readonly List<(ulong Index, Operation Operation)> _readable = [];
    private bool _isApplying;

    /// <summary>Raised when a snapshot replaces the state under the applier: what it still had to report is void.</summary>
    private int _applierGeneration;

    private ulong _lastReadId;
    private RaftRole _tracedRole;

    private TimeSpan DiskLatency => _world.Between(TimeSpan.Zero, _cluster.Settings.ElectionTimeout / 40) * DiskSlowness;

    private void ResetShell()
    {
        _toApply.Clear();
        _proposals.Clear();
        _reads.Clear();
        _readable.Clear();
        _isApplying = false;
        _applierGeneration++;
    }

    private void Pump()
    {
        for (var rounds = 0; Raft is { HasReady: true } raft; rounds++)
        {
            World.Check(rounds < 100, () => $"peer {Id} always has another Ready: {raft.SoftState}");
            Process(raft.TakeReady(LocalNow));
            if (Raft is not null) _cluster.Checker.Observe(this, _cluster.Nodes);
        }
    }

    private void Process(Ready ready)
    {
        foreach (var message in ready.Messages) Send(message);
        if (ready.MustPersist) Persist(ready);
        foreach (var entry in ready.CommittedEntries) _toApply.Enqueue(entry);
        ScheduleApply();
        foreach (var read in ready.ReadStates)
            if (_reads.Remove(read.RequestId, out var operation)) _readable.Add((read.Index, operation));
        foreach (var dropped in ready.DroppedReads)
            if (_reads.Remove(dropped, out var operation)) Fail(operation);
        if (ready.DroppedReads.Count > 0) _world.Coverage.Count("reads dropped by a lost leadership", ready.DroppedReads.Count);
        ServeReads();
        foreach (var read in ready.LogReads) ReadLog(read);
        foreach (var request in ready.SnapshotRequests) MakeSnapshot(request);
        if (ready.SoftState is { } soft) TraceRole(soft);
    }

    private void TraceRole(SoftState soft)
    {
        if (soft.Role == RaftRole.PreCandidate && _tracedRole != soft.Role) _world.Coverage.Count("pre-vote campaigns");
        if (soft.Role == RaftRole.Follower && _tracedRole == RaftRole.Leader) _world.Coverage.Count("leaders stepped down");
        _tracedRole = soft.Role;
        if (_world.IsTracing) _world.Trace($"{Id} is {soft.Role} in term {soft.Term}, leader {soft.LeaderId}");
    }

    // ---- messages

    private void Send(Message message)
    {
        if (_world.IsTracing) _world.Trace($"{Id} -> {message.To} {Describe(message)}");
        Checker.ObserveSent(this, message);
        if (message.MsgType == MessageType.MsgSnapshot)
        {
            SendSnapshot(message);
            return;
        }
        if (message.MsgType == MessageType.MsgTimeoutNow) _world.Coverage.Count("transfers: leadership offered");
        _cluster.Network.Send(message, DepartsIn, _cluster.Deliver);
    }

    private static string Describe(Message m) =>
        $"{m.MsgType} term {m.Term} index {m.Index}/{m.LogTerm} commit {m.Commit}"
        + (m.Entries.Count > 0 ? $" entries {m.Entries[0].Index}..{m.Entries[^1].Index}" : "")
        + (m.Reject ? $" rejected, hint {m.RejectHint}" : "")
        + (m.Snapshot is { } s ? $" snapshot {s.Metadata.Index}/{s.Metadata.Term} {s.Metadata.ConfState}" : "");

    private void SendSnapshot(Message message)
    {
        // Its chunks take a while; the sender learns how it went, and is sometimes wrong.
        var duration = _world.Between(TimeSpan.Zero, _cluster.Settings.ElectionTimeout);
        var arrives = !_world.Chance(0.2);
        var reported = _world.Chance(0.05) ? !arrives : arrives;
        _world.Coverage.Count(arrives ? "snapshots delivered" : "snapshots lost");
        if (arrives) _cluster.Network.Send(message, DepartsIn + duration, _cluster.Deliver);
        Post(duration * 1.1, () => Raft!.ReportSnapshot(message.To, reported));
    }

    // ---- writing

    private void Persist(Ready ready)
    {
        if (ready.Snapshot is not null)
        {
            // The appliers have settled: nothing of the old state is reported any more.
            _toApply.Clear();
            _isApplying = false;
            _applierGeneration++;
            _proposals.Clear();
        }
        if (ready.Entries.Count > 0 && ready.Entries[0].Index <= Disk.LastIndex) _world.Coverage.Count("log suffixes overwritten");
        Disk.Begin(ready);
        var latency = ready.Snapshot is null ? DiskLatency : DiskLatency * 5;
        if (CrashInNextWrite is { } downTime)
        {
            Later(latency * _world.Random.NextDouble(), () =>
            {
                Crash();
                _world.After(downTime, Start);
            });
        }
        Later(latency, () =>
        {
            Disk.Complete();
            Execute(() => Persisted(ready));
        });
    }

    private void Persisted(Ready ready)
    {
        if (ready.Snapshot is not null)
        {
            _world.Coverage.Count("snapshots installed");
            _cluster.Checker.ObserveApplied(this, Disk.State);
        }
        Raft!.Advance(ready);
        foreach (var message in ready.MessagesAfterPersist) Send(message);
        ServeReads();
    }

    // ---- applying

    private void ScheduleApply()
    {
        if (_isApplying || _toApply.Count == 0) return;
        _isApplying = true;
        var generation = _applierGeneration;
        Post(DiskLatency / 2 * ApplierSlowness, () =>
        {
            if (generation != _applierGeneration) return;
            _isApplying = false;
            Apply(_toApply.Dequeue());
            if (Raft is null) return;
            ServeReads();
            ScheduleApply();
        });
    }

    private void Apply(Entry entry)
    {
        var confState = Disk.State.ConfState;
        if (entry.EntryType == EntryType.EntryConfChangeV2) confState = ApplyConfChange(entry);
        var state = Disk.State.Apply(entry, confState, out var swapped);
        Disk.Apply(state);
        _cluster.Checker.ObserveApplied(this, state);
        if (entry.EntryType == EntryType.EntryNormal && !entry.Data.IsEmpty)
            _cluster.Checker.ObserveEffect(Command.Decode(entry.Data.Span));
        Raft!.AdvanceApplied(entry.Index);
        if (_proposals.Remove(entry.Index, out var proposal))
        {
            if (proposal.Term == entry.Term) Complete(proposal.Operation, entry.Index, swapped ? 1 : 0);
            else Fail(proposal.Operation);
        }
    }

    private ConfState ApplyConfChange(Entry entry)
    {
        var wasJoint = Disk.State.ConfState.VotersOutgoing.Count > 0;
        var wasLeader = Raft!.IsLeader;
        var state = Raft.ApplyConfChange(entry.Index, ConfChangeV2.Parser.ParseFrom(entry.Data));
        foreach (var id in state.Voters.Concat(state.VotersOutgoing).Concat(state.Learners).Concat(state.LearnersNext))
            _cluster.MemberSince[id] = Math.Max(_cluster.MemberSince.GetValueOrDefault(id), entry.Index);
        _world.Coverage.Count(
            "conf changes applied: " + (wasJoint ? "joint left" : state.VotersOutgoing.Count > 0 ? "joint entered" : "simple"));
        if (wasLeader && !Raft.IsLeader) _world.Coverage.Count("leaders removed by a conf change");
        if (_world.IsTracing) _world.Trace($"{Id} applies {entry.Index}: {state}");
        return state;
    }

    // ---- log and snapshots

    private void ReadLog(LogRead read)
    {
        _world.Coverage.Count(read.For == Id ? "journal reads for the applier" : "journal reads for followers");
        Post(DiskLatency, () =>
        {
            var entries = new List<Entry>();
            var bytes = 0L;
            if (read.FirstIndex > Disk.TruncatedIndex && (read.For == Id || !_world.Chance(0.05)))
            {
                var last = Math.Min(read.LastIndex, Disk.LastIndex);
                for (var index = read.FirstIndex; index <= last && (entries.Count == 0 || bytes < read.MaxBytes); index++)
                {
                    entries.Add(Disk.At(index));
                    bytes += Disk.At(index).Data.Length + 48;
                }
            }
            Raft!.ProvideEntries(read, entries);
        });
    }

    private void MakeSnapshot(SnapshotRequest request)
    {
        Post(DiskLatency * 3, () =>
        {
            if (_world.Chance(0.1)) Raft!.ReportSnapshot(request.To, delivered: false);
            else Raft!.ProvideSnapshot(request.To, Disk.State.ToSnapshot());
        });
    }

    /// <summary>Syncs the data, forgets the log up to some index that is applied there, and only then shortens the journal.</summary>
    public void Compact()
    {
        if (_state != NodeState.Running || Disk.HasJournal is false || Raft!.DurableIndex == 0) return;
        var generation = _applierGeneration;
        var applied = Disk.State.Applied;
        Post(DiskLatency, () =>
        {
            if (generation != _applierGeneration || applied <= Raft!.TruncatedIndex) return;
            Disk.SyncData();
            var index = Raft.TruncatedIndex + 1 + (ulong)_world.Random.NextInt64((long)(applied - Raft.TruncatedIndex));
            var term = Raft.TermAt(index)!.Value;
            Raft.Compact(index);
            _world.Coverage.Count("compactions");
            Later(DiskLatency, () =>
            {
                if (generation == _applierGeneration) Disk.Truncate(index, term);
            });
        });
    }

    // ---- clients

    public void Handle(Operation operation)
    {
        if (IsUp) Execute(() => Accept(operation));
    }

    private void Accept(Operation operation)
    {
        if (operation.Kind == OperationKind.Read) AcceptRead(operation);
        else AcceptWrite(operation);
    }

    private void AcceptRead(Operation operation)
    {
        var id = ++_lastReadId;
        var now = LocalNow;
        var byLease = operation.ReadMode == ReadMode.Lease && Raft!.HasLease(now);
        if (byLease) _cluster.Checker.ObserveLeaseRead(this, _cluster.Nodes);
        var refusal = Raft!.ReadIndex(id, operation.ReadMode, now);
        if (refusal != Refusal.None)
        {
            Refuse(operation, refusal);
            return;
        }
        _world.Coverage.Count(byLease ? "reads by lease" : "reads by read index");
        _reads[id] = operation;
    }

    private void AcceptWrite(Operation operation)
    {
        var command = new Command(operation.Id, operation.Kind, operation.Register, operation.Expected, operation.Value);
        var staleTerm = _world.Chance(0.01) ? Raft!.Term + 1 : 0;
        var result = Raft!.Propose(command.Encode(_world.Random.Next(80)), staleTerm);
        if (!result.Accepted)
        {
            Refuse(operation, result.Refusal);
            return;
        }
        // An entry that was replaced before it was applied here.
        if (_proposals.Remove(result.Index, out var replaced) && replaced.Term != result.Term) _world.Coverage.Count("proposals replaced");
        _proposals[result.Index] = (result.Term, operation);
    }

    private void ServeReads()
    {
        if (Raft is not { } raft) return;
        for (var i = _readable.Count - 1; i >= 0; i--)
        {
            var (index, operation) = _readable[i];
            if (raft.AppliedIndex < index) continue;
            _readable.RemoveAt(i);
            Complete(operation, Disk.State.Applied, Disk.State.Registers[operation.Register]);
        }
    }

    private void Complete(Operation operation, ulong position, long value) =>
        operation.Answer(DepartsIn, new Answer(AnswerKind.Done, position, value));

    private void Refuse(Operation operation, Refusal refusal)
    {
        _world.Coverage.Count($"refused: {refusal}");
        Fail(operation);
    }

    private void Fail(Operation operation)
    {
        if (operation.Kind != OperationKind.Read) _cluster.Checker.ObserveFailure(operation.Id);
        operation.Answer(DepartsIn, new Answer(AnswerKind.Failed, 0, 0) { LeaderHint = Raft?.LeaderId ?? 0 });
    }
}
