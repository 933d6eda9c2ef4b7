using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Placement;

/// <summary>Stores: registration, heartbeats, removal; and what their regions' leaders are told to do about it.</summary>
internal sealed partial class PdState
{
    /// <summary>A region that has not reported for so long since its last step is not counted as moving.</summary>
    private static readonly TimeSpan _movesFor = TimeSpan.FromMinutes(1);

    /// <summary>Regions that were told a step, and when; not durable, because it only bounds how many there are.</summary>
    private readonly Dictionary<ulong, TimeSpan> _moving = [];

    private RegionPlanner Planner => new(_stores, Regions, config.RemovesExtraReplicas);

    // ---- Registration and heartbeats

    private PdDecision Put(PutStoreRequest request, TimeSpan now)
    {
        var store = request.Store;
        if (store is null || store.Id == 0)
            return PdDecision.Reply(new PutStoreResponse { Header = Fail(ErrorType.InvalidValue, "a store needs an id other than 0") });
        var known = _stores.Find(store.Id);
        if (known is not null && StoreTable.IsGone(known))
            return PdDecision.Reply(new PutStoreResponse { Header = Gone(known) });
        var sameAddress = _stores.All.FirstOrDefault(s => s.Id != store.Id && s.Address == store.Address && !StoreTable.IsGone(s));
        if (sameAddress is not null)
            return PdDecision.Reply(new PutStoreResponse { Header = Duplicated(store, sameAddress) });

        // What was decided about a store is not its own to say.
        var registered = store.Clone();
        (registered.State, registered.NodeState) = known is null
            ? (StoreState.Up, NodeState.Serving)
            : (known.State, known.NodeState);
        registered.PhysicallyDestroyed = false;
        var events = new List<IMessage>();
        if (!registered.Equals(known))
            events.Add(new StoreTableChanged { Store = registered });
        var up = _stores.All.Where(s => s.Id != store.Id).Append(registered).Where(s => s.State == StoreState.Up).ToList();
        if (_firstRegion is null && up.Count >= config.InitialStores)
            events.Add(new ClusterBootstrapped { FirstRegion = FirstRegionOn(up, events) });
        _stores.Heard(store.Id, now);
        return new PdDecision(new PutStoreResponse { Header = Ok() }, events);
    }

    private ResponseHeader Gone(Store store) => Fail(
        ErrorType.StoreTombstone, $"store {store.Id} at {store.Address} has been removed from cluster {ClusterId} and cannot return");

    private ResponseHeader Duplicated(Store store, Store other) => Fail(
        ErrorType.DuplicatedEntry,
        $"duplicated store address {store.Address}: it belongs to store {other.Id}, this is store {store.Id}; "
            + $"was its data directory emptied, or replaced? Then remove the old store: ./tkv ctl store remove {other.Id} --force");

    private PdDecision Beat(StoreHeartbeatRequest request, TimeSpan now)
    {
        var id = request.Stats?.StoreId ?? 0;
        if (_stores.Find(id) is not { } store)
        {
            return PdDecision.Reply(
                new StoreHeartbeatResponse { Header = Fail(ErrorType.Unknown, $"invalid store ID {id}, not found") });
        }

        if (StoreTable.IsGone(store))
            return PdDecision.Reply(new StoreHeartbeatResponse { Header = Gone(store) });
        _stores.Heard(request.Stats!, now);
        return new PdDecision(new StoreHeartbeatResponse { Header = Ok(), State = store.NodeState }, [.. Left()]);
    }

    // ---- Removal

    private PdDecision Remove(RemoveStoreRequest request, TimeSpan now)
    {
        if (_stores.Find(request.StoreId) is not { } store)
            return Refuse(ErrorType.EntryNotFound, $"there is no store {request.StoreId}");
        if (store.State == StoreState.Tombstone)
            return Refuse(ErrorType.InvalidValue, $"store {store.Id} has been removed already");
        if (_isAlone && store.Address == config.Address)
        {
            return Refuse(
                ErrorType.InvalidValue,
                $"store {store.Id} cannot be removed: its directory holds what PD knows, "
                    + "because there is no meta group (tikv.meta.members)");
        }

        if (_stores.All.All(s => s.Id == store.Id || s.State != StoreState.Up))
        {
            return Refuse(
                ErrorType.InvalidValue, $"store {store.Id} cannot be removed: no other store would be left that its regions could move to");
        }

        if (request.PhysicallyDestroyed && _stores.IsHeard(store.Id, now))
        {
            return Refuse(
                ErrorType.InvalidValue,
                $"store {store.Id} is alive, heard of {_stores.SilenceOf(store.Id, now).TotalSeconds:0.#} s ago: "
                    + "stop it first, or remove it without --force, then it hands its regions over");
        }

        var removed = store.Clone();
        (removed.State, removed.NodeState) = (StoreState.Offline, NodeState.Removing);
        removed.PhysicallyDestroyed |= request.PhysicallyDestroyed;
        return new PdDecision(
            new RemoveStoreResponse { Header = Ok() },
            removed.Equals(store) ? [] : [new StoreTableChanged { Store = removed }]);

        PdDecision Refuse(ErrorType type, string why) => PdDecision.Reply(new RemoveStoreResponse { Header = Fail(type, why) });
    }

