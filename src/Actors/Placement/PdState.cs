using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Placement;

/// <param name="InitialStores">The first region gets one voter on each of this many stores, as soon as so many have registered.</param>
/// <param name="ApiVersion">Null: as the cluster was founded; a new one with v2.</param>
/// <param name="IdWindow">How many ids one journal event reserves.</param>
/// <param name="Address">host:port under which PD itself is reached.</param>
internal sealed record PdConfig(int InitialStores, APIVersion? ApiVersion, uint IdWindow = 1000, string Address = "")
{
    public StoreTimes Stores { get; init; } = StoreTimes.Default;

    /// <summary>How many regions may have a new peer on its way at a time.</summary>
    public int ReplicaScheduleLimit { get; init; } = 64;

    /// <summary>Whether a learner that nothing needs is removed.</summary>
    public bool RemovesExtraReplicas { get; init; } = true;
}

/// <summary>
/// What a command leads to: events to persist first, then the answer to send. An answer is sent only when its events are durable.
/// </summary>
internal readonly record struct PdDecision(IMessage Answer, IReadOnlyList<IMessage> Events)
{
    public static PdDecision Reply(IMessage answer) => new(answer, []);
}

/// <summary>
/// PD as a pure state machine: <see cref="Process"/> decides, <see cref="Apply"/> (at run time and on replay) changes what is
/// durable. Volatile beside it: leaders, sizes and statistics from heartbeats, when each store was heard of, the part of the id window in
/// use, and whether it serves.
/// </summary>
/// <param name="self">The incarnation's id, never used before.</param>
internal sealed partial class PdState(PdConfig config, ByteString self)
{
    private readonly StoreTable _stores = new(config.Stores);
    private ClusterIdentityDecided? _identity;
    private Region? _firstRegion;

    /// <summary>Invariant: <c>_nextId &lt;= _windowEnd + 1</c> once the events of the last answer are applied.</summary>
    private ulong _nextId = 1;
    private ulong _windowEnd;

    /// <summary>It persists in its own node's data directory.</summary>
    private bool _isAlone;

    /// <summary>Null while it serves.</summary>
    private string? _whyNotServing = "PD is starting";

    public ulong ClusterId => _identity?.ClusterId ?? 0;

    public APIVersion ApiVersion => _identity?.ApiVersion ?? Founding.ModeOf(config);

    public bool IsBootstrapped => _firstRegion is not null;

    public RegionTable Regions { get; } = new();

    public IEnumerable<Store> Stores => _stores.All;

    public bool IsFounded => _identity is not null;

    /// <summary>Its own <see cref="IncarnationStarted"/> is durable, and it has not begun to end.</summary>
    public bool IsServing => _whyNotServing is null;

    /// <summary>The newest one whose start is durable.</summary>
    public IncarnationStarted? Incarnation { get; private set; }

    /// <summary>The newest one; without a lease if its incarnation has ended in order. Null: no timestamp was ever issued.</summary>
    public TimestampWindowExtended? TimestampWindow { get; private set; }

    /// <summary>The events that an incarnation begins with. It serves once they are applied.</summary>
    /// <param name="founding">Events of the first incarnation of all, see <see cref="Founding"/>.</param>
    /// <exception cref="InvalidOperationException">The cluster was founded with another API mode.</exception>
    public IReadOnlyList<IMessage> Start(IReadOnlyList<IMessage> founding)
    {
        CheckMode();
        return [.. founding, new IncarnationStarted { Id = self, Address = config.Address }];
    }

    /// <summary>It serves at once: its journal admits no other incarnation, so none has to hear of this one.</summary>
    /// <exception cref="InvalidOperationException">The cluster was founded with another API mode.</exception>
    public void StartAlone()
    {
        CheckMode();
        _isAlone = true;
        Serve();
    }

    private void CheckMode()
    {
        if (_identity is not null && Founding.WhyOtherMode(_identity, config) is { } why)
            throw new InvalidOperationException(why);
    }

    // Ids of the last window may have been told to somebody.
    private void Serve() => (_nextId, _whyNotServing) = (_windowEnd + 1, null);

