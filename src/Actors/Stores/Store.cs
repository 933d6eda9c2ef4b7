using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using NodeState = TiKvActors.Actors.Nodes.NodeState;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// <c>/user/tikv/store</c>: the only door for traffic between stores, and the supervisor of everything that a store's peers share.
/// <code>
///   Joining (a new directory: cluster id and store id from PD) ──► Loading (states from disk) ──► Serving
/// </code>
/// A directory that is some store's already does not wait for PD. Failures of a peer stop that peer; a failed journal is the node's business.
/// </summary>
internal sealed partial class Store : UntypedActor, IWithTimers
{
    /// <summary>A peer has a message for a store that has no link yet.</summary>
    public sealed record LinkWanted(ulong StoreId);

    /// <summary>A split was applied here: these regions' peers start now.</summary>
    public sealed record RegionsCreated(IReadOnlyList<Region> Regions, bool Campaign);

    public sealed record PeerDestroyed(ulong RegionId, ulong PeerId, Region Region);

    /// <summary>A peer wants the rows of an announced snapshot.</summary>
    public sealed record PullSnapshot(RaftMessage Announcement);

    private sealed class TickTimer
    {
        public static readonly TickTimer Instance = new();
    }

    private sealed record RestartPeer(PeerStart Start);

    private readonly TikvSettings _settings;
    private readonly NodeState _node;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private StorePeers<IActorRef> _peers = null!;
    private readonly SnapshotPulls<IActorRef, IActorRef> _pulls;
    private readonly HashSet<string> _refusedSenders = [];
    private readonly ICanTell _pd;
    private readonly ActorPath _pdPath;
    private readonly string _address;
    private StoreServices _services = null!;
    private IActorRef _slowWorker = null!;

