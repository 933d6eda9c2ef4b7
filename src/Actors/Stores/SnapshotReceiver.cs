using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// A <see cref="SnapshotPull"/> as an actor, for one announced snapshot. Writes the disk, so it runs on the dispatcher for slow work.
/// </summary>
internal sealed class SnapshotReceiver : UntypedActor
{
    /// <summary>To the peer: all rows are staged, durably.</summary>
    public sealed record Staged(RaftMessage Announcement);

    public sealed record Failed(RaftMessage Announcement, string Why);

    private readonly StoreServices _services;
    private readonly RaftMessage _announcement;
    private readonly IActorRef _peer;
    private readonly ActorSelection _source;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private SnapshotPull? _pull;

    public SnapshotReceiver(StoreServices services, RaftMessage announcement, IActorRef peer, string address)
    {
        _services = services;
        _announcement = announcement;
        _peer = peer;
        _source = Context.ActorSelection(NodePaths.Door(Context.System, address, services.Door));
    }

    public static Props Props(StoreServices services, RaftMessage announcement, IActorRef peer, string address) =>
        Akka.Actor.Props.Create(() => new SnapshotReceiver(services, announcement, peer, address)).WithDispatcher("tikv.dispatchers.slow");

    protected override void PreStart()
    {
        _pull = new SnapshotPull(_services.Engines.Data, _services.ClusterId, _services.StoreId, _announcement);
        Context.SetReceiveTimeout(_services.Settings.Snapshot.ChunkTimeout / 2);
        Ask();
    }

    protected override void PostStop() => _pull?.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case SnapshotChunkResponse response when _pull!.IsFor(response):
                OnChunk(response);
                break;
            case ReceiveTimeout when _pull!.Silence() is { } silence:
                Fail(silence);
                break;
            case ReceiveTimeout:
                Ask();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OnChunk(SnapshotChunkResponse response)
    {
        if (_pull!.Add(response, out var isNew) is { } failure)
        {
            Fail(failure);
            return;
        }

        if (!isNew)
            return;
        _services.Counters.AddReceivedSnapshotChunk();
        if (!_pull.IsComplete)
        {
            Ask();
            return;
        }

        _peer.Tell(new Staged(_announcement));
        Context.Stop(Self);
    }

    private void Ask() => _source.Tell(_pull!.NextRequest(), Self);

    private void Fail(string why)
    {
        _log.SnapshotPullFailed(_pull!.RegionId, _pull.FromStoreId, why);
        _peer.Tell(new Failed(_announcement, why));
        Context.Stop(Self);
    }
}