    /// <summary>Until it is served, requests are refused with this; callers try again.</summary>
    public void Wait(string why) => _whyNotServing = why;

    /// <summary>From now on it refuses everything.</summary>
    /// <returns>The incarnation's last event.</returns>
    public IMessage Release()
    {
        Wait("PD moves to another node");
        return new IncarnationReleased { Id = self };
    }

    /// <param name="lease">Null: the journal admits no other incarnation.</param>
    public TimestampWindowExtended ExtendTimestamps(long end, TimeSpan? lease) =>
        new() { End = end, LeaseMillis = (ulong)Math.Ceiling(lease?.TotalMilliseconds ?? 0), IncarnationId = self };

    /// <param name="now">Monotonic.</param>
    /// <param name="wall">Milliseconds since 1970 UTC.</param>
    /// <returns>Null for a message that is no command of PD. Timestamps are the oracle's.</returns>
    public PdDecision? Process(object command, TimeSpan now, long wall)
    {
        if (IsServing)
            _stores.Begin(now);
        switch (command)
        {
            case GetMembersRequest:
                return PdDecision.Reply(NotServing() is { } e01 ? new GetMembersResponse { Header = e01 } : Members());
            case GetClusterIdentityRequest:
                return PdDecision.Reply(NotServing() is { } e02 ? new GetClusterIdentityResponse { Header = e02 } : Identity());
            case AllocIDRequest request:
                return Refusal(request.Header) is { } e1 ? PdDecision.Reply(new AllocIDResponse { Header = e1 }) : Alloc(request);
            case PutStoreRequest request:
                return Refusal(request.Header) is { } e2 ? PdDecision.Reply(new PutStoreResponse { Header = e2 }) : Put(request, now);
            case IsBootstrappedRequest request:
                return PdDecision.Reply(Refusal(request.Header) is { } e3 ? new IsBootstrappedResponse { Header = e3 } : Bootstrapped());
            case StoreHeartbeatRequest request:
                return Refusal(request.Header) is { } e4
                    ? PdDecision.Reply(new StoreHeartbeatResponse { Header = e4 })
                    : Beat(request, now);
            case RegionHeartbeatRequest request:
                return Refusal(request.Header) is { } e5
                    ? PdDecision.Reply(new RegionHeartbeatResponse { Header = e5 })
                    : Beat(request, now);
            case GetStoreRequest request:
                return PdDecision.Reply(Refusal(request.Header) is { } e6 ? new GetStoreResponse { Header = e6 } : Get(request));
            case GetAllStoresRequest request:
                return PdDecision.Reply(Refusal(request.Header) is { } e7 ? new GetAllStoresResponse { Header = e7 } : GetAll(request));
            case GetRegionRequest request:
                return PdDecision.Reply(WhenBootstrapped(request.Header) is { } e8
                    ? new GetRegionResponse { Header = e8 }
                    : Found(Regions.FindByKey(request.RegionKey)));
            case GetPrevRegionRequest request:
                return PdDecision.Reply(WhenBootstrapped(request.Header) is { } e9
                    ? new GetRegionResponse { Header = e9 }
                    : Found(Regions.FindPrevious(request.RegionKey)));
            case GetRegionByIDRequest request:
                return PdDecision.Reply(WhenBootstrapped(request.Header) is { } e10
                    ? new GetRegionResponse { Header = e10 }
                    : Found(Regions.Find(request.RegionId)));
            case ScanRegionsRequest request:
                return PdDecision.Reply(
                    WhenBootstrapped(request.Header) is { } e11 ? new ScanRegionsResponse { Header = e11 } : Scan(request));
            case AskBatchSplitRequest request:
                return WhenBootstrapped(request.Header) is { } e12
                    ? PdDecision.Reply(new AskBatchSplitResponse { Header = e12 })
                    : AskSplit(request);
            case ReportBatchSplitRequest request:
                return WhenBootstrapped(request.Header) is { } e13
                    ? PdDecision.Reply(new ReportBatchSplitResponse { Header = e13 })
                    : ReportSplit(request);
            case RegionBeatsRequest request:
                return Refusal(request.Header) is { } e17
                    ? PdDecision.Reply(new RegionBeatsResponse { Header = e17 })
                    : Beat(request, now);
            case GetStoreStatusRequest request:
                return PdDecision.Reply(
                    Refusal(request.Header) is { } e14 ? new GetStoreStatusResponse { Header = e14 } : StatusOf(request, now));
            case RemoveStoreRequest request:
                return Refusal(request.Header) is { } e15
                    ? PdDecision.Reply(new RemoveStoreResponse { Header = e15 })
                    : Remove(request, now);
            case CancelStoreRemovalRequest request:
                return Refusal(request.Header) is { } e16
                    ? PdDecision.Reply(new CancelStoreRemovalResponse { Header = e16 })
                    : CancelRemoval(request);
            default:
                return ProcessSafePoints(command, wall) ?? ProcessKeyspaces(command, wall);
        }
    }

