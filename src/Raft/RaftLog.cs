using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

/// <summary>
/// The log of one peer and how far each of its stages has come. All entries' terms are here; the entries themselves as far back as the byte
/// limits allow.
/// <code>
/// truncated &lt;= applied &lt;= handed out &lt;= min(committed, durable) &lt;= last
/// </code>
/// </summary>
internal sealed class RaftLog
{
    private readonly string _name;
    private readonly EntryCache _cache;
    private readonly TermTable _terms = new();

    /// <summary>Indexes of configuration changes that are not applied yet, rising.</summary>
    private readonly List<ulong> _confChanges = [];

    private ulong _durable;

    public RaftLog(string name, RaftInitialState initial)
    {
        _name = name;
        TruncatedIndex = initial.TruncatedIndex;
        TruncatedTerm = initial.TruncatedTerm;
        _cache = new EntryCache(TruncatedIndex + 1);
        Applied = HandedOut = initial.AppliedIndex;
        foreach (var entry in initial.Entries) Append(entry);
        _durable = LastIndex;
        Committed = Math.Max(initial.HardState.Commit, Applied);
        Invariant.Check(
            Applied >= TruncatedIndex,
            $"applied {Applied} < truncated {TruncatedIndex} ({_name}): is the data older than the journal's compaction?");
        Invariant.Check(Committed <= LastIndex, $"committed {Committed} > last index {LastIndex} ({_name}): is the journal's end missing?");
    }

    public ulong TruncatedIndex { get; private set; }
    public ulong TruncatedTerm { get; private set; }
    public ulong LastIndex => _cache.NextIndex - 1;
    public ulong LastTerm => TermAt(LastIndex)!.Value;
    public ulong Committed { get; private set; }

    /// <summary>Last index given to the shell for application.</summary>
    public ulong HandedOut { get; private set; }

    public ulong Applied { get; private set; }

    /// <summary>Set from the arrival of a snapshot until it is durable: nothing of this log counts as durable before.</summary>
    public Snapshot? PendingSnapshot { get; private set; }

    /// <summary>Last index of the write in flight, as far as nothing has replaced it since; 0 without one.</summary>
    public ulong WritingIndex { get; private set; }

    public ulong DurableIndex => PendingSnapshot is null ? _durable : 0;

    /// <summary>Entries before this one are to be read from the journal.</summary>
    public ulong FirstCachedIndex => _cache.FirstIndex;

    public long CachedBytes => _cache.Bytes;

    public ulong? TermAt(ulong index)
    {
        if (index == TruncatedIndex) return TruncatedTerm;
        return index < TruncatedIndex || index > LastIndex ? null : _terms.At(index);
    }

    public bool Matches(ulong index, ulong term) => TermAt(index) == term;

    /// <summary>Raft paper 5.4.1: the later last term wins, then the longer log.</summary>
    public bool IsUpToDate(ulong lastIndex, ulong lastTerm) => lastTerm > LastTerm || (lastTerm == LastTerm && lastIndex >= LastIndex);

    /// <summary>
    /// Where two logs may still agree: the largest index up to <paramref name="index"/> with a term of at most <paramref name="term"/>.
    /// </summary>
    public (ulong Index, ulong Term) FindConflictByTerm(ulong index, ulong term)
    {
        if (index > LastIndex) return (index, 0);
        if (index <= TruncatedIndex) return (index, TermAt(index) ?? 0);
        if (_terms.LastWithTermAtMost(index, term) is { } found && found > TruncatedIndex) return (found, TermAt(found)!.Value);
        return TruncatedTerm <= term ? (TruncatedIndex, TruncatedTerm) : (TruncatedIndex - 1, 0);
    }

    public void Append(Entry entry)
    {
        Invariant.Check(
            entry.Term >= LastTerm,
            $"entry {entry.Index} of term {entry.Term} after term {LastTerm} ({_name}): terms never fall in a log");
        _cache.Append(entry);
        _terms.Append(entry.Index, entry.Term);
        if (entry.EntryType != EntryType.EntryNormal && entry.Index > Applied) _confChanges.Add(entry.Index);
    }

