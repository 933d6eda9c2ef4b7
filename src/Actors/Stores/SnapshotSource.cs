using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Stores;

/// <summary><see cref="SnapshotOffers{TPeer}"/> as an actor. Reads the disk, so it runs on the dispatcher for slow work.</summary>
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

    private readonly SnapshotOffers<IActorRef> _offers;
    private readonly MonotonicClock _clock;
    private readonly SnapshotSettings _settings;

    public SnapshotSource(IDataEngine engine, MonotonicClock clock, SnapshotSettings settings, ulong clusterId, ulong storeId)
    {
        _clock = clock;
        _settings = settings;
        var self = Self;
        _offers = new SnapshotOffers<IActorRef>(
            engine, settings.ChunkTimeout, clusterId, storeId, (peer, message) => peer.Tell(message, self), Context.GetLogger());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IDataEngine engine, MonotonicClock clock, SnapshotSettings settings, ulong clusterId, ulong storeId) =>
        Akka.Actor.Props.Create(() => new SnapshotSource(engine, clock, settings, clusterId, storeId));

    protected override void PreStart() => Timers.StartPeriodicTimer("drop-idle", DropIdle.Instance, _settings.ChunkTimeout / 2);

    protected override void PostStop() => _offers.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Make make:
                _offers.Make(make.RegionId, make.ToPeer, make.MinIndex, Sender, _clock.Now);
                break;
            case SnapshotChunkRequest request:
                Sender.Tell(_offers.Serve(request, _clock.Now));
                break;
            case DropIdle:
                _offers.DropIdle(_clock.Now);
                break;
            default:
                Unhandled(message);
                break;
        }
    }
}
