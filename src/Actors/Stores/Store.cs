using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Snapshots;
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

    private sealed record StatesRead(IReadOnlyList<PeerStart> Peers, IReadOnlyDictionary<ulong, Region> Tombstones);

    /// <summary>After a failure of the region's peer.</summary>
    /// <param name="Start">Null for an uninitialised peer, and for one whose destruction was completed.</param>
    /// <param name="Unstarted">See <see cref="PeerStates.Unstarted"/>.</param>
    private sealed record PeerStateRead(ulong RegionId, PeerStart? Start, Region? Tombstone, IReadOnlyList<PeerStart> Unstarted);

    private sealed record RestartPeer(PeerStart Start);

    private sealed class PeerEntry(IActorRef actor, MetaPeer self, bool isInitialized)
    {
        public IActorRef Actor => actor;

        public MetaPeer Self => self;

        /// <summary>Made by a message, and without a snapshot as far as the store knows.</summary>
        public bool IsInitialized => isInitialized;

        /// <summary>It destroyed itself: no new incarnation follows.</summary>
        public bool IsDestroyed { get; set; }

        /// <summary>Starts when this one has stopped.</summary>
        public PeerStart? Successor { get; set; }
    }

    private readonly TikvSettings _settings;
    private readonly NodeState _node;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<ulong, PeerEntry> _peers = [];

    /// <summary>Regions whose peer was removed from this store, as they were then.</summary>
    private readonly Dictionary<ulong, Region> _tombstones = [];
    private readonly Dictionary<ulong, (TimeSpan Backoff, TimeSpan At)> _backoffs = [];

    /// <summary>Regions whose peer has stopped and whose next incarnation is not started yet: no message makes another one.</summary>
    private readonly HashSet<ulong> _failed = [];

    /// <summary>Pulls under way, by receiver.</summary>
    private readonly Dictionary<IActorRef, (RaftMessage Announcement, IActorRef Peer)> _receivers = [];
    private readonly HashSet<string> _refusedSenders = [];
    private readonly ICanTell _pd;
    private readonly string _address;
    private StoreServices _services = null!;
    private IActorRef _slowWorker = null!;

    public Store(TikvSettings settings, NodeState node, string address)
    {
        _settings = settings;
        _node = node;
        _address = address;
        _pd = Context.ActorSelection(NodePaths.Pd(Context.System.Name, settings.PdEndpoint));
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
        _log.NodeOpened(_node.Engines.Directory, ident.StoreId, ident.ClusterId);
        Become(Loading);
        var engine = _node.Engines.Data;
        _slowWorker.Tell(new SlowWorker.Run("reading the states of the store's regions", () =>
        {
            var peers = new List<PeerStart>();
            var tombstones = new Dictionary<ulong, Region>();
            foreach (var state in engine.ReadRegionStates())
            {
                if (state.State == PeerState.Tombstone)
                    tombstones[state.Region.Id] = state.Region;
                if (PeerStates.StartOf(engine, ident.StoreId, state) is { } start)
                    peers.Add(start);
            }

            StagedSnapshot.DeleteAllBut(engine, peers.Where(p => p.State!.State == PeerState.Applying).Select(p => p.RegionId).ToHashSet());
            return new StatesRead(peers, tombstones);
        }));
    }

    private StoreServices StartServices(StoreIdent ident)
    {
        var clock = _node.Clock;
        var engines = _node.Engines;
        var slow = "tikv.dispatchers.slow";
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
            Counters = _node.Counters,
            Appliers = Pool("applier", _settings.Store.Appliers, Applier.Props(engines.Data, _settings.Store.ApplyBatchBytes).WithDispatcher("tikv.dispatchers.apply")),
            Readers = new ReaderPool(
                Pool("point-reader", _settings.Store.PointReaders, Reader.Props(clock, ident.ApiVersion).WithDispatcher("tikv.dispatchers.point-read")),
                Pool("scan-reader", _settings.Store.ScanReaders, Reader.Props(clock, ident.ApiVersion).WithDispatcher("tikv.dispatchers.scan-read"))),
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
            case StatesRead read:
                foreach (var (id, region) in read.Tombstones)
                    _tombstones[id] = region;
                foreach (var start in read.Peers)
                    StartPeer(start);
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
                var tick = new RegionPeer.Tick(_services.Clock.Now);
                foreach (var peer in _peers.Values)
                    peer.Actor.Tell(tick);
                break;
            case SnapshotChunkRequest request when Accept(request.Header):
                _services.SnapshotSource.Forward(request);
                break;
            case SnapshotChunkRequest:
                break;
            case RegionsCreated created:
                foreach (var region in created.Regions)
                    StartCreated(region, created.Campaign);
                break;
            case PullSnapshot pull:
                ReceiveSnapshot(pull.Announcement, Sender);
                break;
            case PeerDestroyed destroyed:
                OnDestroyed(destroyed);
                break;
            case LinkWanted wanted:
                LinkTo(wanted.StoreId);
                break;
            case Terminated terminated:
                OnTerminated(terminated.ActorRef);
                break;
            case PeerStateRead read:
                OnStateOfFailed(read);
                break;
            case RestartPeer restart:
                // A split may have made its peer meanwhile.
                if (_failed.Contains(restart.Start.RegionId))
                    StartPeer(restart.Start);
                break;
            case Applier.Unregistered unregistered:
                ReadStateOfFailed(unregistered.RegionId);
                break;
            case SlowWorker.Failed failed:
                // The region stays down; its replicas elsewhere go on without it.
                _log.WorkFailed(failed.What, failed.Cause);
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
        foreach (var message in batch.Batch.Msgs)
        {
            if (_peers.TryGetValue(message.RegionId, out var peer))
                peer.Actor.Tell(message);
            else
                MaybeCreatePeer(message);
        }
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
        if (_refusedSenders.Count < 1000 && _refusedSenders.Add($"{header?.FromStoreId} {wrong}"))
            _log.ForeignBatch($"store {header?.FromStoreId} ({Sender.Path.Address})", wrong);
        return false;
    }

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
