using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>The store is about to stop in order: its leaderships go first.</summary>
internal sealed partial class Peer
{
    private bool _handsOver;

    /// <summary>
    /// If this peer leads, the leadership goes to the voter with the longest log among those heard of lately that need no snapshot. A
    /// transfer that fails is tried again with each tick: until <see cref="HasHandedOver"/>, for as long as the store has patience.
    /// </summary>
    public void HandOver(TimeSpan now)
    {
        if (IsLeader)
            Stir(now);
        _handsOver = IsLeader && _raft.Followers.Any(f => !f.IsLearner);
        PassOn();
    }

    /// <summary>Nobody waits for this peer any more: it knows who leads instead of it, and what was proposed here has its answer.</summary>
    public bool HasHandedOver => !_handsOver || State == PeerState.Tombstone || (!IsLeader && Leader is not null && _proposals.Count == 0);

    private void PassOn()
    {
        if (!_handsOver || !IsLeader)
            return;
        ProposeOpenBatch();
        var candidates = _raft.Followers.Where(f => f is { IsLearner: false, RecentlyActive: true, State: ReplicationState.Replicate });
        foreach (var candidate in candidates.OrderByDescending(f => f.MatchIndex))
        {
            if (_raft.TransferLeader(candidate.Id) != Refusal.InvalidTarget)
                return;
        }
    }
}
