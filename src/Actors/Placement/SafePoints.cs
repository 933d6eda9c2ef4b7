using TiKvActors.Protocol;

namespace TiKvActors.Actors.Placement;

/// <param name="Txn">The transactions' safe point once <paramref name="Event"/> is applied.</param>
/// <param name="Gc">The GC safe point then.</param>
/// <param name="Event">Null: nothing changes.</param>
/// <param name="Blocker">What keeps the transactions' safe point from the target.</param>
/// <param name="Refusal">Why nothing changes, if it was asked for something that cannot be.</param>
internal readonly record struct SafePointDecision(
    ulong Txn, ulong Gc, SafePointsChanged? Event = null, GcBarrier? Blocker = null, string? Refusal = null);

/// <summary>
/// What has to stay readable. No transaction may read below <see cref="Txn"/>, and versions that nobody needs who reads at or above
/// <see cref="Gc"/> may be removed. Both only grow. A barrier holds the former back until it is removed or has expired, and cannot be set
/// behind it. The older service safe points are the same: that of <see cref="GcWorker"/> is <see cref="Txn"/>, any other one is a barrier.
/// Timestamps as <see cref="TimestampLayout"/> has them; the wall clock, in milliseconds since 1970 UTC, is passed in. Pure.
/// Invariant: <c>Gc &lt;= Txn &lt;= Ts</c> of every barrier.
/// </summary>
internal sealed class SafePoints
{
    public const string GcWorker = "gc_worker";

    /// <summary>In characters.</summary>
    public const int MaxIdLength = 256;

    /// <summary>More seconds are for ever, as with PD.</summary>
    private const long MaxTtlSeconds = long.MaxValue / 1_000_000_000;

    private readonly SortedDictionary<string, GcBarrier> _barriers = new(StringComparer.Ordinal);

    public ulong Txn { get; private set; }

    public ulong Gc { get; private set; }

    /// <summary>Those that have not expired, the lowest first.</summary>
    public IEnumerable<GcBarrier> Barriers(long wall) => _barriers.Values.Where(b => !IsExpired(b, wall)).OrderBy(b => b.Ts);

    public GcBarrier? Find(string id) => _barriers.GetValueOrDefault(id);

    /// <returns>What is left, rounded down; <see cref="long.MaxValue"/>: it never expires.</returns>
    public static long TtlSeconds(GcBarrier barrier, long wall) =>
        barrier.ExpiresAt == 0 ? long.MaxValue : Math.Max(0, barrier.ExpiresAt - wall) / 1000;

    /// <summary>Up to the target, or to the lowest barrier below it.</summary>
    public SafePointDecision AdvanceTxn(ulong target, long wall)
    {
        if (target < Txn)
            return Refuse($"the transactions' safe point is {Txn} and never decreases: {target} is behind it");
        // A clock that is set back must not bring a barrier back that did not hold: it goes in the same event.
        var expired = Expired(wall);
        var blocker = Barriers(wall).FirstOrDefault(b => b.Ts < target);
        var reached = blocker?.Ts ?? target;
        var changes = reached > Txn || expired.Count > 0;
        return new(reached, Gc, changes ? Changed(reached, Gc, removed: expired) : null, blocker);
    }

    public SafePointDecision AdvanceGc(ulong target)
    {
        if (target < Gc)
            return Refuse($"the GC safe point is {Gc} and never decreases: {target} is behind it");
        if (target > Txn)
            return Refuse($"the GC safe point cannot be {target}: the transactions' safe point is {Txn}");
        return new(Txn, target, target > Gc ? Changed(Txn, target) : null);
    }

    /// <summary>Both at once, as those do who know of one safe point only. What is behind it changes nothing.</summary>
    public SafePointDecision AdvanceBoth(ulong target, long wall)
    {
        var advance = AdvanceTxn(Math.Max(target, Txn), wall);
        var gc = Math.Max(Gc, Math.Min(target, advance.Txn));
        if (gc == Gc)
            return new(Txn, Gc, Blocker: advance.Blocker);
        return new(advance.Txn, gc, Changed(advance.Txn, gc, removed: advance.Event?.RemovedBarrierIds), advance.Blocker);
    }

    /// <summary>
    /// A new one, or in place of the one with this id; those that have expired go. Always an event: a PD that was overtaken cannot promise
    /// anything.
    /// </summary>
    public SafePointDecision SetBarrier(string id, ulong ts, long ttlSeconds, long wall)
    {
        if (WhyNoBarrier(id) is { } why)
            return Refuse(why);
        if (ttlSeconds <= 0)
            return Refuse($"barrier {id} with a TTL of {ttlSeconds} s: it must be positive");
        if (ts < Txn)
            return Refuse($"barrier {id} at {ts} would be behind the transactions' safe point {Txn}");
        var barrier = new GcBarrier { Id = id, Ts = ts, ExpiresAt = ttlSeconds < MaxTtlSeconds ? wall + (ttlSeconds * 1000) : 0 };
        return new(Txn, Gc, Changed(Txn, Gc, barrier, Expired(wall)));
    }

    /// <summary>Whether there is one or not. Always an event, as in <see cref="SetBarrier"/>.</summary>
    public SafePointDecision RemoveBarrier(string id) =>
        WhyNoBarrier(id) is { } why ? Refuse(why) : new(Txn, Gc, Changed(Txn, Gc, removed: [id]));

    public void Apply(SafePointsChanged change)
    {
        (Txn, Gc) = (change.TxnSafePoint, change.GcSafePoint);
        foreach (var id in change.RemovedBarrierIds)
            _barriers.Remove(id);
        foreach (var barrier in change.Barriers)
            _barriers[barrier.Id] = barrier;
    }

    /// <returns>What leads here from the beginning.</returns>
    public SafePointsChanged ToSnapshot() =>
        new() { TxnSafePoint = Txn, GcSafePoint = Gc, Barriers = { _barriers.Values } };

    private List<string> Expired(long wall) => [.. _barriers.Values.Where(b => IsExpired(b, wall)).Select(b => b.Id)];

    private static bool IsExpired(GcBarrier barrier, long wall) => barrier.ExpiresAt != 0 && wall > barrier.ExpiresAt;

    private static string? WhyNoBarrier(string id) => id switch
    {
        "" => "a barrier needs an id",
        GcWorker => $"no barrier can have the id {GcWorker}: that is the transactions' safe point",
        { Length: > MaxIdLength } => $"the barrier's id has {id.Length} characters, the limit is {MaxIdLength}",
        _ => null,
    };

    private static SafePointsChanged Changed(ulong txn, ulong gc, GcBarrier? set = null, IEnumerable<string>? removed = null)
    {
        var change = new SafePointsChanged { TxnSafePoint = txn, GcSafePoint = gc, RemovedBarrierIds = { removed ?? [] } };
        if (set is not null)
            change.Barriers.Add(set);
        return change;
    }

    private SafePointDecision Refuse(string why) => new(Txn, Gc, Refusal: why);
}
