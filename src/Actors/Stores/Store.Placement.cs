using Akka.Actor;
using Akka.Cluster;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.RaftServerpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// The store and PD: identity, registration, the first region, heartbeats, other stores' addresses. Everything is asked again until it is
/// answered; nothing that a known store serves waits for it.
/// </summary>
internal sealed partial class Store
{
    private sealed class Ask
    {
        public static readonly Ask Instance = new();
    }

    private sealed class SendBeats
    {
        public static readonly SendBeats Instance = new();
    }

    private sealed class BeatForHibernated
    {
        public static readonly BeatForHibernated Instance = new();
    }

    private sealed record IdentWritten(StoreIdent Ident);

    private sealed record FirstPeerWritten(PeerStart? Start);

    private ulong _clusterId;
    private APIVersion _apiVersion;
    private bool _isRegistered;
    private bool _isBootstrapped;
    private readonly List<RegionBeat> _beats = [];

    /// <summary>Where a store last sent from, if that is its address.</summary>
    private readonly Dictionary<ulong, Address> _heardFrom = [];
    private TimeSpan _storesAskedAt;

    /// <summary>In one message: well below a frame.</summary>
    private const int MaxBeats = 4096;

    private RequestHeader PdHeader() => new() { ClusterId = _services?.ClusterId ?? _clusterId, SenderId = _services?.StoreId ?? 0 };

    // ---- Joining: a directory that is nobody's yet

    private void Join()
    {
        Become(Joining);
        Timers.StartPeriodicTimer("ask", Ask.Instance, TimeSpan.Zero, _settings.Store.PdRetryInterval);
    }

