using Akka.Actor;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using NodeState = TiKvActors.Actors.Nodes.NodeState;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// <c>/user/tikv/store</c>: the only door for traffic between stores, and the supervisor of everything that a store's peers share.
/// <code>
///   Joining (a new directory: cluster id and store id from PD) ──► Loading (states from disk) ──► Serving
/// </code>
/// A directory that is some store's already does not wait for PD. Failures of a peer stop that peer; a failed journal is the node's
/// business.
/// </summary>
internal sealed partial class Store : PeerSupervisor
{
    /// <summary>A peer has a message for a store that has no link yet.</summary>
    public sealed record LinkWanted(ulong StoreId);

    /// <summary>A split was applied here: these regions' peers start now.</summary>
    public sealed record RegionsCreated(IReadOnlyList<Region> Regions, bool Campaign);

    /// <summary>A region is led here as PD was told before.</summary>
    public sealed record Beat(RegionBeat Region);

    /// <summary>The sender, a peer, hibernates.</summary>
    public sealed record PeerSlept(Hibernation Hibernation);

    /// <summary>The sender, a peer, hibernates no more.</summary>
    public sealed class PeerWoke
    {
        public static readonly PeerWoke Instance = new();
    }

    public sealed record PeerDestroyed(ulong RegionId, ulong PeerId, Region Region);

    /// <summary>A peer wants the rows of an announced snapshot.</summary>
    public sealed record PullSnapshot(RaftMessage Announcement);

    private readonly ICanTell _pd;
    private readonly ActorPath _pdPath;
    private readonly string _address;

    public Store(TikvSettings settings, NodeState node, string address) : base(settings, node, NodePaths.StoreDoor)
    {
        _address = address;
        _pdPath = ActorPath.Parse(NodePaths.Pd(Context.System, settings.PdEndpoint));
        _pd = Context.ActorSelection(_pdPath);
    }

    public static Props Props(TikvSettings settings, NodeState node, string address) =>
        Akka.Actor.Props.Create(() => new Store(settings, node, address)).WithDispatcher("tikv.dispatchers.region");

    protected override void PreStart()
    {
        base.PreStart();
        if (_node.Engines.Ident is { } ident)
            Load(ident);
        else
            Join();
    }

    protected override string Name => $"store {_services.StoreId}";

    protected override void PostStop() => _node.Services = null;

    protected override void OnReceive(object message) => Joining(message);

    // ---- Loading

    private void Load(StoreIdent ident)
    {
        OpenServices(ident.ClusterId, ident.StoreId, ident.ApiVersion, _node.Counters, _pd);
        _log.NodeOpened(_node.Engines.Directory, ident.StoreId, ident.ClusterId);
        Become(Loading);
        var engine = _node.Engines.Data;
        _slowWorker.Tell(new SlowWorker.Run("reading the states of the store's regions", () => PeerStates.ReadAll(engine, ident.StoreId)));
    }

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
        StartTicks();
        BeginRegistration();
    }

    private void Serving(object message)
    {
        switch (message)
        {
            case SlowWorker.Failed failed:
                // Nobody would try it again: the node opens the engines anew, and the store starts from what they hold.
                throw new PeerFailedException($"store {_services.StoreId}: {failed.What}", failed.Cause);
            case StoreStatisticsRequest:
                Sender.Tell(Statistics());
                break;
            default:
                if (!OnPeerMessage(message) && !OnPlacement(message))
                    Unhandled(message);
                break;
        }
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
