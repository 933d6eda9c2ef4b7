using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft.Tests;

/// <summary>
/// A core with the simplest shell: a journal in a list, writes that are done at once unless they are held, entries applied at once.
/// </summary>
internal sealed class TestPeer
{
    private readonly TestGroup _group;
    private readonly List<Entry> _journal = [];
    private readonly List<Entry> _applied = [];
    private HardState _hardState;
    private ConfState _confState;
    private ulong _appliedIndex;
    private ulong _truncatedIndex;
    private ulong _truncatedTerm;
    private bool _hasWritten;

    public TestPeer(TestGroup group, RaftConfig config, ConfState confState, ulong index, ulong term)
    {
        (_group, Config, _confState) = (group, config, confState);
        (_appliedIndex, _truncatedIndex, _truncatedTerm) = (index, index, term);
        _hardState = new HardState { Term = term, Commit = index };
        Node = Create();
    }

    public RaftConfig Config { get; }

    public RaftNode Node { get; private set; }

    /// <summary>Writes are begun and not finished until <see cref="FinishWrite"/>.</summary>
    public bool HoldWrites { get; set; }

    /// <summary>Committed entries are taken and not applied until this is false again.</summary>
    public bool HoldApplying { get; set; }

    public Ready? WriteInFlight { get; private set; }

    public IReadOnlyList<Entry> Journal => _journal;

    public IReadOnlyList<Entry> Applied => _applied;

    public List<ReadState> Reads { get; } = [];

    public List<ulong> DroppedReads { get; } = [];

    /// <summary>Loses what is in flight and starts from what is durable.</summary>
    public void Restart()
    {
        WriteInFlight = null;
        _applied.Clear();
        Node = Create();
    }

    public Ready Process()
    {
        var ready = Node.TakeReady(_group.Now);
        _group.Send(ready.Messages);
        if (ready.MustPersist)
        {
            WriteInFlight = ready;
            if (!HoldWrites) FinishWrite();
        }
        _applied.AddRange(ready.CommittedEntries);
        if (!HoldApplying) Apply();
        Reads.AddRange(ready.ReadStates);
        DroppedReads.AddRange(ready.DroppedReads);
        foreach (var read in ready.LogReads)
            Node.ProvideEntries(read, [.. _journal.Where(e => e.Index >= read.FirstIndex && e.Index <= read.LastIndex)]);
        foreach (var request in ready.SnapshotRequests) Node.ProvideSnapshot(request.To, MakeSnapshot());
        return ready;
    }

    public void FinishWrite()
    {
        if (WriteInFlight is not { } ready) return;
        WriteInFlight = null;
        _hasWritten = true;
        _hardState = ready.HardState!;
        if (ready.Snapshot is { } snapshot) Install(snapshot.Metadata);
        if (ready.Entries.Count > 0)
        {
            _journal.RemoveAll(e => e.Index >= ready.Entries[0].Index);
            _journal.AddRange(ready.Entries);
        }
        Node.Advance(ready);
        _group.Send(ready.MessagesAfterPersist);
    }

    public void Apply()
    {
        foreach (var entry in _applied.Where(e => e.Index > _appliedIndex).ToList())
        {
            if (entry.EntryType == EntryType.EntryConfChangeV2)
                _confState = Node.ApplyConfChange(entry.Index, ConfChangeV2.Parser.ParseFrom(entry.Data));
            _appliedIndex = entry.Index;
            Node.AdvanceApplied(entry.Index);
        }
    }

    public void Compact(ulong index)
    {
        _truncatedTerm = Node.TermAt(index)!.Value;
        _truncatedIndex = index;
        Node.Compact(index);
        _journal.RemoveAll(e => e.Index <= index);
    }

    private Snapshot MakeSnapshot() => new()
    {
        Metadata = new SnapshotMetadata { Index = _appliedIndex, Term = Node.TermAt(_appliedIndex)!.Value, ConfState = _confState },
    };

    private void Install(SnapshotMetadata metadata)
    {
        _journal.Clear();
        (_truncatedIndex, _truncatedTerm) = (metadata.Index, metadata.Term);
        (_appliedIndex, _confState) = (metadata.Index, metadata.ConfState);
    }

    private RaftNode Create() => new(
        Config,
        new RaftInitialState
        {
            HardState = _hardState,
            ConfState = _confState,
            AppliedIndex = _appliedIndex,
            TruncatedIndex = _truncatedIndex,
            TruncatedTerm = _truncatedTerm,
            Entries = [.. _journal],
            NeverRan = !_hasWritten,
        },
        new Random((int)Config.Id),
        _group.Now);
}