    private PdDecision CancelRemoval(CancelStoreRemovalRequest request)
    {
        if (_stores.Find(request.StoreId) is not { } store)
            return Refuse(ErrorType.EntryNotFound, $"there is no store {request.StoreId}");
        if (StoreTable.IsGone(store))
        {
            return Refuse(
                ErrorType.InvalidValue,
                $"store {store.Id} cannot come back: it has been removed{(store.State == StoreState.Tombstone ? "" : " with --force")}");
        }

        var kept = store.Clone();
        (kept.State, kept.NodeState) = (StoreState.Up, NodeState.Serving);
        return new PdDecision(
            new CancelStoreRemovalResponse { Header = Ok() }, kept.Equals(store) ? [] : [new StoreTableChanged { Store = kept }]);

        PdDecision Refuse(ErrorType type, string why) =>
            PdDecision.Reply(new CancelStoreRemovalResponse { Header = Fail(type, why) });
    }

    /// <summary>Stores that every region has left.</summary>
    private IEnumerable<StoreTableChanged> Left()
    {
        var leaving = _stores.All.Where(s => s.State == StoreState.Offline && Regions.PeersOn(s.Id) == 0).ToList();
        // A region that has not reported since it came out of a split may have a peer anywhere.
        if (leaving.Count == 0 || (IsBootstrapped && !Regions.CoversAllKeys))
            yield break;
        foreach (var store in leaving)
        {
            var buried = store.Clone();
            (buried.State, buried.NodeState) = (StoreState.Tombstone, NodeState.Removed);
            yield return new StoreTableChanged { Store = buried };
        }
    }

    // ---- Steps

    /// <summary>Regions that are as their leaders have said before, if PD has heard it.</summary>
    private PdDecision Beat(RegionBeatsRequest request, TimeSpan now)
    {
        var answer = new RegionBeatsResponse { Header = Ok() };
        var events = new List<IMessage>();
        foreach (var beat in request.Beats)
        {
            if (Regions.Find(beat.RegionId) is { Leader: { } leader } known && leader.Id == beat.LeaderId && known.Term == beat.Term
                && known.Region.RegionEpoch.Equals(beat.Epoch))
            {
                var step = AnswerTo(known.Region, leader);
                var pending = known.Region.Peers.Where(p => beat.PendingPeerIds.Contains(p.Id)).ToList();
                Regions.Report(known.Region.Id, leader, known.Term, known.ApproximateSize, known.ApproximateKeys, pending);
                Plan(known.Region, leader, pending, step, events, now);
                if (step.TransferLeader is not null || step.ChangePeerV2 is not null)
                    answer.Steps.Add(step);
            }
            else
            {
                answer.Wanted.Add(beat.RegionId);
            }
        }

        return new PdDecision(answer, events);
    }

    private RegionHeartbeatResponse AnswerTo(Region region, Peer leader) => new()
    {
        Header = Ok(),
        RegionId = region.Id,
        RegionEpoch = region.RegionEpoch,
        TargetPeer = leader,
    };

    private void Plan(
        Region region, Peer leader, IReadOnlyCollection<Peer> pending, RegionHeartbeatResponse answer, List<IMessage> events, TimeSpan now)
    {
        var mayBegin = _moving.ContainsKey(region.Id) || Moving(now) < config.ReplicaScheduleLimit;
        var step = Planner.Next(region, leader, pending, mayBegin, () => TakeIds(1, events), now);
        (answer.TransferLeader, answer.ChangePeerV2) = (step.Transfer, step.Change);
        var hasLearner = region.Peers.Any(p => p.Role == PeerRole.Learner);
        if (step.Change is not null || (step.Waits.Length > 0 && hasLearner))
            _moving[region.Id] = now;
        else if (!hasLearner && step.Transfer is null)
            _moving.Remove(region.Id);
    }

    private int Moving(TimeSpan now)
    {
        foreach (var (id, at) in _moving)
        {
            if (now - at > _movesFor)
                _moving.Remove(id);
        }

        return _moving.Count;
    }

    // ---- Status

    private GetStoreStatusResponse StatusOf(GetStoreStatusRequest request, TimeSpan now)
    {
        var response = new GetStoreStatusResponse { Header = Ok() };
        var leaders = Regions.All.Where(r => r.Leader is not null).CountBy(r => r.Leader!.StoreId).ToDictionary();
        foreach (var store in _stores.All.Where(s => request.StoreId == 0 || s.Id == request.StoreId))
        {
            response.Stores.Add(new StoreStatus
            {
                Store = store,
                Condition = _stores.ConditionOf(store, now),
                SilentMillis = (ulong)Math.Max(0, _stores.SilenceOf(store.Id, now).TotalMilliseconds),
                Regions = (uint)Regions.PeersOn(store.Id),
                Leaders = (uint)leaders.GetValueOrDefault(store.Id),
                WaitsFor = store.State == StoreState.Offline ? WhyNotLeft(store.Id, now) : "",
            });
        }

        return response;
    }

    /// <summary>The first obstacle in key order.</summary>
    private string WhyNotLeft(ulong storeId, TimeSpan now)
    {
        foreach (var info in Regions.All.Where(r => r.Region.Peers.Any(p => p.StoreId == storeId)))
        {
            var waits = info.Leader is { } leader
                ? Planner.Next(info.Region, leader, info.Pending, mayBegin: true, () => 0, now).Waits
                : "its leader has not reported since PD has begun";
            if (waits.Length > 0)
                return $"region {info.Region.Id}: {waits}";
        }

        return Regions.PeersOn(storeId) == 0 && IsBootstrapped && !Regions.CoversAllKeys
            ? "some regions have not reported since they were split: they may have a peer there"
            : "";
    }
}