    public Store(TikvSettings settings, NodeState node, string address)
    {
        _settings = settings;
        _node = node;
        _address = address;
        _pulls = new SnapshotPulls<IActorRef, IActorRef>(
            settings.Snapshot.MaxReceiving, StartReceiver, Context.Stop, (peer, failed) => peer.Tell(failed, Self));
        _pdPath = ActorPath.Parse(NodePaths.Pd(Context.System.Name, settings.PdEndpoint));
        _pd = Context.ActorSelection(_pdPath);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(TikvSettings settings, NodeState node, string address) =>
        Akka.Actor.Props.Create(() => new Store(settings, node, address)).WithDispatcher("tikv.dispatchers.region");

    /// <summary>A peer that failed has lost its place in the log: only its store may start it again.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart()
    {
        _slowWorker = Context.ActorOf(SlowWorker.Props().WithDispatcher("tikv.dispatchers.slow"), "slow-worker");
        if (_node.Engines.Ident is { } ident)
            Load(ident);
        else
            Join();
    }

    protected override void PostStop() => _node.Services = null;

    protected override void OnReceive(object message) => Joining(message);

    // ---- Loading

    private void Load(StoreIdent ident)
    {
        _services = StartServices(ident);
        _peers = new StorePeers<IActorRef>(this, _node.Engines.Data, _services.Ranges, _settings.Store, ident.StoreId);
        _log.NodeOpened(_node.Engines.Directory, ident.StoreId, ident.ClusterId);
        Become(Loading);
        var engine = _node.Engines.Data;
        _slowWorker.Tell(new SlowWorker.Run("reading the states of the store's regions", () => PeerStates.ReadAll(engine, ident.StoreId)));
    }

    private StoreServices StartServices(StoreIdent ident)
    {
        var clock = _node.Clock;
        var engines = _node.Engines;
        var slow = "tikv.dispatchers.slow";
        var queues = new StoreQueues();
        var applier = Applier.Props(engines.Data, _settings.Store.ApplyBatchBytes, queues).WithDispatcher("tikv.dispatchers.apply");
        var reader = Reader.Props(clock, ident.ApiVersion, queues);
        return new StoreServices
        {
            StoreId = ident.StoreId,
            ClusterId = ident.ClusterId,
            ApiVersion = ident.ApiVersion,
            Settings = _settings,
            PeerConfig = _settings.Peer with { StoreId = ident.StoreId },
            Engines = engines,
            Snapshots = _node.Snapshots,
            Storage = StorageExtension.Get(Context.System),
            Clock = clock,
            Router = new RegionRouter(),
            Ranges = new RegionRanges(),
            Counters = _node.Counters,
            Queues = queues,
            Appliers = Pool("applier", _settings.Store.Appliers, applier),
            Readers = new ReaderPool(
                Pool("point-reader", _settings.Store.PointReaders, reader.WithDispatcher("tikv.dispatchers.point-read")),
                Pool("scan-reader", _settings.Store.ScanReaders, reader.WithDispatcher("tikv.dispatchers.scan-read"))),
            Syncer = Context.ActorOf(SlowWorker.Props().WithDispatcher(slow), "syncer"),
            SlowWorker = _slowWorker,
            SnapshotSource = Context.ActorOf(SnapshotSource.Props(engines.Data, clock, _settings.Snapshot, ident.ClusterId, ident.StoreId).WithDispatcher(slow), "snapshots"),
            Pd = _pd,
            Store = Self,
        };
    }

    private List<IActorRef> Pool(string name, int count, Props props) => Enumerable.Range(1, count).Select(i => Context.ActorOf(props, $"{name}-{i}")).ToList();

    private void Loading(object message)
    {
        switch (message)
        {
            case StoreStates read:
                _peers.Load(read);
                _log.StoreStartedRegions(_services.StoreId, read.Peers.Count);
                Serve();
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException($"store {_services.StoreId}: {failed.What}", failed.Cause);
            default:
                if (!OnPlacement(message) && message is not (StoreRaftBatch or SnapshotChunkRequest))
                    Unhandled(message);
                break;
        }
    }

    // ---- Serving

    private void Serve()
    {
        Become(Serving);
        _node.Services = _services;
        Timers.StartPeriodicTimer("tick", TickTimer.Instance, _settings.Store.TickInterval);
        BeginRegistration();
    }

    private void Serving(object message)
    {
        switch (message)
        {
            case StoreRaftBatch batch:
                OnRaftBatch(batch);
                break;
            case TickTimer:
                // Only those that run: while thousands recover, ticks for them would only pile up.
                foreach (var (_, peer) in _services.Router.Peers)
                    peer.Tell(RegionPeer.Tick.Instance);
                break;
            case SnapshotChunkRequest { Key.ToPeer: not null } request when Accept(request.Header):
                _services.SnapshotSource.Forward(request);
                break;
            case SnapshotChunkRequest:
                break;
            case RegionsCreated created:
                _peers.StartCreated(created.Regions, created.Campaign);
                break;
            case PullSnapshot pull:
                PullSnapshotFor(Sender, pull.Announcement);
                break;
            case PeerDestroyed destroyed:
                _peers.Destroyed(destroyed.RegionId, destroyed.PeerId, destroyed.Region);
                OnHandedOver(destroyed.RegionId);
                break;
            case LinkWanted wanted:
                LinkTo(wanted.StoreId);
                break;
            case Terminated terminated:
                OnTerminated(terminated.ActorRef);
                break;
            case FailedPeerState read:
                _peers.StateRead(read);
                break;
            case RestartPeer restart:
                _peers.Restart(restart.Start);
                break;
            case Applier.Unregistered unregistered:
                _peers.Unregistered(unregistered.RegionId);
                break;
            case SlowWorker.Failed failed:
                // Nobody would try it again: the node opens the engines anew, and the store starts from what they hold.
                throw new PeerFailedException($"store {_services.StoreId}: {failed.What}", failed.Cause);
            case HandOver wanted:
                BeginHandOver(wanted);
                break;
            case PeerHandedOver peer:
                OnHandedOver(peer.RegionId);
                break;
            case HandOverExpired:
                EndHandOver();
                break;
            case StoreStatisticsRequest:
                Sender.Tell(Statistics());
                break;
            default:
                if (!OnPlacement(message))
                    Unhandled(message);
                break;
        }
    }

    private void OnRaftBatch(StoreRaftBatch batch)
    {
        if (!Accept(batch.Header))
            return;
        foreach (var message in batch.Batch?.Msgs ?? [])
            _peers.Deliver(message);
    }

    /// <summary>Cluster, store and version must fit; a mismatch is logged once a sender.</summary>
    private bool Accept(StoreHeader? header)
    {
        var wrong = header switch
        {
            null => "they carry no header",
            { ProtocolVersion: not NodePaths.ProtocolVersion } => $"protocol version {header.ProtocolVersion}, this store speaks {NodePaths.ProtocolVersion}",
            _ when header.ClusterId != _services.ClusterId => $"cluster {header.ClusterId}, this is cluster {_services.ClusterId}",
            _ when header.ToStoreId != _services.StoreId => $"they are for store {header.ToStoreId}, this is store {_services.StoreId}: has the address changed hands?",
            _ => null,
        };
        if (wrong is null)
            return true;
        if (IsNewRefusal($"{header?.FromStoreId} {wrong}"))
            _log.ForeignBatch($"store {header?.FromStoreId} ({Sender.Path.Address})", wrong);
        return false;
    }

    /// <summary>Whether it has not been logged yet; strangers cannot make the memory of that grow for ever.</summary>
    private bool IsNewRefusal(string text) => _refusedSenders.Count < 1000 && _refusedSenders.Add(text);

    private StoreStatistics Statistics()
    {
        var journal = _services.Engines.Journal.Statistics;
        var process = _node.ReadProcess();
        return new StoreStatistics
        {
            StoreId = _services.StoreId,
            Regions = (uint)_peers.Count,
            Leaders = (uint)Math.Max(0, _services.Counters.Leaders),
            JournalBatches = (ulong)journal.Batches,
            JournalSyncs = (ulong)journal.Syncs,
            JournalEvents = (ulong)journal.Events,
            AcknowledgedWrites = (ulong)_services.Counters.AcknowledgedWrites,
            ProcessId = process.Id,
            ProcessCpuMicros = process.CpuMicros,
            ProcessMemoryBytes = process.MemoryBytes,
        };
    }
}
