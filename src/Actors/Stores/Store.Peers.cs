using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Stores;

/// <summary>What <see cref="StorePeers{TPeer}"/> decides about the peers of this store, done with actors.</summary>
internal sealed partial class Store : IStoreHost<IActorRef>
{
    TimeSpan IStoreHost<IActorRef>.Now => _services.Clock.Now;

    ILoggingAdapter IStoreHost<IActorRef>.Log => _log;

    IActorRef IStoreHost<IActorRef>.Start(PeerStart start)
    {
        var actor = Context.ActorOf(RegionPeer.Props(_services, start), $"region-{start.RegionId}-{start.Self.Id}");
        return Context.Watch(actor);
    }

    void IStoreHost<IActorRef>.Stop(IActorRef peer) => peer.Tell(RegionPeer.Stop.Instance);

    void IStoreHost<IActorRef>.Deliver(IActorRef peer, RaftMessage message) => peer.Tell(message);

    void IStoreHost<IActorRef>.UnregisterApplier(ulong regionId)
    {
        _services.ApplierOf(regionId).Tell(new Applier.Unregister(regionId));
        // It has failed, and leads nothing.
        OnHandedOver(regionId);
    }

    void IStoreHost<IActorRef>.ReadStateOfFailed(ulong regionId, IReadOnlySet<ulong> known)
    {
        var (engine, storeId) = (_services.Engines.Data, _services.StoreId);
        _slowWorker.Tell(new SlowWorker.Run($"reading the state of region {regionId}", () => PeerStates.OfFailed(engine, storeId, regionId, known)));
    }

    void IStoreHost<IActorRef>.RestartLater(PeerStart start, TimeSpan backoff) =>
        Timers.StartSingleTimer($"restart-{start.RegionId}", new RestartPeer(start), backoff);

    private void OnTerminated(IActorRef actor)
    {
        if (_receivers.Remove(actor, out var pull))
        {
            // One that failed without a word: the peer would wait for it for ever. After any other end it ignores this.
            pull.Peer.Tell(new SnapshotReceiver.Failed(pull.Announcement, "the receiver has stopped"));
            return;
        }

        _peers.Stopped(actor);
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
