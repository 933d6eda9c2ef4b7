using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// What goes out, and what of it is done. At most one write is in flight; everything that comes meanwhile is in the next one.
public sealed partial class RaftNode
{
    /// <summary>Messages not yet given to the shell, some of them waiting for a write.</summary>
    private readonly List<Message> _outbox = [];

    private ulong _readyNumber;

    /// <summary>The Ready whose write is in flight.</summary>
    private Ready? _writing;

    private ulong _durableTerm;
    private ulong _durableVote;
    private ulong _durableCommit;
    private SoftState _reported;

    /// <summary>Sizes of what is handed out and not applied, by last index.</summary>
    private readonly Queue<(ulong LastIndex, long Bytes)> _applying = new();

    private long _applyingBytes;

    /// <summary>The journal read under way for entries to apply, and its answer.</summary>
    private LogRead? _applyRead;
    private IReadOnlyList<Entry> _readToApply = [];

    /// <summary>True if <see cref="TakeReady"/> has something for the shell to do.</summary>
    public bool HasReady =>
        (_writing is null && NeedsWrite)
        || _outbox.Exists(m => !DependsOnWrite(m))
        || _readStates.Count > 0 || _droppedReads.Count > 0 || _logReads.Count > 0 || _snapshotRequests.Count > 0
        || _reported != SoftState
        || CanHandOut
        || (IsLeader && ((_newReads.Count > 0 && HasCommittedInTerm) || _progress.Values.Any(p => NextStep(p) != FeedStep.Nothing)));

    private bool NeedsWrite => PublicCommit < CommittedIndex || Term != _durableTerm || _vote != _durableVote || _log.HasUnwritten;

    /// <summary>
    /// How much of the commit index may be told and applied: not a configuration change of which a crash could make this peer forget that
    /// it is committed. Otherwise a removed voter could be gone already while the others, after a restart, still need its vote.
    /// </summary>
    private ulong PublicCommit =>
        _log.FirstConfChange(_durableCommit, CommittedIndex) is var change and not 0 ? change - 1 : CommittedIndex;

    /// <summary>Last index that may be applied now.</summary>
    private ulong Applicable => Math.Min(PublicCommit, DurableIndex);

    /// <summary>Everything that has accumulated. May be called while a write is in flight; it then asks for no other.</summary>
    public Ready TakeReady(TimeSpan now)
    {
        if (IsLeader)
        {
            StartReadRound(now);
            SendAppends();
        }
        var committed = HandOut();
        var write = _writing is null && NeedsWrite;
        var entries = write ? _log.BeginWrite() : [];
        // Without a write to wait for, what still waits speaks of a log or a vote that is no more.
        if (_writing is null && !write) _outbox.RemoveAll(DependsOnWrite);
        var ready = new Ready
        {
            Number = ++_readyNumber,
            Messages = TakeMessages(m => !DependsOnWrite(m)),
            HardState = write ? new HardState { Term = Term, Vote = _vote, Commit = Math.Min(CommittedIndex, _log.WritingIndex) } : null,
            Entries = entries,
            Snapshot = write ? _log.PendingSnapshot : null,
            MessagesAfterPersist = write ? TakeMessages(IsCoveredByWrite) : [],
            CommittedEntries = committed,
            ReadStates = Take(_readStates),
            DroppedReads = Take(_droppedReads),
            LogReads = Take(_logReads),
            SnapshotRequests = Take(_snapshotRequests),
            SoftState = _reported == SoftState ? null : SoftState,
        };
        _reported = SoftState;
        if (write) _writing = ready;
        return ready;
    }

    /// <summary>What <paramref name="ready"/> asked to persist is durable; an installed snapshot is applied.</summary>
    public void Advance(Ready ready)
    {
        Invariant.Check(
            ReferenceEquals(ready, _writing),
            $"Ready {ready.Number} is not the one whose write is in flight ({_writing?.Number}) ({_config.Name})");
        _writing = null;
        (_durableTerm, _durableVote, _durableCommit) = (ready.HardState!.Term, ready.HardState.Vote, ready.HardState.Commit);
        _log.EndWrite(ready.Snapshot is not null);
        if (ready.Snapshot is not null) ForgetApplying(AppliedIndex);
        if (IsLeader) TryCommit();
        Evict();
    }

