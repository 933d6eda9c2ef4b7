using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>What comes back from the appliers: effects on the region, and the answers of proposals.</summary>
internal sealed partial class Peer
{
    // Terms of the entries that are handed out and not applied yet, as runs.
    private readonly Queue<(ulong LastIndex, ulong Term)> _applyingTerms = [];

    private void RememberTerms(IReadOnlyList<Entry> entries)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            if (i + 1 == entries.Count || entries[i + 1].Term != entries[i].Term)
                _applyingTerms.Enqueue((entries[i].Index, entries[i].Term));
        }
    }

    /// <summary>
    /// Everything up to <paramref name="appliedIndex"/> is written. The effects are those of the entries since the last call, in order.
    /// </summary>
    public void Applied(ulong appliedIndex, IReadOnlyList<ApplyEffect> effects, TimeSpan now)
    {
        Invariant.Check(appliedIndex > AppliedIndex, $"region {Region.Id}, peer {Self.Id}: applied {appliedIndex} after {AppliedIndex}");
        // Writes that were accepted under the epoch before must carry it.
        if (effects.Count > 0)
            ProposeOpenBatch();
        foreach (var effect in effects)
            Take(effect, now);
        AppliedIndex = appliedIndex;
        _raft.AdvanceApplied(appliedIndex);
        SettleProposals(appliedIndex, effects);
        ReleaseAppliedReads(now);
        while (_applyingTerms.TryPeek(out var run) && run.LastIndex <= appliedIndex)
            _applyingTerms.Dequeue();
    }

    private void Take(ApplyEffect effect, TimeSpan now)
    {
        switch (effect)
        {
            case ApplyEffect.PeersChanged changed:
                _raft.ApplyConfChange(changed.Index, changed.Change);
                Region = changed.Region;
                Self = RegionState.FindPeer(Region, Self.Id) ?? Self;
                Out.ReportToPd |= IsLeader;
                if (changed.RemovedSelf)
                    BecomeTombstone();
                break;
            case ApplyEffect.Split split:
                Region = split.Derived;
                Out.Splits.Add(new SplitTask(split.Derived, split.Regions, split.Created, IsLeader));
                Out.ReportToPd |= IsLeader;
                break;
            case ApplyEffect.LogCompacted compacted:
                WantTruncation(compacted.CompactIndex, compacted.CompactTerm);
                break;
        }
    }

    private void SettleProposals(ulong appliedIndex, IReadOnlyList<ApplyEffect> effects)
    {
        var nextEffect = 0;
        while (_proposals.First is { } node && node.Value.Index <= appliedIndex)
        {
            var proposal = node.Value;
            _proposals.RemoveFirst();
            while (nextEffect < effects.Count && effects[nextEffect].Index < proposal.Index)
                nextEffect++;
            var effect = nextEffect < effects.Count && effects[nextEffect].Index == proposal.Index ? effects[nextEffect] : null;
            var error = TermOfApplying(proposal.Index) == proposal.Term ? (effect as ApplyEffect.Refused)?.Error : Overwritten(proposal);
            foreach (var request in proposal.Requests)
                Settle(request, error, ResultOf(effect));
        }
    }

    private static object? ResultOf(ApplyEffect? effect) => effect switch
    {
        ApplyEffect.Split split => split.Regions,
        ApplyEffect.PeersChanged changed => changed.Region,
        ApplyEffect.Executed executed => executed.Result,
        _ => null,
    };

    private ulong TermOfApplying(ulong index)
    {
        foreach (var (lastIndex, term) in _applyingTerms)
        {
            if (index <= lastIndex)
                return term;
        }

        throw new InvariantViolationException(
            $"region {Region.Id}, peer {Self.Id}: entry {index} was applied without having been handed out");
    }

    private void BecomeTombstone()
    {
        if (State == Protocol.RaftServerpb.PeerState.Tombstone)
            return;
        State = Protocol.RaftServerpb.PeerState.Tombstone;
        IsAsleep = false;
        Out.Destroy = true;
        FailAll($"peer {Self.Id} of region {Region.Id} was removed with the write in its log");
    }
}
