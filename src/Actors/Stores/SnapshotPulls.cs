using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Which snapshots a store pulls. One at a time for a region: receivers share the region's staging folders, and a new one begins by
/// deleting them. One that has outlived its peer is stopped, and until it has, the next incarnation's pull fails: the leader offers again.
/// Single-threaded, deterministic.
/// </summary>
/// <param name="start">Starts a receiver. When it has stopped, for whatever reason: <see cref="ReceiverStopped"/>.</param>
/// <param name="stop">Tells a receiver to stop; one that is stopping already may be told again.</param>
internal sealed class SnapshotPulls<TPeer, TReceiver>(
    int max, Func<TPeer, RaftMessage, TReceiver> start, Action<TReceiver> stop, Action<TPeer, SnapshotReceiver.Failed> fail)
    where TPeer : class
    where TReceiver : class
{
    private readonly Dictionary<ulong, (TPeer Peer, RaftMessage Announcement, TReceiver Receiver)> _byRegion = [];

    public IEnumerable<TReceiver> Receivers => _byRegion.Values.Select(p => p.Receiver);

    /// <summary>A peer wants the rows of an announced snapshot.</summary>
    public void Pull(TPeer peer, RaftMessage announcement)
    {
        if (_byRegion.ContainsKey(announcement.RegionId))
            fail(peer, new SnapshotReceiver.Failed(announcement, "an earlier pull of the region has not ended yet"));
        else if (_byRegion.Count >= max)
            fail(peer, new SnapshotReceiver.Failed(announcement, "too many snapshots are being received"));
        else
            _byRegion.Add(announcement.RegionId, (peer, announcement, start(peer, announcement)));
    }

    public void PeerStopped(TPeer peer)
    {
        foreach (var pull in _byRegion.Values)
        {
            if (pull.Peer.Equals(peer))
                stop(pull.Receiver);
        }
    }

    /// <returns>False if it is no receiver of the table.</returns>
    public bool ReceiverStopped(TReceiver receiver)
    {
        foreach (var (regionId, pull) in _byRegion)
        {
            if (!pull.Receiver.Equals(receiver))
                continue;
            _byRegion.Remove(regionId);
            // One that failed without a word: the peer would wait for it for ever. After any other end it ignores this.
            fail(pull.Peer, new SnapshotReceiver.Failed(pull.Announcement, "the receiver has stopped"));
            return true;
        }

        return false;
    }
}
