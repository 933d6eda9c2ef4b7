using TiKvActors.Protocol;

namespace TiKvActors.Actors.Stores;

/// <summary>What a store must know of a peer that hibernates.</summary>
/// <param name="Stores">Of the region's other peers.</param>
/// <param name="Beat">What PD goes on being told; null if it does not lead.</param>
internal sealed record Hibernation(ulong RegionId, IReadOnlyList<ulong> Stores, RegionBeat? Beat);

/// <summary>Why a store wakes a peer.</summary>
internal enum WakeReason
{
    /// <summary>A member's store has not been heard of for an election timeout.</summary>
    Silence,

    /// <summary>A member's store has been opened anew.</summary>
    NewIncarnation,

    /// <summary>The cluster misses the node of a member's store.</summary>
    Membership,

    /// <summary>Messages get lost, also those that would have woken it: once in a while every peer makes sure that its leader is there.</summary>
    Check,
}

/// <summary>
/// The peers of a store that hibernate, and the other stores on which they rely: with each of these it exchanges signs of life, one for all
/// regions, whether it is a member of any cluster or not. Single-threaded, deterministic.
/// </summary>
/// <param name="lossAfter">How long a store may be silent.</param>
/// <param name="checkAfter">A peer is woken after one to two times this.</param>
/// <param name="wake">With the store that was lost; 0 if none was. It may be told again until <see cref="Woke"/>.</param>
/// <param name="sendSignOfLife">To the store of this id.</param>
internal sealed class HibernatedPeers<TPeer>(
    TimeSpan lossAfter, TimeSpan checkAfter, Random random, Action<TPeer, WakeReason, ulong> wake, Action<ulong> sendSignOfLife)
    where TPeer : class
{
    private sealed class Sleeper(TPeer peer, Hibernation hibernation)
    {
        public TPeer Peer => peer;

        public Hibernation Hibernation => hibernation;

        public TimeSpan CheckAt { get; set; }
    }

    private sealed class Neighbour
    {
        public TimeSpan HeardAt { get; set; }

        /// <summary>0 while it has not said.</summary>
        public ulong Incarnation { get; set; }

        /// <summary>Peers here whose regions have a peer there.</summary>
        public int Sleepers { get; set; }
    }

    private readonly Dictionary<TPeer, Sleeper> _sleepers = [];
    private readonly SortedDictionary<ulong, Neighbour> _neighbours = [];
    private TimeSpan _lastTick;
    private TimeSpan _nextSigns;
    private TimeSpan _nextCheck = TimeSpan.MaxValue;

    public int Count => _sleepers.Count;

    public IEnumerable<RegionBeat> Beats => _sleepers.Values.Select(s => s.Hibernation.Beat).OfType<RegionBeat>();

    public bool Has(TPeer peer) => _sleepers.ContainsKey(peer);

    public void Slept(TPeer peer, Hibernation hibernation, TimeSpan now)
    {
        Woke(peer);
        var sleeper = new Sleeper(peer, hibernation);
        ScheduleCheck(sleeper, now);
        _sleepers.Add(peer, sleeper);
        foreach (var storeId in hibernation.Stores)
        {
            var neighbour = NeighbourOf(storeId);
            // It may not have known that it is listened to.
            if (neighbour.Sleepers++ == 0)
                neighbour.HeardAt = now;
        }
    }

    /// <summary>The peer is awake again, or has stopped.</summary>
    public void Woke(TPeer peer)
    {
        if (!_sleepers.Remove(peer, out var sleeper))
            return;
        foreach (var storeId in sleeper.Hibernation.Stores)
            _neighbours[storeId].Sleepers--;
    }

    /// <summary>A batch of messages has come from there, maybe an empty one.</summary>
    /// <param name="incarnation">0 if it does not say.</param>
    public void Heard(ulong storeId, ulong incarnation, TimeSpan now)
    {
        var neighbour = NeighbourOf(storeId);
        neighbour.HeardAt = now;
        var isAnother = neighbour.Incarnation != 0 && incarnation != neighbour.Incarnation;
        neighbour.Incarnation = incarnation;
        if (isAnother)
            WakeThoseWith(storeId, WakeReason.NewIncarnation);
    }

    public void Lost(ulong storeId, WakeReason reason) => WakeThoseWith(storeId, reason);

    /// <summary>Called once in each of the store's ticks.</summary>
    public void Tick(TimeSpan now)
    {
        if (now - _lastTick > lossAfter / 2)
            ForgiveSilence(now);
        _lastTick = now;
        foreach (var (storeId, neighbour) in _neighbours)
        {
            if (neighbour.Sleepers == 0 || now - neighbour.HeardAt < lossAfter)
                continue;
            neighbour.HeardAt = now;
            WakeThoseWith(storeId, WakeReason.Silence);
        }

        SendSigns(now);
        if (now >= _nextCheck)
            Check(now);
    }

    /// <summary>This store has been held up: what others sent meanwhile is still waiting to be taken in.</summary>
    private void ForgiveSilence(TimeSpan now)
    {
        foreach (var neighbour in _neighbours.Values)
            neighbour.HeardAt = now;
    }

    private void SendSigns(TimeSpan now)
    {
        if (now < _nextSigns)
            return;
        _nextSigns = now + lossAfter / 4;
        foreach (var (storeId, neighbour) in _neighbours)
        {
            if (neighbour.Sleepers > 0)
                sendSignOfLife(storeId);
        }
    }

    private void Check(TimeSpan now)
    {
        _nextCheck = TimeSpan.MaxValue;
        foreach (var sleeper in _sleepers.Values)
        {
            if (now < sleeper.CheckAt)
            {
                _nextCheck = sleeper.CheckAt < _nextCheck ? sleeper.CheckAt : _nextCheck;
                continue;
            }

            ScheduleCheck(sleeper, now);
            wake(sleeper.Peer, WakeReason.Check, 0);
        }
    }

    private void ScheduleCheck(Sleeper sleeper, TimeSpan now)
    {
        // Regions that fell asleep together should not wake together.
        sleeper.CheckAt = now + checkAfter * (1 + random.NextDouble());
        if (sleeper.CheckAt < _nextCheck)
            _nextCheck = sleeper.CheckAt;
    }

    private void WakeThoseWith(ulong storeId, WakeReason reason)
    {
        foreach (var sleeper in _sleepers.Values)
        {
            if (sleeper.Hibernation.Stores.Contains(storeId))
                wake(sleeper.Peer, reason, storeId);
        }
    }

    private Neighbour NeighbourOf(ulong storeId)
    {
        if (!_neighbours.TryGetValue(storeId, out var neighbour))
            _neighbours.Add(storeId, neighbour = new Neighbour());
        return neighbour;
    }
}
