using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Simulation.Stores;

/// <summary>The shell of a <see cref="SnapshotPull"/>, as <see cref="SnapshotReceiver"/> is in the product.</summary>
internal sealed class SimReceiver
{
    private readonly SimStore _store;
    private readonly SimPeer _peer;
    private readonly RaftMessage _announcement;
    private readonly Mailbox _mailbox;
    private SnapshotPull? _pull;
    private long _heard;

    public SimReceiver(SimStore store, SimPeer peer, RaftMessage announcement)
    {
        (_store, _peer, _announcement) = (store, peer, announcement);
        _mailbox = store.NewMailbox(() => 10 * store.DiskSlowness);
        _mailbox.Post(() => Run(() =>
        {
            _pull = new SnapshotPull(store.Engine, StoreCluster.ClusterId, store.Id, announcement);
            Ask();
        }));
    }

    public SimStore Store => _store;

    public void Post(SnapshotChunkResponse response) => _mailbox.Post(() => Run(() =>
    {
        if (_pull is not null && _pull.IsFor(response)) OnChunk(response);
    }));

    private void OnChunk(SnapshotChunkResponse response)
    {
        if (_pull!.Add(response, out var isNew) is { } failure) Fail(failure);
        else if (isNew && _pull.IsComplete) Complete();
        else if (isNew) Ask();
        else Await();
    }

    private void Complete()
    {
        _store.World.Coverage.Count("snapshots: pulled");
        if (!_announcement.Message.Context.IsEmpty) _store.World.Coverage.Count("snapshots: pulled from a peer that does not lead");
        _peer.Post(new SnapshotReceiver.Staged(_announcement));
        Stop();
    }

    private void Ask()
    {
        var (request, incarnation) = (_pull!.NextRequest(), _store.Incarnation);
        _store.Cluster.Network.Send(_store, _pull.FromStoreId, to => to.OnChunkRequest(request, this, incarnation));
        Await();
    }

    /// <summary>Any answer begins the wait anew.</summary>
    private void Await()
    {
        var heard = ++_heard;
        _store.Outside(_store.Cluster.Snapshots.ChunkTimeout / 2, () => _mailbox.Post(() => Run(() =>
        {
            if (heard == _heard) OnSilence();
        })));
    }

    private void OnSilence()
    {
        _store.World.Coverage.Count("snapshots: a chunk was lost");
        if (_pull!.Silence() is { } why) Fail(why);
        else Ask();
    }

    private void Fail(string why)
    {
        _store.World.Coverage.Count("snapshots: pull given up");
        if (_store.World.IsTracing) _store.World.Trace($"store {_store.Id} gives up a snapshot of region {_pull!.RegionId}: {why}");
        _peer.Post(new SnapshotReceiver.Failed(_announcement, why));
        Stop();
    }

    /// <summary>Its store tells it to.</summary>
    public void StopNow() => _mailbox.Post(() => Run(() =>
    {
        _store.World.Coverage.Count("snapshots: receiver outlives its peer");
        Stop();
    }));

    private void Stop()
    {
        _mailbox.Close();
        _pull?.Dispose();
        _store.OnReceiverStopped(this);
    }

    /// <summary>A receiver that throws is stopped by its supervisor.</summary>
    private void Run(Action work)
    {
        try
        {
            work();
        }
        catch (SimulatedFaultException)
        {
            Stop();
        }
    }
}
