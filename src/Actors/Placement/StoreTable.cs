using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Placement;

/// <param name="DisconnectTime">Without a heartbeat for so long a store is given nothing new.</param>
/// <param name="MaxStoreDownTime">Without a heartbeat for so long a store is taken to be gone. Nothing follows from it by itself.</param>
internal sealed record StoreTimes(TimeSpan DisconnectTime, TimeSpan MaxStoreDownTime)
{
    /// <summary>TiKV's.</summary>
    public static StoreTimes Default { get; } = new(TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(30));
}

/// <summary>
/// The stores: what was decided about them, which is durable, and when they were heard of last, which is not.
/// <code>
///   up ⇄ disconnected ⇄ down          (by heartbeats)
///        │  ▲
///  remove│  │cancel
///        ▼  │
///      removing ──(no region has a peer there)──► tombstone
/// </code>
/// All times are monotonic.
/// </summary>
internal sealed class StoreTable(StoreTimes times)
{
    private readonly SortedDictionary<ulong, Store> _stores = [];
    private readonly Dictionary<ulong, StoreStats> _stats = [];
    private readonly Dictionary<ulong, TimeSpan> _heardAt = [];
    private TimeSpan? _beganAt;

    /// <summary>By id.</summary>
    public IEnumerable<Store> All => _stores.Values;

    public int Count => _stores.Count;

    public Store? Find(ulong id) => _stores.GetValueOrDefault(id);

    public StoreStats? StatsOf(ulong id) => _stats.GetValueOrDefault(id);

    public void Put(Store store) => _stores[store.Id] = store;

    /// <summary>Before this, nobody could be heard of.</summary>
    public void Begin(TimeSpan now) => _beganAt ??= now;

    public void Heard(StoreStats stats, TimeSpan now)
    {
        _stats[stats.StoreId] = stats;
        _heardAt[stats.StoreId] = now;
    }

    /// <summary>Of a store that registers: it has no statistics yet.</summary>
    public void Heard(ulong id, TimeSpan now) => _heardAt[id] = now;

    public TimeSpan SilenceOf(ulong id, TimeSpan now) => now - (_heardAt.TryGetValue(id, out var at) ? at : _beganAt ?? now);

    public StoreCondition ConditionOf(Store store, TimeSpan now) => store.State switch
    {
        StoreState.Offline => StoreCondition.Removing,
        StoreState.Tombstone => StoreCondition.Tombstone,
        _ => SilenceOf(store.Id, now) is var silence && silence < times.DisconnectTime ? StoreCondition.Up
            : silence < times.MaxStoreDownTime ? StoreCondition.Disconnected : StoreCondition.Down,
    };

    /// <summary>Whether new peers and leaders may be put there.</summary>
    public bool IsUp(ulong id, TimeSpan now) => Find(id) is { } store && ConditionOf(store, now) == StoreCondition.Up;

    /// <summary>Whether it was heard of lately, whatever was decided about it.</summary>
    public bool IsHeard(ulong id, TimeSpan now) => SilenceOf(id, now) < times.DisconnectTime;

    /// <summary>Whether regions have to leave the store.</summary>
    public bool MustBeLeft(ulong id) => Find(id) is { State: StoreState.Offline or StoreState.Tombstone };

    /// <summary>It may not register, nor be heard of.</summary>
    public static bool IsGone(Store store) => store.State == StoreState.Tombstone || store.PhysicallyDestroyed;
}
