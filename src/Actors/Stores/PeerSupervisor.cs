using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using NodeState = TiKvActors.Actors.Nodes.NodeState;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// The supervisor of peers and of everything that they share, and the door for what other nodes' peers send them: does what
/// <see cref="StorePeers{TPeer}"/> decides. A peer that failed has lost its place in the log: only its supervisor may start it again.
/// </summary>
internal abstract partial class PeerSupervisor : UntypedActor, IWithTimers, IStoreHost<IActorRef>
{
    private sealed class TickTimer
    {
        public static readonly TickTimer Instance = new();
    }

    private sealed record RestartPeer(PeerStart Start);

    private readonly SnapshotPulls<IActorRef, IActorRef> _pulls;
    private readonly HashSet<string> _refusedSenders = [];

    protected readonly TikvSettings _settings;
    protected readonly NodeState _node;
    protected readonly ILoggingAdapter _log = Context.GetLogger();
    protected IActorRef _slowWorker = null!;

    // From OpenServices on.
    protected StoreServices _services = null!;
    protected StorePeers<IActorRef> _peers = null!;
    protected HibernatedPeers<IActorRef> _hibernated = null!;

    /// <summary>Tells others that what a peer here had promised from memory is forgotten.</summary>
    private readonly ulong _incarnation = (ulong)Random.Shared.NextInt64(1, long.MaxValue);

    private readonly string _door;