    private void Joining(object message)
    {
        switch (message)
        {
            case IPdResponse when !IsFromPd:
                break;
            case Ask when _clusterId == 0:
                _pd.Tell(new GetClusterIdentityRequest { Header = new RequestHeader() }, Self);
                break;
            case Ask:
                _pd.Tell(new AllocIDRequest { Header = PdHeader(), Count = 1 }, Self);
                break;
            case GetClusterIdentityResponse { Header: { Error: null, ClusterId: not 0 } } identity when _clusterId == 0:
                _clusterId = identity.Header.ClusterId;
                _apiVersion = identity.ApiVersion;
                Self.Tell(Ask.Instance);
                break;
            case AllocIDResponse { Header.Error: null } allocated:
                // An id of a second answer is left unused.
                Timers.Cancel("ask");
                Become(WritingIdent);
                var ident = new StoreIdent { ClusterId = _clusterId, StoreId = allocated.Id, ApiVersion = _apiVersion };
                var engines = _node.Engines;
                _slowWorker.Tell(new SlowWorker.Run("writing the store's identity", () =>
                {
                    engines.SetIdent(ident);
                    return new IdentWritten(ident);
                }));
                break;
            case StoreRaftBatch or SnapshotChunkRequest or GetClusterIdentityResponse or AllocIDResponse:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void WritingIdent(object message)
    {
        switch (message)
        {
            case IdentWritten written:
                Load(written.Ident);
                break;
            case SlowWorker.Failed failed:
                throw new PeerFailedException(failed.What, failed.Cause);
        }
    }

    // ---- Registration

    private void BeginRegistration()
    {
        LearnAddresses(_node.StoresFile.Read());
        if (Context.System.Settings.HasCluster)
        {
            Cluster.Get(Context.System).Subscribe(
                Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.UnreachableMember));
        }

        Timers.StartPeriodicTimer("ask", Ask.Instance, TimeSpan.Zero, _settings.Store.PdRetryInterval);
        Timers.StartPeriodicTimer("heartbeat", Heartbeat.Instance, _settings.Store.PdHeartbeatInterval);
        Timers.StartPeriodicTimer("hibernated", BeatForHibernated.Instance, _settings.Store.RegionHeartbeatInterval);
    }

    private sealed class Heartbeat
    {
        public static readonly Heartbeat Instance = new();
    }

    private bool OnPlacement(object message)
    {
        switch (message)
        {
            case Ask when !_isRegistered:
                _pd.Tell(new GetClusterIdentityRequest { Header = new RequestHeader() }, Self);
                _pd.Tell(new PutStoreRequest { Header = PdHeader(), Store = Describe() }, Self);
                return true;
            case Ask when !_isBootstrapped:
                _pd.Tell(new IsBootstrappedRequest { Header = PdHeader() }, Self);
                return true;
            case Ask:
                Timers.Cancel("ask");
                AskForStores();
                return true;
            case Heartbeat:
                _pd.Tell(new StoreHeartbeatRequest
                {
                    Header = PdHeader(),
                    Stats = new StoreStats { StoreId = _services.StoreId, RegionCount = (uint)_peers.Count }
                }, Self);
                AskForStores();
                return true;
            case SendBeats:
                SendAllBeats();
                return true;
            case BeatForHibernated:
                foreach (var beat in _hibernated.Beats)
                    OnBeat(beat);
                return true;
            case ClusterEvent.IMemberEvent { Member: { Status: MemberStatus.Down or MemberStatus.Exiting or MemberStatus.Removed } gone }:
                Miss(gone.Address);
                return true;
            case ClusterEvent.UnreachableMember { Member: var unreachable }:
                Miss(unreachable.Address);
                return true;
            case ClusterEvent.IClusterDomainEvent:
                return true;
            case IPdResponse when !IsFromPd:
                return true;
            case RegionBeatsResponse { Header.Error: null } response:
                OnBeatsAnswered(response);
                return true;
            case GetClusterIdentityResponse identity:
                CheckIdentity(identity);
                return true;
            case PutStoreResponse { Header: var header } when IsRemoval(header):
                EndRemoved(header.Error.Message);
                return true;
            case StoreHeartbeatResponse { Header: var header } when IsRemoval(header):
                EndRemoved(header.Error.Message);
                return true;
            case PutStoreResponse response:
                OnRegistered(response);
                return true;
            case IsBootstrappedResponse { Bootstrapped: true, FirstRegion: not null } response:
                OnBootstrapped(response.FirstRegion);
                return true;
            case GetAllStoresResponse { Header.Error: null } response:
                OnStores(response.Stores);
                return true;
            case FirstPeerWritten { Start: { } start }:
                if (!_peers.Has(start.RegionId))
                    _peers.Start(start);
                return true;
            case RegionBeatsResponse or IsBootstrappedResponse or GetAllStoresResponse or StoreHeartbeatResponse or AllocIDResponse
                or FirstPeerWritten:
                return true;
            default:
                return StoresFile.IsWritten(message);
        }
    }

    /// <summary>Anybody who reaches the port can send what looks like an answer of PD.</summary>
    private bool IsFromPd => Context.System.Settings.HasCluster && PdSingleton.Has(Sender.Path)
        || Sender.Path.Elements.Take(_pdPath.Elements.Count).SequenceEqual(_pdPath.Elements)
        && (Sender.Path.Address.HasLocalScope || Sender.Path.Address == _pdPath.Address);

    private Protocol.Metapb.Store Describe() => new()
    {
        Id = _services.StoreId,
        Address = _address,
        State = StoreState.Up,
        Version = StoreVersion,
        NodeState = Protocol.Metapb.NodeState.Serving,
        Labels = { _settings.Store.Labels },
    };

    /// <summary>What clients compare to decide on features: TiKV's version that the protocol follows.</summary>
    private const string StoreVersion = "7.5.0";

    private void CheckIdentity(GetClusterIdentityResponse identity)
    {
        if (identity.Header.ClusterId == 0 || identity.Header.ClusterId == _services.ClusterId)
            return;
        if (IsNewRefusal($"pd {identity.Header.ClusterId}"))
            _log.StoreRefused(
                _services.StoreId,
                $"{_node.Engines.Directory} belongs to cluster {_services.ClusterId}, "
                    + $"PD at {_settings.PdEndpoint} runs cluster {identity.Header.ClusterId}");
    }

    private void OnRegistered(PutStoreResponse response)
    {
        if (response.Header.Error is { } error)
        {
            // PD that does not serve yet is asked again.
            if (error.Type != ErrorType.NotBootstrapped && IsNewRefusal(error.Message))
                _log.StoreRefused(_services.StoreId, error.Message);
            return;
        }

        if (!_isRegistered)
            _log.StoreRegistered(_services.StoreId, _services.ClusterId, _address);
        _isRegistered = true;
        Self.Tell(Ask.Instance);
    }

    private bool IsRemoval(ResponseHeader header) =>
        header.ClusterId == _services.ClusterId && header.Error is { Type: ErrorType.StoreTombstone };

    /// <summary>Nothing here serves or takes part any more; the node's owner is told, and ends it.</summary>
    private void EndRemoved(string why)
    {
        var directory = _node.Engines.Directory;
        var member = _settings.Meta.Members.FirstOrDefault(m => m.Address == _address) is { } self
            ? $". (The directory also holds member {self.Id} of the meta group: replace that first, ./tkv ctl member replace)"
            : "";
        var message = $"{why}: its data directory {directory} will never serve again. Start the node with an empty directory, "
            + $"then it joins as a new store{member}";
        _log.StoreRemoved(message);
        Become(Removed);
        Timers.CancelAll();
        _node.Services = null;
        foreach (var child in Context.GetChildren())
            Context.Stop(child);
        _node.ReportRemoval(message);
    }

    private static void Removed(object message)
    {
        // Whatever still comes is for a store that is no more.
    }

    private void OnBootstrapped(Region region)
    {
        if (_isBootstrapped)
            return;
        _isBootstrapped = true;
        AskForStores();
        if (region.Peers.FirstOrDefault(p => p.StoreId == _services.StoreId) is not { } self)
            return;
        var engine = _services.Engines.Data;
        _slowWorker.Tell(new SlowWorker.Run(
            "writing the first region's initial state", () => new FirstPeerWritten(PeerStates.WriteFirst(engine, region, self))));
    }

    // ---- Other stores

    protected override void AskForAddresses() => AskForStores();

    /// <summary>A store that has moved sends from elsewhere before PD is asked again: answers have to go there.</summary>
    protected override void HeardFrom(ulong storeId)
    {
        var from = Sender.Path.Address;
        if (_heardFrom.TryGetValue(storeId, out var last) && last.Equals(from))
            return;
        if (_services.Addresses.TryGetValue(storeId, out var told) && told == $"{from.Host}:{from.Port}")
        {
            _heardFrom[storeId] = from;
            return;
        }

        if (_services.Clock.Now - _storesAskedAt >= _settings.Store.PdRetryInterval)
            AskForStores();
    }

    /// <summary>The regions' leaders are due in the same tick.</summary>
    protected override void OnBeat(RegionBeat beat)
    {
        _beats.Add(beat);
        if (_beats.Count == MaxBeats)
            Self.Tell(SendBeats.Instance);
        else if (_beats.Count == 1)
            Timers.StartSingleTimer("beats", SendBeats.Instance, _settings.Store.TickInterval);
    }

    private void SendAllBeats()
    {
        if (_beats.Count == 0)
            return;
        _pd.Tell(new RegionBeatsRequest { Header = PdHeader(), Beats = { _beats } }, Self);
        _beats.Clear();
    }

    private void OnBeatsAnswered(RegionBeatsResponse response)
    {
        foreach (var step in response.Steps)
            _services.Router.Find(step.RegionId)?.Tell(step);
        foreach (var regionId in response.Wanted)
            _services.Router.Find(regionId)?.Tell(RegionPeer.ReportToPd.Instance);
    }

    /// <summary>The cluster may know before this store does, if its own connection is as good as gone and does not say so.</summary>
    private void Miss(Address node)
    {
        foreach (var (storeId, address) in _services.Addresses)
        {
            if (address == $"{node.Host}:{node.Port}")
                _hibernated.Lost(storeId, WakeReason.Membership);
        }
    }

    private void AskForStores()
    {
        _storesAskedAt = _services.Clock.Now;
        _pd.Tell(new GetAllStoresRequest { Header = PdHeader(), ExcludeTombstoneStores = true }, Self);
    }

    private void OnStores(IReadOnlyList<Protocol.Metapb.Store> stores)
    {
        if (LearnAddresses(stores))
            _node.StoresFile.Write(stores, _slowWorker, Self);
    }

    private bool LearnAddresses(IReadOnlyList<Protocol.Metapb.Store> stores)
    {
        var changed = false;
        foreach (var store in stores)
        {
            if (store.Id == _services.StoreId || (_services.Addresses.TryGetValue(store.Id, out var known) && known == store.Address))
                continue;
            changed = true;
            _services.Addresses[store.Id] = store.Address;
            LinkTo(store.Id);
        }

        return changed;
    }
}