    /// <summary>Every entry up to <paramref name="index"/> is in the state machine.</summary>
    public void AdvanceApplied(ulong index)
    {
        _log.ApplyTo(index);
        ForgetApplying(index);
        ForgetProposalsUpTo(index);
        LeaveJointIfDue();
        Evict();
    }

    // ---- messages

    private void Send(Message message)
    {
        message.From = Id;
        // Pre-votes carry the term they ask about.
        if (message.Term == 0) message.Term = Term;
        _outbox.Add(message);
    }

    /// <summary>
    /// Whether <paramref name="message"/> says something that a crash could make untrue: a term, a vote or a log position that is not
    /// durable.
    /// </summary>
    private bool DependsOnWrite(Message message)
    {
        if (LeavesTermAlone(message)) return false;
        if (message.Term > _durableTerm) return true;
        return message.MsgType switch
        {
            MessageType.MsgRequestVote => _durableVote != Id,
            MessageType.MsgRequestVoteResponse => !message.Reject && _durableVote != message.To,
            MessageType.MsgAppendResponse => !message.Reject && message.Index > DurableIndex,
            _ => false,
        };
    }

    /// <summary>
    /// A snapshot is written alone: entries that came after it wait for the next write, and so does what depends on them.
    /// </summary>
    private bool IsCoveredByWrite(Message message) =>
        message.MsgType != MessageType.MsgAppendResponse || message.Reject || message.Index <= _log.WritingIndex;

    private List<Message> TakeMessages(Predicate<Message> which)
    {
        var taken = _outbox.FindAll(which);
        if (taken.Count > 0) _outbox.RemoveAll(which);
        return taken;
    }

    private static IReadOnlyList<T> Take<T>(List<T> list)
    {
        if (list.Count == 0) return [];
        T[] taken = [.. list];
        list.Clear();
        return taken;
    }

    // ---- committed entries

    private bool CanHandOut =>
        _log.HandedOut < Applicable
        && (_applying.Count == 0 || _applyingBytes < _config.MaxApplyingBytes)
        && (_log.HandedOut + 1 >= _log.FirstCachedIndex || _applyRead is null || _readToApply.Count > 0);

    private IReadOnlyList<Entry> HandOut()
    {
        if (!CanHandOut) return [];
        var first = _log.HandedOut + 1;
        var budget = _config.MaxApplyingBytes - _applyingBytes;
        if (_readToApply.Count == 0 && first < _log.FirstCachedIndex)
        {
            _applyRead = new LogRead(Id, first, Math.Min(Applicable, _log.FirstCachedIndex - 1), budget);
            _logReads.Add(_applyRead.Value);
            return [];
        }
        var entries = _readToApply.Count > 0 ? _readToApply : _log.Slice(first, Applicable, budget);
        _readToApply = [];
        _log.HandOutTo(entries[^1].Index);
        var bytes = entries.Sum(EntryCache.SizeOf);
        _applying.Enqueue((entries[^1].Index, bytes));
        _applyingBytes += bytes;
        return entries;
    }

    private void ProvideEntriesToApply(LogRead read, IReadOnlyList<Entry> entries)
    {
        if (_applyRead != read) return;
        _applyRead = null;
        // A snapshot has overtaken the read.
        if (read.FirstIndex != _log.HandedOut + 1) return;
        for (var i = 0; i < entries.Count; i++)
        {
            Invariant.Check(
                entries[i].Index == read.FirstIndex + (ulong)i && entries[i].Index <= Applicable
                    && _log.Matches(entries[i].Index, entries[i].Term),
                $"the journal's entry {entries[i].Index} of term {entries[i].Term} is not entry {read.FirstIndex + (ulong)i} of "
                    + $"term {_log.TermAt(read.FirstIndex + (ulong)i)} of the log ({_config.Name})");
        }
        _readToApply = entries;
    }

    private void DropReadToApply()
    {
        _applyRead = null;
        _readToApply = [];
    }

    private void ForgetApplying(ulong index)
    {
        while (_applying.TryPeek(out var oldest) && oldest.LastIndex <= index)
            _applyingBytes -= _applying.Dequeue().Bytes;
    }

    private void Evict() => _log.Evict(_config.MaxCachedLogBytes, _config.MaxCachedLogBytes + _config.MaxPendingBytes);
}
