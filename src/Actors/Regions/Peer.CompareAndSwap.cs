using Google.Protobuf;
using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.RaftCmdpb;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// Compare-and-swap on the leader: latch the key; read it at a read index that covers everything proposed before the latch; decide;
/// propose under the term in which it was read (invariant 4); answer and unlatch when it is applied. Blind writes to a latched key
/// wait behind it: one that slipped in between read and proposal would be overwritten by a swap that never saw it.
/// </summary>
internal sealed partial class Peer
{
    private readonly Latches<RegionRequest> _latches = new();
    private readonly Dictionary<CompareAndSwapRequest, Swap> _swaps = new(ReferenceEqualityComparer.Instance);
    private readonly List<(ulong Index, CompareAndSwapRequest Request)> _swapsWaitingForApply = [];

    private sealed class Swap
    {
        /// <summary>Last index that was in the log when the latch was taken.</summary>
        public ulong Barrier { get; set; }

        public ulong Term { get; set; }

        public bool IsDecided { get; set; }

        public ByteString? Current { get; set; }
    }

    private void BeginSwap(CompareAndSwapRequest request)
    {
        _swaps.Add(request, new Swap());
        if (_latches.Acquire(request, [request.Key]))
            ReadForSwap(request);
    }

    private void ReadForSwap(CompareAndSwapRequest request)
    {
        ProposeOpenBatch();
        var swap = _swaps[request];
        swap.Barrier = _raft.LastIndex;
        swap.Term = _raft.Term;
        _newReads.Add(request);
    }

    /// <summary>The answer to <see cref="PeerOutput.CompareAndSwapReads"/>.</summary>
    /// <param name="current">The live value; null if there is none.</param>
    public void CompareAndSwapRead(CompareAndSwapRequest request, ByteString? current)
    {
        if (!_swaps.TryGetValue(request, out var swap))
            return;
        swap.Current = current;
        swap.IsDecided = true;
        if (!IsLeader)
        {
            EndSwap(request, NotLeader());
            return;
        }

        if (request.Decide(current) is not { } mutation)
        {
            EndSwap(request, null, swapped: false);
            return;
        }

        if (request.CheckKeys(Region) is { } moved)
        {
            EndSwap(request, moved);
            return;
        }

        var command = new RaftCmdRequest { Header = Header(), Requests = { mutation } };
        Propose([request], RaftCommandCodec.Encode(command), mutation.Put?.Value.Length ?? 0, swap.Term);
    }

    /// <summary>The store could not read: nothing was proposed.</summary>
    public void CompareAndSwapFailed(CompareAndSwapRequest request, string why) =>
        EndSwap(request, _ => Reply(request, null, new ReadFailure(why)));

    private void EndSwap(CompareAndSwapRequest request, Error? error, bool swapped = true) =>
        EndSwap(request, swap => Reply(request, error, (swapped, swap.Current)));

    private void EndSwap(CompareAndSwapRequest request, Action<Swap> reply)
    {
        if (!_swaps.Remove(request, out var swap))
            return;
        _pendingWrites--;
        reply(swap);
        Unlatched(_latches.Release(request));
    }

    /// <summary>Swaps keep their latch; a write gives its own back at once, because what comes later is proposed behind it.</summary>
    private void Unlatched(List<RegionRequest> ready)
    {
        var next = new Queue<RegionRequest>(ready);
        while (next.TryDequeue(out var request))
        {
            if (request is CompareAndSwapRequest swap)
            {
                ReadForSwap(swap);
                continue;
            }

            var write = (WriteRequest)request;
            if (EpochMismatch(write) is { } moved)
            {
                Settle(write, moved);
            }
            else
            {
                _pendingWriteBytes -= write.Bytes;
                AddToBatch(write);
            }

            foreach (var later in _latches.Release(write))
                next.Enqueue(later);
        }
    }

    /// <summary>
    /// A write that must wait queues on all its keys and ranges, also the free ones: a swap that came later and took one of those would be
    /// decided on a value from before the write and be proposed behind it.
    /// </summary>
    /// <returns>True if the write now waits for a swap of one of its keys.</returns>
    private bool WaitsForLatch(WriteRequest write)
    {
        if (!_latches.Any)
            return false;
        var keys = new List<ByteString>();
        var ranges = new List<LatchRange>();
        var mustWait = false;
        foreach (var mutation in write.Mutations)
        {
            if (mutation.DeleteRange is { } deletion)
            {
                var range = new LatchRange(deletion.StartKey, deletion.EndKey);
                ranges.Add(range);
                mustWait |= _latches.IsHeld(range);
                continue;
            }

            var key = mutation.Put?.Key ?? mutation.Delete.Key;
            keys.Add(key);
            mustWait |= _latches.IsHeld(key);
        }

        return mustWait && !_latches.Acquire(write, keys, ranges);
    }

    private List<RegionRequest> TakeLatched()
    {
        // A swap that is in the log keeps waiting for its entry; without its latch, because a follower accepts no writes anyway.
        var proposed = _proposals.SelectMany(p => p.Requests).OfType<CompareAndSwapRequest>().ToHashSet(ReferenceEqualityComparer.Instance);
        var requests = new List<RegionRequest>();
        foreach (var owner in _latches.ReleaseAll())
        {
            if (proposed.Contains(owner))
                continue;
            requests.Add(owner);
            _pendingWrites--;
            if (owner is WriteRequest write)
                _pendingWriteBytes -= write.Bytes;
            else
                _swaps.Remove((CompareAndSwapRequest)owner);
        }

        _swapsWaitingForApply.Clear();
        return requests;
    }
}
