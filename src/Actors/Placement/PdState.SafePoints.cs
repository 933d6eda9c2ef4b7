using Google.Protobuf;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Keyspacepb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Placement;

/// <summary>Safe points and barriers, by their newer and older names (docs/architecture.md).</summary>
internal sealed partial class PdState
{
    private const uint AllKeyspaces = uint.MaxValue;

    private readonly SafePoints _safePoints = new();

    /// <param name="wall">Milliseconds since 1970 UTC.</param>
    /// <returns>Null for a message that is none of these.</returns>
    private PdDecision? ProcessSafePoints(object command, long wall) => command switch
    {
        GetGCStateRequest request => WhenBootstrapped<GetGCStateResponse>(request, (a, _) => Decide(request, a, wall)),
        GetAllKeyspacesGCStatesRequest request =>
            WhenBootstrapped<GetAllKeyspacesGCStatesResponse>(request, (a, _) => Decide(request, a, wall)),
        AdvanceTxnSafePointRequest request => WhenBootstrapped<AdvanceTxnSafePointResponse>(request, (a, e) => Decide(request, a, e, wall)),
        AdvanceGCSafePointRequest request => WhenBootstrapped<AdvanceGCSafePointResponse>(request, (a, e) => Decide(request, a, e)),
        SetGCBarrierRequest request => WhenBootstrapped<SetGCBarrierResponse>(request, (a, e) => Decide(request, a, e, wall)),
        DeleteGCBarrierRequest request => WhenBootstrapped<DeleteGCBarrierResponse>(request, (a, e) => Decide(request, a, e, wall)),
        GetGCSafePointRequest request => WhenBootstrapped<GetGCSafePointResponse>(request, (a, _) => a.SafePoint = _safePoints.Gc),
        UpdateGCSafePointRequest request => WhenBootstrapped<UpdateGCSafePointResponse>(request, (a, e) => Decide(request, a, e, wall)),
        UpdateServiceGCSafePointRequest request =>
            WhenBootstrapped<UpdateServiceGCSafePointResponse>(request, (a, e) => Decide(request, a, e, wall)),
        _ => null,
    };

    /// <param name="answer">Fills the response, or replaces its header by a refusal, and adds the events.</param>
    private PdDecision WhenBootstrapped<TResponse>(IPdRequest request, Action<TResponse, List<IMessage>> answer)
        where TResponse : IPdResponse, new()
    {
        var refusal = WhenBootstrapped(request.Header);
        var response = new TResponse { Header = refusal ?? Ok() };
        var events = new List<IMessage>();
        if (refusal is null)
            answer(response, events);
        return new PdDecision(response, events);
    }

    private void Decide(GetGCStateRequest request, GetGCStateResponse answer, long wall)
    {
        if (IsOfAll(request.KeyspaceScope, answer, moves: false))
            answer.GcState = StateOfAll(request.ExcludeGcBarriers, wall);
    }

    private void Decide(GetAllKeyspacesGCStatesRequest request, GetAllKeyspacesGCStatesResponse answer, long wall)
    {
        answer.GcStates.Add(StateOfAll(request.ExcludeGcBarriers, wall));
        var enabled = _keyspaces.All.Where(k => k.State == KeyspaceState.Enabled);
        answer.GcStates.AddRange(enabled.Select(k => new GCState { KeyspaceScope = new KeyspaceScope { KeyspaceId = k.Id } }));
    }

    private GCState StateOfAll(bool excludesBarriers, long wall)
    {
        var state = new GCState
        {
            KeyspaceScope = new KeyspaceScope { KeyspaceId = AllKeyspaces },
            TxnSafePoint = _safePoints.Txn,
            GcSafePoint = _safePoints.Gc,
        };
        if (!excludesBarriers)
            state.GcBarriers.AddRange(_safePoints.Barriers(wall).Select(b => Describe(b, wall)));
        return state;
    }

    /// <summary>
    /// No keyspace has safe points of its own. As with PD, readers and barriers of one are then those of all; who would move one's alone is
    /// refused.
    /// </summary>
    private bool IsOfAll(KeyspaceScope? scope, IPdResponse answer, bool moves)
    {
        if (scope is null || scope.KeyspaceId > KeyspaceId.MaxValue)
            return true;
        if (_keyspaces.Find(scope.KeyspaceId) is not { } keyspace)
            answer.Header = NoKeyspace($"with id {scope.KeyspaceId}");
        else if (moves)
            answer.Header = Fail(ErrorType.Unknown, $"keyspace {keyspace.Name} has no safe points of its own but those of all keyspaces");
        return answer.Header.Error is null;
    }

    private void Decide(AdvanceTxnSafePointRequest request, AdvanceTxnSafePointResponse answer, List<IMessage> events, long wall)
    {
        var old = _safePoints.Txn;
        if (!IsOfAll(request.KeyspaceScope, answer, moves: true))
            return;
        if (Take(UpTo(request.Target, wall, _safePoints.AdvanceTxn), answer, events) is not { } decision)
            return;
        (answer.OldTxnSafePoint, answer.NewTxnSafePoint) = (old, decision.Txn);
        if (decision.Blocker is { } blocker)
            answer.BlockerDescription = Text(blocker, wall);
    }