    public void Apply(object @event)
    {
        switch (@event)
        {
            case ClusterIdentityDecided identity:
                _identity = identity;
                break;
            case IdWindowExtended ids:
                _windowEnd = ids.End;
                break;
            case StoreTableChanged changed:
                _stores.Put(changed.Store);
                break;
            case ClusterBootstrapped bootstrapped:
                _firstRegion = bootstrapped.FirstRegion;
                Regions.Put(bootstrapped.FirstRegion);
                break;
            case RegionTableChanged changed:
                foreach (var id in changed.RemovedRegionIds)
                    Regions.Remove(id);
                Regions.Put(changed.Regions);
                break;
            case IncarnationStarted started:
                Incarnation = started;
                if (started.Id == self)
                    Serve();
                break;
            case TimestampWindowExtended extended:
                TimestampWindow = extended;
                break;
            case IncarnationReleased released:
                // Another one's lease may go on: who is released early has not waited for it.
                if (TimestampWindow is { } window && window.IncarnationId == released.Id)
                    TimestampWindow = new TimestampWindowExtended { End = window.End, IncarnationId = window.IncarnationId };
                break;
            case SafePointsChanged changed:
                _safePoints.Apply(changed);
                break;
            case KeyspaceChanged changed:
                _keyspaces.Put(changed.Keyspace);
                break;
            case PlacementTakenOver taken:
                Restore(taken.State);
                break;
            default:
                throw new InvalidOperationException(
                    $"unknown placement event {@event.GetType().Name}: was the journal written by a newer version?");
        }
    }

    public PlacementSnapshot ToSnapshot() => new()
    {
        Identity = _identity,
        IdWindowEnd = _windowEnd,
        Stores = { _stores.All },
        FirstRegion = _firstRegion,
        Regions = { Regions.All.Select(r => r.Region) },
        Incarnation = Incarnation,
        TimestampWindow = TimestampWindow,
        SafePoints = _safePoints.ToSnapshot(),
        Keyspaces = { _keyspaces.All },
    };

    public void Restore(PlacementSnapshot snapshot)
    {
        _identity = snapshot.Identity;
        _windowEnd = snapshot.IdWindowEnd;
        _firstRegion = snapshot.FirstRegion;
        foreach (var store in snapshot.Stores)
            _stores.Put(store);
        Regions.Put(snapshot.Regions);
        (Incarnation, TimestampWindow) = (snapshot.Incarnation, snapshot.TimestampWindow);
        if (snapshot.SafePoints is { } safePoints)
            _safePoints.Apply(safePoints);
        foreach (var keyspace in snapshot.Keyspaces)
            _keyspaces.Put(keyspace);
    }

    private PdDecision Alloc(AllocIDRequest request)
    {
        var count = Math.Max(request.Count, 1);
        var events = new List<IMessage>();
        var first = TakeIds(count, events);
        // As PD: the answer names the highest id of the batch.
        return new PdDecision(new AllocIDResponse { Header = Ok(), Id = first + count - 1, Count = count }, events);
    }

