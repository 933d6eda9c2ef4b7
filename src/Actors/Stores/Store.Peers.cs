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
        Func<object> read = () => PeerStates.OfFailed(engine, storeId, regionId, known);
        _slowWorker.Tell(new SlowWorker.Run($"reading the state of region {regionId}", read));
    }

    void IStoreHost<IActorRef>.RestartLater(PeerStart start, TimeSpan backoff) =>
        Timers.StartSingleTimer($"restart-{start.RegionId}", new RestartPeer(start), backoff);

    private void OnTerminated(IActorRef actor)
    {
        if (_pulls.ReceiverStopped(actor))
            return;
        _pulls.PeerStopped(actor);
        _peers.Stopped(actor);
    }

    private void PullSnapshotFor(IActorRef peer, RaftMessage announcement)
    {
        var fromStore = announcement.FromPeer.StoreId;
        if (_services.Addresses.ContainsKey(fromStore))
            _pulls.Pull(peer, announcement);
        else
            peer.Tell(new SnapshotReceiver.Failed(announcement, $"the address of store {fromStore} is not known"));
    }

    private IActorRef StartReceiver(IActorRef peer, RaftMessage announcement)
    {
        var address = _services.Addresses[announcement.FromPeer.StoreId];
        return Context.Watch(Context.ActorOf(SnapshotReceiver.Props(_services, announcement, peer, address)));
    }
}
