using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

// What enters the log: accepted at once or refused with the reason, never queued.
public sealed partial class RaftNode
{
    /// <summary>This leader's own proposals that are not applied yet.</summary>
    private readonly Queue<(ulong Index, long Bytes)> _pendingProposals = new();

    private long _pendingProposalBytes;

    /// <param name="data">The command.</param>
    /// <param name="requiredTerm">Not 0: the term in which the command was prepared; refused in any other.</param>
    /// <param name="context">Travels with the entry.</param>
    public ProposeResult Propose(ByteString data, ulong requiredTerm = 0, ByteString? context = null) =>
        Propose(new Entry { Data = data, Context = context ?? ByteString.Empty }, requiredTerm);

    /// <summary>
    /// Proposes a configuration change, one at a time. Without changes: leave the joint configuration. It takes effect when it is applied,
    /// by <see cref="ApplyConfChange"/>. More than one change, or a transition that is not <c>Auto</c>, goes through joint consensus; it is
    /// left automatically unless the transition is <c>Explicit</c>.
    /// </summary>
    /// <param name="context">The command that asked for it; travels with the entry.</param>
    public ProposeResult ProposeConfChange(ConfChangeV2 change, ulong requiredTerm = 0, ByteString? context = null)
    {
        var refusal = CheckConfChange(change);
        if (refusal != Refusal.None) return ProposeResult.Refused(refusal);
        return Propose(
            new Entry
            {
                EntryType = EntryType.EntryConfChangeV2,
                Data = change.ToByteString(),
                Context = context ?? ByteString.Empty
            }, requiredTerm);
    }

    private ProposeResult Propose(Entry entry, ulong requiredTerm)
    {
        var refusal = CheckProposal(entry, requiredTerm);
        if (refusal != Refusal.None) return ProposeResult.Refused(refusal);
        AppendOwn(entry);
        _pendingProposals.Enqueue((entry.Index, EntryCache.SizeOf(entry)));
        _pendingProposalBytes += EntryCache.SizeOf(entry);
        return new ProposeResult(Refusal.None, entry.Index, entry.Term);
    }

    private Refusal CheckProposal(Entry entry, ulong requiredTerm)
    {
        if (!IsLeader) return LeaderId == 0 ? Refusal.NoLeader : Refusal.NotLeader;
        if (requiredTerm != 0 && requiredTerm != Term) return Refusal.StaleTerm;
        if (_transferee != 0) return Refusal.Transferring;
        if (entry.Data.Length + entry.Context.Length > _config.MaxEntryBytes) return Refusal.EntryTooLarge;
        // One entry is always let through, however small the limit is.
        var isFull = _pendingProposals.Count > 0 && _pendingProposalBytes + EntryCache.SizeOf(entry) > _config.MaxPendingBytes;
        return isFull ? Refusal.TooMuchInFlight : Refusal.None;
    }

    private Refusal CheckConfChange(ConfChangeV2 change)
    {
        if (!IsLeader) return Refusal.None;
        if (_log.HasConfChange(AppliedIndex, LastIndex)) return Refusal.ConfChangePending;
        if (_group.IsJoint && change.Changes.Count > 0) return Refusal.ConfChangePending;
        return _group.With(change, out _) is null ? Refusal.ConfChangeInvalid : Refusal.None;
    }

    private void ForgetProposalsUpTo(ulong index)
    {
        while (_pendingProposals.TryPeek(out var oldest) && oldest.Index <= index)
            _pendingProposalBytes -= _pendingProposals.Dequeue().Bytes;
    }
}
