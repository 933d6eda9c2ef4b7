using TiKvActors.Raft;
using TiKvActors.Protocol.Errors;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// Linearizable reads. All that wait share one read index (from the lease, or by a round of heartbeats); each is released once that
/// index is applied. A split or a change of range that was committed before the read index is applied by then, so the
/// epoch is checked again at release: that is what makes a read safe against a split that this leader has not applied yet.
/// </summary>
internal sealed partial class Peer
{
    private readonly List<RegionRequest> _newReads = [];
    private readonly Dictionary<ulong, List<RegionRequest>> _readsWithoutIndex = [];

    // Ascending by index.
    private readonly Queue<(ulong Index, RegionRequest Request)> _readsWaitingForApply = [];
    private ulong _lastReadId;
    private int _pendingReads;

    private void AskForReadIndex(TimeSpan now)
    {
        if (_newReads.Count == 0)
            return;
        var reads = new List<RegionRequest>(_newReads);
        _newReads.Clear();
        var id = ++_lastReadId;
        var refusal = _raft.ReadIndex(id, ReadMode.Lease, now);
        if (refusal == Refusal.None)
        {
            _readsWithoutIndex.Add(id, reads);
            return;
        }

        foreach (var read in reads)
            FailRead(read, refusal == Refusal.TooMuchInFlight ? Busy("too many reads wait for a read index") : NotLeader());
    }

    private void OnReadState(ReadState state, TimeSpan now)
    {
        if (!_readsWithoutIndex.Remove(state.RequestId, out var reads))
            return;
        foreach (var read in reads)
        {
            // What this leader proposed before the swap was latched must be visible to it, committed or not.
            var index = read is CompareAndSwapRequest swap ? Math.Max(state.Index, _swaps[swap].Barrier) : state.Index;
            if (index <= AppliedIndex)
                ReleaseRead(read, now);
            else if (read is CompareAndSwapRequest)
                _swapsWaitingForApply.Add((index, (CompareAndSwapRequest)read));
            else
                _readsWaitingForApply.Enqueue((index, read));
        }
    }

    private void OnReadDropped(ulong requestId)
    {
        if (!_readsWithoutIndex.Remove(requestId, out var reads))
            return;
        foreach (var read in reads)
            FailRead(read, NotLeader());
    }

    private void ReleaseAppliedReads(TimeSpan now)
    {
        while (_readsWaitingForApply.TryPeek(out var next) && next.Index <= AppliedIndex)
        {
            _readsWaitingForApply.Dequeue();
            ReleaseRead(next.Request, now);
        }

        for (var i = 0; i < _swapsWaitingForApply.Count; i++)
        {
            if (_swapsWaitingForApply[i].Index > AppliedIndex)
                continue;
            var swap = _swapsWaitingForApply[i].Request;
            _swapsWaitingForApply.RemoveAt(i--);
            ReleaseRead(swap, now);
        }
    }

    private void ReleaseRead(RegionRequest request, TimeSpan now)
    {
        if (request.Deadline <= now)
            FailRead(request, RegionErrors.DeadlineExceeded());
        else if (EpochMismatch(request) is { } moved)
            FailRead(request, moved);
        else if (request is CompareAndSwapRequest swap)
            Out.CompareAndSwapReads.Add(swap);
        else
        {
            _pendingReads--;
            Out.Reads.Add(new ReadTask((ReadRequest)request, Region));
        }
    }

    private void FailRead(RegionRequest request, Protocol.Errorpb.Error error)
    {
        if (request is CompareAndSwapRequest swap)
        {
            EndSwap(swap, error);
            return;
        }

        _pendingReads--;
        Reply(request, error);
    }
}
