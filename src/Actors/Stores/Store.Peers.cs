using Akka.Actor;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.RaftServerpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Stores;

/// <summary>Which peers live here: made by bootstrap, by splits and by messages; restarted after failures; gone with their tombstone.</summary>
internal sealed partial class Store
{
    private void StartPeer(PeerStart start)
    {
        // A tombstone that starts is a destruction to be finished: until then its range is taken.
        if (start.State is { } state)
            _services.Router.Own(state.Region);
        var actor = Context.ActorOf(RegionPeer.Props(_services, start), $"region-{start.RegionId}-{start.Self.Id}");
        Context.Watch(actor);
        _failed.Remove(start.RegionId);
        _peers[start.RegionId] = new PeerEntry(actor, start.Self, start.State is not null);
    }

    /// <summary>A new region of a split. A peer that a message made before the split was applied here gives way.</summary>
    private void StartCreated(Region region, bool campaign)
    {
        var self = region.Peers.First(p => p.StoreId == _services.StoreId);
        var start = new PeerStart(region.Id, self, new RegionLocalState { State = PeerState.Normal, Region = region }, RegionState.InitialApplyState(), Campaign: campaign);
        if (!_peers.TryGetValue(region.Id, out var earlier))
        {
            StartPeer(start);
            return;
        }

        earlier.Successor = start;
        earlier.Actor.Tell(RegionPeer.Stop.Instance);
    }

    /// <summary>
    /// A message for a region that has no peer here. A peer is made only if the message may make one, if the region is not one that
    /// was removed from here, and if its range is not held by another region: then this store waits for its own split.
    /// </summary>
    private void MaybeCreatePeer(RaftMessage message)
    {
        if (_failed.Contains(message.RegionId) || message.IsTombstone || message.ToPeer?.StoreId != _services.StoreId || message.Message is null || !Peer.MayCreatePeer(message.Message))
            return;
        if (_tombstones.TryGetValue(message.RegionId, out var removed)
            && (message.RegionEpoch is null || message.RegionEpoch.ConfVer <= removed.RegionEpoch.ConfVer || removed.Peers.Any(p => p.Id == message.ToPeer.Id && p.StoreId == _services.StoreId)))
            return;
        if (message.RegionEpoch is null || _services.Router.FindOverlapping(message.RegionId, message.StartKey, message.EndKey) is not null)
            return;
        StartPeer(new PeerStart(message.RegionId, message.ToPeer));
        _peers[message.RegionId].Actor.Tell(message);
    }

    private void OnDestroyed(PeerDestroyed destroyed)
    {
        if (destroyed.Region.RegionEpoch is not null)
            _tombstones[destroyed.RegionId] = destroyed.Region;
        if (_peers.TryGetValue(destroyed.RegionId, out var entry) && entry.Self.Id == destroyed.PeerId)
            entry.IsDestroyed = true;
    }

    private void OnTerminated(IActorRef actor)
    {
        if (_receivers.Remove(actor, out var pull))
        {
            // One that failed without a word: the peer would wait for it for ever. After any other end it ignores this.
            pull.Peer.Tell(new SnapshotReceiver.Failed(pull.Announcement, "the receiver has stopped"));
            return;
        }

        var (regionId, entry) = _peers.FirstOrDefault(p => p.Value.Actor.Equals(actor));
        if (entry is null)
            return;
        _peers.Remove(regionId);
        if (entry.Successor is { } successor)
        {
            StartPeer(successor);
        }
        else if (!entry.IsDestroyed)
        {
            // The appliers settle or drop everything of this incarnation before another one starts.
            _failed.Add(regionId);
            _services.ApplierOf(regionId).Tell(new Applier.Unregister(regionId));
        }
    }

    private void ReadStateOfFailed(ulong regionId)
    {
        var (engine, storeId) = (_services.Engines.Data, _services.StoreId);
        var known = _peers.Keys.Concat(_failed).ToHashSet();
        _slowWorker.Tell(new SlowWorker.Run($"reading the state of region {regionId}", () =>
        {
            var state = engine.ReadRegionState(regionId);
            var start = state is null ? null : PeerStates.StartOf(engine, storeId, state);
            return new PeerStateRead(regionId, start, state is { State: PeerState.Tombstone } ? state.Region : null, PeerStates.Unstarted(engine, storeId, known));
        }));
    }

    private void OnStateOfFailed(PeerStateRead read)
    {
        foreach (var start in read.Unstarted)
        {
            // Its peer may have come, and even gone, since the disk was read.
            if (!_peers.ContainsKey(start.RegionId) && !_failed.Contains(start.RegionId) && !_tombstones.ContainsKey(start.RegionId))
                StartPeer(start);
        }

        if (read.Start is { } next)
        {
            Timers.StartSingleTimer($"restart-{next.RegionId}", new RestartPeer(next), NextBackoff(next));
            return;
        }

        // A split may have made its peer meanwhile.
        if (!_failed.Remove(read.RegionId))
            return;
        if (read.Tombstone is { } removed)
        {
            _tombstones[read.RegionId] = removed;
            _services.Router.Release(read.RegionId);
        }
        else
        {
            // An uninitialised peer: it comes back when somebody sends it a message. What it was pulling has nobody to install it.
            _services.Router.CancelReservation(read.RegionId);
        }
    }

    private TimeSpan NextBackoff(PeerStart start)
    {
        var (now, max) = (_services.Clock.Now, _settings.Store.PeerRestartBackoffMax);
        // A peer that ran for a while has recovered from whatever it was.
        var backoff = _backoffs.TryGetValue(start.RegionId, out var last) && now - last.At < 2 * max ? last.Backoff * 2 : _settings.Store.PeerRestartBackoff;
        if (backoff > max)
            backoff = max;
        _backoffs[start.RegionId] = (backoff, now);
        _log.PeerRestarts(start.RegionId, start.Self.Id, backoff);
        return backoff;
    }

    private void ReceiveSnapshot(RaftMessage announcement, IActorRef peer)
    {
        var fromStore = announcement.FromPeer.StoreId;
        if (_receivers.Count >= _settings.Snapshot.MaxReceiving || !_services.Addresses.TryGetValue(fromStore, out var address))
        {
            peer.Tell(new SnapshotReceiver.Failed(announcement, _receivers.Count > 0 ? "too many snapshots are being received" : $"the address of store {fromStore} is not known"));
            return;
        }

        var receiver = Context.ActorOf(SnapshotReceiver.Props(_services, announcement, peer, address));
        Context.Watch(receiver);
        _receivers.Add(receiver, (announcement, peer));
    }
}