    /// <summary>
    /// Takes over a leader's entries that follow <paramref name="previous"/>, where the logs agree. Returns the last index known to agree.
    /// </summary>
    public ulong Merge(ulong previous, IReadOnlyList<Entry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.Index <= LastIndex)
            {
                if (Matches(entry.Index, entry.Term)) continue;
                RemoveFrom(entry.Index, entry.Term);
            }
            Append(entry);
        }
        return previous + (ulong)entries.Count;
    }

    public void CommitTo(ulong index)
    {
        if (index <= Committed) return;
        Invariant.Check(index <= LastIndex, $"commit {index} > last index {LastIndex} ({_name}): was the log truncated?");
        Committed = index;
    }

    /// <summary>Is there a configuration change, not applied yet, in (<paramref name="after"/>, <paramref name="upTo"/>]?</summary>
    public bool HasConfChange(ulong after, ulong upTo) => FirstConfChange(after, upTo) != 0;

    /// <summary>Index of the first one; 0 if there is none.</summary>
    public ulong FirstConfChange(ulong after, ulong upTo) => _confChanges.Find(i => i > after && i <= upTo);

    /// <summary>
    /// Entries from <paramref name="first"/> on, which is in memory (<see cref="FirstCachedIndex"/>); at least one, if there is one.
    /// </summary>
    public List<Entry> Slice(ulong first, ulong last, long maxBytes) => _cache.Slice(first, last, maxBytes);

    public bool HasUnwritten => _durable < LastIndex || PendingSnapshot is not null;

    /// <summary>What the next write must hold. A snapshot is written alone.</summary>
    public List<Entry> BeginWrite()
    {
        if (PendingSnapshot is not null)
        {
            WritingIndex = TruncatedIndex;
            return [];
        }
        WritingIndex = LastIndex;
        return _cache.Slice(_durable + 1, LastIndex, long.MaxValue);
    }

    public void EndWrite(bool snapshot)
    {
        if (snapshot)
        {
            Invariant.Check(PendingSnapshot is not null, $"a snapshot was written that nobody waits for ({_name})");
            Applied = Math.Max(Applied, TruncatedIndex);
            PendingSnapshot = null;
        }
        // A snapshot that arrived during an ordinary write has replaced what that write held.
        if (PendingSnapshot is null) _durable = Math.Max(_durable, WritingIndex);
        WritingIndex = 0;
    }

    public void HandOutTo(ulong index)
    {
        Invariant.Check(
            index <= Committed && index <= DurableIndex,
            $"handing out {index} > min(committed {Committed}, durable {DurableIndex}) ({_name})");
        HandedOut = index;
    }

    public void ApplyTo(ulong index)
    {
        // The applier may still report entries that a snapshot has overtaken.
        if (index <= Applied) return;
        Invariant.Check(index <= HandedOut, $"applied {index} > handed out {HandedOut} ({_name}): who gave it out?");
        Applied = index;
        _confChanges.RemoveAll(i => i <= index);
    }

    public void Compact(ulong index)
    {
        if (index <= TruncatedIndex) return;
        Invariant.Check(index <= Applied, $"compacting to {index} > applied {Applied} ({_name})");
        (TruncatedTerm, TruncatedIndex) = (TermAt(index)!.Value, index);
        while (_cache.FirstIndex <= index && _cache.Count > 0) _cache.RemoveFirst();
        if (index == LastIndex) _terms.Clear();
        else _terms.RemoveBefore(index + 1);
    }

    public void Restore(Snapshot snapshot)
    {
        var (index, term) = (snapshot.Metadata.Index, snapshot.Metadata.Term);
        Invariant.Check(index > Committed, $"restoring snapshot {index} <= committed {Committed} ({_name})");
        (TruncatedIndex, TruncatedTerm) = (index, term);
        _cache.Reset(index + 1);
        _terms.Clear();
        _confChanges.Clear();
        Committed = HandedOut = _durable = index;
        WritingIndex = 0;
        PendingSnapshot = snapshot;
    }

    /// <summary>
    /// Drops the oldest durable entries beyond the limits: those handed out above <paramref name="maxHandedOut"/> bytes, any other only
    /// above <paramref name="maxTotal"/>, because they must be read back to be applied.
    /// </summary>
    public void Evict(long maxHandedOut, long maxTotal)
    {
        while (_cache.Count > 0 && _cache.FirstIndex <= DurableIndex
            && _cache.Bytes > (_cache.FirstIndex <= HandedOut ? maxHandedOut : maxTotal))
        {
            _cache.RemoveFirst();
        }
    }

    private void RemoveFrom(ulong index, ulong newTerm)
    {
        Invariant.Check(
            index > Committed,
            $"entry {index} of term {TermAt(index)} is committed ({Committed}) but a leader sends term {newTerm} ({_name}): two leaders, "
                + $"or a lost write");
        _cache.RemoveFrom(index);
        _terms.RemoveFrom(index);
        _confChanges.RemoveAll(i => i >= index);
        _durable = Math.Min(_durable, index - 1);
        WritingIndex = Math.Min(WritingIndex, index - 1);
    }
}