    /// <param name="door">The name of this actor below <c>/user/tikv</c>, here and on the nodes that it talks to.</param>
    protected PeerSupervisor(TikvSettings settings, NodeState node, string door)
    {
        _settings = settings;
        _node = node;
        _door = door;
        _pulls = new SnapshotPulls<IActorRef, IActorRef>(
            settings.Snapshot.MaxReceiving, StartReceiver, Context.Stop, (peer, failed) => peer.Tell(failed, Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart() =>
        _slowWorker = Context.ActorOf(SlowWorker.Props().WithDispatcher("tikv.dispatchers.slow"), "slow-worker");

    protected virtual PeerConfig PeerConfig => _settings.Peer;

    /// <summary>Peers of a store without an address ask for it, again and again.</summary>
    protected abstract void AskForAddresses();

    /// <summary>A region is led here as before.</summary>
    protected virtual void OnBeat(RegionBeat beat)
    {
    }

    /// <summary>A batch of messages has come from the sender.</summary>
    protected virtual void HeardFrom(ulong storeId)
    {
    }

    protected void OpenServices(ulong clusterId, ulong storeId, APIVersion mode, StoreCounters counters, ICanTell pd)
    {
        var (clock, engines, slow) = (_node.Clock, _node.Engines, "tikv.dispatchers.slow");
        var queues = new StoreQueues();
        var applier = Applier.Props(engines.Data, _settings.Store.ApplyBatchBytes, queues);
        var reader = Reader.Props(clock, mode, queues);
        _services = new StoreServices
        {
            StoreId = storeId,
            ClusterId = clusterId,
            ApiVersion = mode,
            Settings = _settings,
            PeerConfig = PeerConfig with { StoreId = storeId },
            Engines = engines,
            Snapshots = _node.Snapshots,
            Storage = StorageExtension.Get(Context.System),
            Clock = clock,
            Router = new PeerRouter(),
            Ranges = new RegionRanges(),
            Counters = counters,
            Queues = queues,
            Appliers = Pool("applier", _settings.Store.Appliers, applier.WithDispatcher("tikv.dispatchers.apply")),
            Readers = new ReaderPool(
                Pool("point-reader", _settings.Store.PointReaders, reader.WithDispatcher("tikv.dispatchers.point-read")),
                Pool("scan-reader", _settings.Store.ScanReaders, reader.WithDispatcher("tikv.dispatchers.scan-read"))),
            Syncer = Context.ActorOf(SlowWorker.Props().WithDispatcher(slow), "syncer"),
            SlowWorker = _slowWorker,
            SnapshotSource = Context.ActorOf(
                SnapshotSource.Props(engines.Data, clock, _settings.Snapshot, clusterId, storeId).WithDispatcher(slow), "snapshots"),
            Pd = pd,
            Store = Self,
            Door = _door,
        };
        _peers = new StorePeers<IActorRef>(this, engines.Data, _services.Ranges, _settings.Store, storeId);
        _hibernated = new HibernatedPeers<IActorRef>(
            _settings.Peer.Raft.ElectionTimeout,
            _settings.Store.HibernateCheckInterval,
            new Random(HashCode.Combine(storeId, _incarnation)),
            (peer, _, lostStoreId) => peer.Tell(new RegionPeer.WakeUp(lostStoreId)),
            to => _services.Links.GetValueOrDefault(to)?.Tell(StoreLink.SignOfLife.Instance));
    }

    private static List<IActorRef> Pool(string name, int count, Props props) =>
        Enumerable.Range(1, count).Select(i => Context.ActorOf(props, $"{name}-{i}")).ToList();

    protected void StartTicks() => Timers.StartPeriodicTimer("tick", TickTimer.Instance, _settings.Store.TickInterval);

    // ---- messages

    /// <returns>False if the message has nothing to do with peers.</returns>
    protected bool OnPeerMessage(object message)
    {
        switch (message)
        {
            case StoreRaftBatch batch:
                OnRaftBatch(batch);
                return true;
            case Store.Beat beat:
                OnBeat(beat.Region);
                return true;
            case TickTimer:
                Tick();
                return true;
            case Store.PeerSlept slept:
                // What a peer said before it stopped may come after its successor has started.
                if (Sender.Equals(_peers.Find(slept.Hibernation.RegionId)))
                    _hibernated.Slept(Sender, slept.Hibernation, _services.Clock.Now);
                CountHibernated();
                return true;
            case Store.PeerWoke:
                _hibernated.Woke(Sender);
                CountHibernated();
                return true;
            case SnapshotChunkRequest { Key.ToPeer: not null } request when Accept(request.Header):
                _services.SnapshotSource.Forward(request);
                return true;
            case SnapshotChunkRequest:
                return true;
            case Store.RegionsCreated created:
                _peers.StartCreated(created.Regions, created.Campaign);
                return true;
            case Store.PullSnapshot pull:
                PullSnapshotFor(Sender, pull.Announcement);
                return true;
            case Store.PeerDestroyed destroyed:
                _peers.Destroyed(destroyed.RegionId, destroyed.PeerId, destroyed.Region);
                OnHandedOver(destroyed.RegionId);
                return true;
            case HandOver wanted:
                BeginHandOver(wanted);
                return true;
            case PeerHandedOver peer:
                OnHandedOver(peer.RegionId);
                return true;
            case HandOverExpired:
                EndHandOver();
                return true;
            case Store.LinkWanted wanted:
                LinkTo(wanted.StoreId);
                return true;
            case Terminated terminated:
                OnTerminated(terminated.ActorRef);
                return true;
            case FailedPeerState read:
                _peers.StateRead(read);
                return true;
            case RestartPeer restart:
                _peers.Restart(restart.Start);
                return true;
            case Applier.Unregistered unregistered:
                _peers.Unregistered(unregistered.RegionId);
                return true;
            default:
                return false;
        }
    }

    private void Tick()
    {
        // Only those that run: while thousands recover, ticks for them would only pile up.
        foreach (var (_, peer) in _services.Router.Peers)
        {
            if (!_hibernated.Has(peer))
                peer.Tell(RegionPeer.Tick.Instance);
        }

        _hibernated.Tick(_services.Clock.Now);
    }

    private void CountHibernated() => _services.Counters.Hibernated = _hibernated.Count;

    private void OnRaftBatch(StoreRaftBatch batch)
    {
        if (!Accept(batch.Header))
            return;
        _hibernated.Heard(batch.Header.FromStoreId, batch.Header.Incarnation, _services.Clock.Now);
        HeardFrom(batch.Header.FromStoreId);
        foreach (var message in batch.Batch?.Msgs ?? [])
            _peers.Deliver(message);
    }

    /// <summary>Cluster, store and version must fit; a mismatch is logged once a sender.</summary>
    private bool Accept(StoreHeader? header)
    {
        var wrong = header switch
        {
            null => "they carry no header",
            { ProtocolVersion: not NodePaths.ProtocolVersion } =>
                $"protocol version {header.ProtocolVersion}, this store speaks {NodePaths.ProtocolVersion}",
            _ when header.ClusterId != _services.ClusterId => $"cluster {header.ClusterId}, this is cluster {_services.ClusterId}",
            _ when header.ToStoreId != _services.StoreId =>
                $"they are for store {header.ToStoreId}, this is store {_services.StoreId}: has the address changed hands?",
            _ => null,
        };
        if (wrong is null)
            return true;
        if (IsNewRefusal($"{header?.FromStoreId} {wrong}"))
            _log.ForeignBatch($"store {header?.FromStoreId} ({Sender.Path.Address})", wrong);
        return false;
    }

    /// <summary>Whether it has not been logged yet; strangers cannot make the memory of that grow for ever.</summary>
    protected bool IsNewRefusal(string text) => _refusedSenders.Count < 1000 && _refusedSenders.Add(text);

    protected void LinkTo(ulong storeId)
    {
        if (!_services.Links.TryGetValue(storeId, out var link))
        {
            var header = NodePaths.Header(_services.ClusterId, _services.StoreId, storeId);
            header.Incarnation = _incarnation;
            var props = StoreLink.Props(header, _door, _settings.Link, _services.Queues).WithDispatcher("tikv.dispatchers.region");
            link = Context.ActorOf(props, $"link-{storeId}");
            _services.Links[storeId] = link;
            if (!_services.Addresses.ContainsKey(storeId))
                AskForAddresses();
        }

        if (_services.Addresses.TryGetValue(storeId, out var address))
            link.Tell(new StoreLink.AddressKnown(address));
    }

    private void OnTerminated(IActorRef actor)
    {
        if (_pulls.ReceiverStopped(actor))
            return;
        _pulls.PeerStopped(actor);
        _hibernated.Woke(actor);
        CountHibernated();
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

    // ---- what the table of peers wants done

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
        _slowWorker.Tell(new SlowWorker.Run(
            $"reading the state of region {regionId}", () => PeerStates.OfFailed(engine, storeId, regionId, known)));
    }

    void IStoreHost<IActorRef>.RestartLater(PeerStart start, TimeSpan backoff) =>
        Timers.StartSingleTimer($"restart-{start.RegionId}", new RestartPeer(start), backoff);
}
