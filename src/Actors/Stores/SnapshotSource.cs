using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// Makes snapshots of regions and serves their rows in bounded chunks, which the receiving store pulls. A snapshot that nobody pulls for
/// a while is dropped. Reads the disk, so it runs on the dispatcher for slow work.
/// </summary>
internal sealed class SnapshotSource : UntypedActor, IWithTimers
{
    /// <summary>From a peer that leads. Answered with <see cref="Made"/>.</summary>
    public sealed record Make(ulong RegionId, ulong ToPeer, ulong MinIndex);

    /// <param name="Region">As of <paramref name="Index"/>; null if there is no snapshot.</param>
    public sealed record Made(ulong ToPeer, Region? Region, ulong Index);

    /// <summary>To the peer, once the snapshot is dropped.</summary>
    /// <param name="Succeeded">The last chunk was pulled.</param>
    public sealed record Delivered(ulong ToPeer, bool Succeeded);

    private sealed class DropIdle
    {
        public static readonly DropIdle Instance = new();
    }

    private sealed class Open(RegionSnapshotReader reader, IActorRef peer, TimeSpan now)
    {
        public RegionSnapshotReader Reader => reader;

        public IActorRef Peer => peer;

        public TimeSpan LastUsed { get; set; } = now;

        public bool IsComplete { get; set; }
    }

    private readonly Dictionary<(ulong RegionId, ulong ToPeer), Open> _open = [];
    private readonly DataEngine _engine;
    private readonly MonotonicClock _clock;
    private readonly SnapshotSettings _settings;
    private readonly ulong _storeId;
    private readonly ulong _clusterId;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public SnapshotSource(DataEngine engine, MonotonicClock clock, SnapshotSettings settings, ulong clusterId, ulong storeId)
    {
        _engine = engine;
        _clock = clock;
        _settings = settings;
        _clusterId = clusterId;
        _storeId = storeId;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(DataEngine engine, MonotonicClock clock, SnapshotSettings settings, ulong clusterId, ulong storeId) =>
        Akka.Actor.Props.Create(() => new SnapshotSource(engine, clock, settings, clusterId, storeId));

    protected override void PreStart() => Timers.StartPeriodicTimer("drop-idle", DropIdle.Instance, _settings.ChunkTimeout / 2);

    protected override void PostStop()
    {
        foreach (var open in _open.Values)
            open.Reader.Dispose();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Make make:
                OnMake(make);
                break;
            case SnapshotChunkRequest request:
                Sender.Tell(Serve(request));
                break;
            case DropIdle:
                foreach (var (key, open) in _open.Where(o => _clock.Now - o.Value.LastUsed > _settings.ChunkTimeout).ToList())
                    Drop(key, open);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OnMake(Make make)
    {
        var key = (make.RegionId, make.ToPeer);
        if (_open.Remove(key, out var earlier))
            earlier.Reader.Dispose();
        try
        {
            var reader = new RegionSnapshotReader(_engine, make.RegionId);
            if (reader.ApplyState.AppliedIndex < make.MinIndex)
            {
                reader.Dispose();
                throw new InvalidOperationException($"applied entry {reader.ApplyState.AppliedIndex} is below {make.MinIndex}, where the log begins");
            }

            _open.Add(key, new Open(reader, Sender, _clock.Now));
            _log.SnapshotSending(make.RegionId, reader.State.Region.Peers.FirstOrDefault(p => p.Id == make.ToPeer)?.StoreId ?? 0, reader.ApplyState.AppliedIndex);
            Sender.Tell(new Made(make.ToPeer, reader.State.Region, reader.ApplyState.AppliedIndex));
        }
        catch (Exception e)
        {
            // The peer hears of it, and the leader asks again as long as the follower needs one.
            _log.SnapshotSourceFailed(make.RegionId, e.Message);
            Sender.Tell(new Made(make.ToPeer, null, 0));
        }
    }

    private SnapshotChunkResponse Serve(SnapshotChunkRequest request)
    {
        var key = request.Key;
        var response = new SnapshotChunkResponse { Header = NodePaths.Header(_clusterId, _storeId, request.Header.FromStoreId), Key = key, Chunk = request.Chunk };
        if (!_open.TryGetValue((key.RegionId, key.ToPeer.Id), out var open) || open.Reader.ApplyState.AppliedIndex != key.Index)
        {
            response.Error = $"store {_storeId} has no snapshot of region {key.RegionId} at entry {key.Index} for peer {key.ToPeer.Id} (any more)";
            return response;
        }

        open.LastUsed = _clock.Now;
        try
        {
            var chunk = open.Reader.ReadChunk(request.Chunk);
            response.Rows.AddRange(chunk.Rows);
            response.Cf = ColumnFamilies.NameOf(chunk.Family);
            response.Last = chunk.Last;
            open.IsComplete |= chunk.Last;
        }
        catch (Exception e)
        {
            _log.SnapshotSourceFailed(key.RegionId, e.Message);
            response.Error = e.Message;
            Drop((key.RegionId, key.ToPeer.Id), open);
        }

        return response;
    }

    private void Drop((ulong RegionId, ulong ToPeer) key, Open open)
    {
        _open.Remove(key);
        open.Reader.Dispose();
        open.Peer.Tell(new Delivered(key.ToPeer, open.IsComplete));
    }
}
