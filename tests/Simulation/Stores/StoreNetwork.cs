using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Simulation.Stores;

/// <summary>Drops, repeats, delays and reorders what goes from store to store; links can be cut in one direction or in both.</summary>
internal sealed class StoreNetwork(StoreCluster cluster)
{
    private readonly HashSet<(ulong From, ulong To)> _cut = [];
    private readonly World _world = cluster.World;

    public bool IsReliable { get; set; }

    public void Cut(ulong from, ulong to) => _cut.Add((from, to));

    public void CutBoth(ulong a, ulong b)
    {
        Cut(a, b);
        Cut(b, a);
    }

    public void Heal() => _cut.Clear();

    /// <summary>The next announcement of a snapshot of this region arrives that much later.</summary>
    public (ulong RegionId, TimeSpan Delay)? LateSnapshot { get; set; }

    /// <param name="batch">Empty: a sign of life.</param>
    public void SendRaft(SimStore from, ulong to, List<RaftMessage> batch)
    {
        var (id, incarnation) = (from.Id, (ulong)from.Incarnation);
        if (LateSnapshot is { } late && batch.Exists(m => m.RegionId == late.RegionId && m.Message?.MsgType == MessageType.MsgSnapshot))
        {
            LateSnapshot = null;
            _world.Coverage.Count("network: late announcement of a snapshot");
            _world.After(late.Delay, () => Deliver(to, store => store.OnRaftBatch(id, incarnation, batch)));
            return;
        }

        Send(from, to, store => store.OnRaftBatch(id, incarnation, batch));
    }

    public TimeSpan Latency() => _world.Between(cluster.Timeout / 1000, cluster.Timeout / 30);

    public void Send(SimStore from, ulong to, Action<SimStore> deliver)
    {
        if (_cut.Contains((from.Id, to)))
        {
            _world.Coverage.Count("network: lost at a cut link");
            return;
        }

        if (!IsReliable && _world.Chance(cluster.Profile.Drop))
        {
            _world.Coverage.Count("network: dropped");
            return;
        }

        Schedule(from, to, deliver);
        if (IsReliable || !_world.Chance(cluster.Profile.Duplicate)) return;
        _world.Coverage.Count("network: duplicated");
        Schedule(from, to, deliver);
    }

    private void Schedule(SimStore from, ulong to, Action<SimStore> deliver)
    {
        var latency = Latency();
        if (!IsReliable && _world.Chance(cluster.Profile.Straggle))
        {
            latency = _world.Between(TimeSpan.Zero, 2 * cluster.Timeout);
            _world.Coverage.Count("network: straggler");
        }

        _world.After(from.DepartsIn + latency, () => Deliver(to, deliver));
    }

    private void Deliver(ulong to, Action<SimStore> deliver)
    {
        if (cluster.Store(to) is { IsUp: true } store) deliver(store);
    }
}
