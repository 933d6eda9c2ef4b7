using Akka.Actor;
using TiKvActors.Actors.Regions;

namespace TiKvActors.Actors.Stores;

/// <summary>An orderly stop: whatever is led here is led elsewhere first, so that clients need not wait for elections.</summary>
internal abstract partial class PeerSupervisor
{
    /// <summary>Answered by <see cref="HandedOver"/>, at the latest after <paramref name="Patience"/>. Once in the supervisor's life.</summary>
    public sealed record HandOver(TimeSpan Patience);

    /// <param name="Remaining">Regions that may still be led here.</param>
    public sealed record HandedOver(int Remaining);

    /// <summary>A peer does not lead, and nobody waits for it.</summary>
    public sealed record PeerHandedOver(ulong RegionId);

    private sealed class HandOverExpired
    {
        public static readonly HandOverExpired Instance = new();
    }

    private readonly HashSet<ulong> _handingOver = [];
    private IActorRef _handOverWanted = ActorRefs.NoSender;

    /// <summary>For the log.</summary>
    protected abstract string Name { get; }

    private void BeginHandOver(HandOver wanted)
    {
        _handOverWanted = Sender;
        foreach (var (regionId, peer) in _services.Router.Peers)
        {
            _handingOver.Add(regionId);
            peer.Tell(RegionPeer.HandOver.Instance);
        }

        Timers.StartSingleTimer("hand-over", HandOverExpired.Instance, wanted.Patience);
        EndHandOverIfDone();
    }

    private void OnHandedOver(ulong regionId)
    {
        if (_handingOver.Remove(regionId))
            EndHandOverIfDone();
    }

    private void EndHandOverIfDone()
    {
        if (_handingOver.Count == 0)
            EndHandOver();
    }

    private void EndHandOver()
    {
        Timers.Cancel("hand-over");
        _log.HandedOver(Name, _handingOver.Count);
        _handOverWanted.Tell(new HandedOver(_handingOver.Count));
        _handingOver.Clear();
    }
}