    private ulong TakeIds(uint count, List<IMessage> events)
    {
        var first = _nextId;
        _nextId += count;
        var last = first + count - 1;
        if (last > _windowEnd && !events.OfType<IdWindowExtended>().Any(e => e.End >= last))
            events.Add(new IdWindowExtended { End = last + config.IdWindow });
        return first;
    }

    private Region FirstRegionOn(List<Store> registered, List<IMessage> events)
    {
        var stores = registered.OrderBy(s => s.Id).Take(config.InitialStores).ToList();
        var regionId = TakeIds(1 + (uint)stores.Count, events);
        var region = new Region { Id = regionId, RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 } };
        region.Peers.AddRange(stores.Select((store, i) => new Peer { Id = regionId + 1 + (ulong)i, StoreId = store.Id }));
        return region;
    }

    private IsBootstrappedResponse Bootstrapped() =>
        new() { Header = Ok(), Bootstrapped = IsBootstrapped, FirstRegion = _firstRegion };

    private PdDecision Beat(RegionHeartbeatRequest request, TimeSpan now)
    {
        if (request.Region is null || request.Leader is null || !request.Region.Peers.Any(p => p.Id == request.Leader.Id))
            return PdDecision.Reply(new RegionHeartbeatResponse
            {
                Header = Fail(ErrorType.InvalidValue, "a region heartbeat needs a region and its leader among the region's peers")
            });

        var answer = AnswerTo(request.Region, request.Leader);
        var (stale, changed, replaced) = Regions.Judge(request.Region);
        if (stale)
            return PdDecision.Reply(answer);
        _pendingReports[request.Region.Id] = request;
        var events = new List<IMessage>();
        if (changed || replaced.Count > 0)
            events.Add(new RegionTableChanged { Regions = { request.Region }, RemovedRegionIds = { replaced } });
        Plan(request.Region, request.Leader, request.PendingPeers, answer, events, now);
        if (events.Count == 0)
            ObserveLeaders();
        return new PdDecision(answer, events);
    }

    // Leaders and sizes of heartbeats whose region change is still to be made durable.
    private readonly Dictionary<ulong, RegionHeartbeatRequest> _pendingReports = [];

    /// <summary>Called after the events of an answer are applied: takes over what is volatile in the heartbeats.</summary>
    public void ObserveLeaders()
    {
        foreach (var report in _pendingReports.Values)
        {
            if (Regions.Find(report.Region.Id) is not null)
            {
                Regions.Report(
                    report.Region.Id, report.Leader, report.Term, report.ApproximateSize, report.ApproximateKeys, report.PendingPeers);
            }
        }

        _pendingReports.Clear();
    }

    private PdDecision AskSplit(AskBatchSplitRequest request)
    {
        var region = request.Region;
        if (region is null || Regions.Find(region.Id) is null)
            return PdDecision.Reply(
                new AskBatchSplitResponse { Header = Fail(ErrorType.RegionNotFound, $"region {region?.Id ?? 0} not found") });
        var events = new List<IMessage>();
        var answer = new AskBatchSplitResponse { Header = Ok() };
        for (var i = 0u; i < Math.Max(request.SplitCount, 1); i++)
        {
            var first = TakeIds(1 + (uint)region.Peers.Count, events);
            answer.Ids.Add(new SplitID
            {
                NewRegionId = first,
                NewPeerIds = { Enumerable.Range(1, region.Peers.Count).Select(n => first + (ulong)n) }
            });
        }

        return new PdDecision(answer, events);
    }

    /// <summary>The picture right after a split, before the new regions' leaders send their own heartbeats.</summary>
    private PdDecision ReportSplit(ReportBatchSplitRequest request)
    {
        var change = new RegionTableChanged();
        foreach (var region in request.Regions)
        {
            var (stale, changed, replaced) = Regions.Judge(region);
            if (stale || !changed)
                continue;
            change.Regions.Add(region);
            // A sibling of the same split may still hold the old, wide range: its own report follows in this loop.
            change.RemovedRegionIds.AddRange(replaced.Where(id => request.Regions.All(r => r.Id != id)));
        }

        return new PdDecision(new ReportBatchSplitResponse { Header = Ok() }, change.Regions.Count == 0 ? [] : [change]);
    }
}
