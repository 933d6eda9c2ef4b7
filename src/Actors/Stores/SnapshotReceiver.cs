using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Pulls one announced snapshot, chunk after chunk, into staging/. The pace is this side's: the next chunk is asked for when the last is on disk.
/// Writes the disk, so it runs on the dispatcher for slow work.
/// </summary>
internal sealed class SnapshotReceiver : UntypedActor
{
    /// <summary>To the peer: all rows are staged, durably.</summary>
    public sealed record Staged(RaftMessage Announcement);

    public sealed record Failed(RaftMessage Announcement, string Why);

    private const int MaxSilences = 3;

    private readonly StoreServices _services;
    private readonly RaftMessage _announcement;
    private readonly IActorRef _peer;
    private readonly ActorSelection _source;
    private readonly SnapshotKey _key;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private StagedSnapshot? _staged;
    private int _silences;

    public SnapshotReceiver(StoreServices services, RaftMessage announcement, IActorRef peer, string address)
    {
        _services = services;
        _announcement = announcement;
        _peer = peer;
        _source = Context.ActorSelection(NodePaths.Store(Context.System.Name, address));
        var metadata = announcement.Message.Snapshot.Metadata;
        _key = new SnapshotKey { RegionId = announcement.RegionId, ToPeer = announcement.ToPeer, Index = metadata.Index, Term = metadata.Term };
    }

    public static Props Props(StoreServices services, RaftMessage announcement, IActorRef peer, string address) =>
        Akka.Actor.Props.Create(() => new SnapshotReceiver(services, announcement, peer, address)).WithDispatcher("tikv.dispatchers.slow");

    protected override void PreStart()
    {
        _staged = StagedSnapshot.Begin(_services.Engines.Data, _key.RegionId, _key.Index, _key.Term);
        Context.SetReceiveTimeout(_services.Settings.Snapshot.ChunkTimeout / 2);
        Ask();
    }

    protected override void PostStop()
    {
        if (_staged is { IsComplete: false })
            _staged.Delete();
        _staged?.Dispose();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case SnapshotChunkResponse response when response.Key.Equals(_key):
                OnChunk(response);
                break;
            case ReceiveTimeout when ++_silences >= MaxSilences:
                Fail($"store {_announcement.FromPeer.StoreId} does not answer");
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
        _silences = 0;
        if (response.Error.Length > 0)
        {
            Fail(response.Error);
            return;
        }

        if (!ColumnFamilies.TryParse(response.Cf, out var family))
        {
            Fail($"chunk {response.Chunk} is of column family {response.Cf}, which this program does not know");
            return;
        }

        // An answer that came twice: a repeated request crossed it.
        if (response.Chunk != _staged!.NextChunk)
            return;
        try
        {
            _staged.Add(new SnapshotChunk(response.Chunk, family, response.Rows, response.Last));
        }
        catch (Exception e)
        {
            // Nothing of the region is touched yet; the leader offers a snapshot again.
            Fail(e.Message);
            return;
        }

        _services.Counters.AddReceivedSnapshotChunk();
        if (!_staged.IsComplete)
        {
            Ask();
            return;
        }

        _peer.Tell(new Staged(_announcement));
        Context.Stop(Self);
    }

    private void Ask() => _source.Tell(
        new SnapshotChunkRequest { Header = NodePaths.Header(_services.ClusterId, _services.StoreId, _announcement.FromPeer.StoreId), Key = _key, Chunk = _staged!.NextChunk },
        Self);

    private void Fail(string why)
    {
        _log.SnapshotPullFailed(_key.RegionId, _announcement.FromPeer.StoreId, why);
        _peer.Tell(new Failed(_announcement, why));
        Context.Stop(Self);
    }
}