    private void Decide(AdvanceGCSafePointRequest request, AdvanceGCSafePointResponse answer, List<IMessage> events)
    {
        var old = _safePoints.Gc;
        if (!IsOfAll(request.KeyspaceScope, answer, moves: true))
            return;
        if (Take(_safePoints.AdvanceGc(request.Target), answer, events) is { } decision)
            (answer.OldGcSafePoint, answer.NewGcSafePoint) = (old, decision.Gc);
    }

    private void Decide(SetGCBarrierRequest request, SetGCBarrierResponse answer, List<IMessage> events, long wall)
    {
        if (!IsOfAll(request.KeyspaceScope, answer, moves: false))
            return;
        var decision = _safePoints.SetBarrier(request.BarrierId, request.BarrierTs, request.TtlSeconds, wall);
        if (Take(decision, answer, events) is { Event: { } change })
            answer.NewBarrierInfo = Describe(change.Barriers[0], wall);
    }

    private void Decide(DeleteGCBarrierRequest request, DeleteGCBarrierResponse answer, List<IMessage> events, long wall)
    {
        if (!IsOfAll(request.KeyspaceScope, answer, moves: false))
            return;
        var was = _safePoints.Find(request.BarrierId);
        if (Take(_safePoints.RemoveBarrier(request.BarrierId), answer, events) is not null && was is not null)
            answer.DeletedBarrierInfo = Describe(was, wall);
    }

    private void Decide(UpdateGCSafePointRequest request, UpdateGCSafePointResponse answer, List<IMessage> events, long wall)
    {
        if (Take(UpTo(request.SafePoint, wall, _safePoints.AdvanceBoth), answer, events) is { } decision)
            answer.NewSafePoint = decision.Gc;
    }

    /// <summary>
    /// The lowest of all is the transactions' safe point, because no barrier is behind it, or what has stopped that just now. A service
    /// that asks for less is not refused: it reads from the answer that it has come too late.
    /// </summary>
    private void Decide(
        UpdateServiceGCSafePointRequest request, UpdateServiceGCSafePointResponse answer, List<IMessage> events, long wall)
    {
        var id = request.ServiceId.ToStringUtf8();
        var decision = id switch
        {
            _ when ByteString.CopyFromUtf8(id) != request.ServiceId => Refuse("a service's id must be UTF-8"),
            SafePoints.GcWorker when request.TTL != long.MaxValue =>
                Refuse($"the safe point of {id} never expires: its TTL is {long.MaxValue}, not {request.TTL}"),
            SafePoints.GcWorker => UpTo(Math.Max(request.SafePoint, _safePoints.Txn), wall, _safePoints.AdvanceTxn),
            _ when request.TTL <= 0 => _safePoints.RemoveBarrier(id),
            _ when request.SafePoint < _safePoints.Txn => new SafePointDecision(_safePoints.Txn, _safePoints.Gc),
            _ => _safePoints.SetBarrier(id, request.SafePoint, request.TTL, wall),
        };
        if (Take(decision, answer, events) is not { } taken)
            return;
        var lowest = taken.Blocker is { } blocker
            ? Describe(blocker, wall)
            : new GCBarrierInfo { BarrierId = SafePoints.GcWorker, BarrierTs = taken.Txn, TtlSeconds = long.MaxValue };
        answer.ServiceId = ByteString.CopyFromUtf8(lowest.BarrierId);
        (answer.TTL, answer.MinSafePoint) = (lowest.TtlSeconds, lowest.BarrierTs);
    }

    /// <summary>Since safe points only grow, one beyond all timestamps would forbid every transaction to come, for good.</summary>
    private SafePointDecision UpTo(ulong target, long wall, Func<ulong, long, SafePointDecision> decide)
    {
        var end = Math.Max(_safePoints.Txn, (ulong)TimestampLayout.Compose(Math.Max(TimestampWindow?.End ?? 0, wall), 0));
        return target <= end
            ? decide(target, wall)
            : Refuse($"{target} is beyond every timestamp that was issued, which is up to {end}: no transaction could begin any more");
    }

    private SafePointDecision Refuse(string why) => new(_safePoints.Txn, _safePoints.Gc, Refusal: why);

    /// <returns>Null if it was refused.</returns>
    private SafePointDecision? Take(SafePointDecision decision, IPdResponse answer, List<IMessage> events)
    {
        if (decision.Refusal is { } why)
        {
            answer.Header = Fail(ErrorType.Unknown, why);
            return null;
        }

        if (decision.Event is { } change)
            events.Add(change);
        return decision;
    }

    private static GCBarrierInfo Describe(GcBarrier barrier, long wall) =>
        new() { BarrierId = barrier.Id, BarrierTs = barrier.Ts, TtlSeconds = SafePoints.TtlSeconds(barrier, wall) };

    private static string Text(GcBarrier barrier, long wall) =>
        $"barrier {barrier.Id} at {barrier.Ts}, "
        + (barrier.ExpiresAt == 0 ? "which never expires" : $"which expires in {SafePoints.TtlSeconds(barrier, wall)} s");
}
