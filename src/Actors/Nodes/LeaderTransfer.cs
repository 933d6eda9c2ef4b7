using Akka.Actor;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Nodes;

/// <summary>Asks a peer that leads its region to hand the leadership over.</summary>
internal sealed class LeaderTransfer : TransferLeaderRequest
{
    private readonly TaskCompletionSource<string?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LeaderTransfer(RegionPeer.Status from, MetaPeer to)
        : base(new Context { RegionId = from.Region.Id, RegionEpoch = from.Region.RegionEpoch, Peer = from.Self }, TimeSpan.MaxValue) =>
            To = to;

    public override MetaPeer To { get; }

    /// <returns>Null: it has begun. Otherwise why not.</returns>
    public static async Task<string?> StartAsync(IActorRef peer, ulong toStoreId, TimeSpan timeout)
    {
        try
        {
            var status = await peer.Ask<RegionPeer.Status>(RegionPeer.GetStatus.Instance, timeout).ConfigureAwait(false);
            if (status.Region.Peers.FirstOrDefault(p => p.StoreId == toStoreId) is not { } to)
                return $"region {status.Region.Id} has no peer on store {toStoreId}";
            var transfer = new LeaderTransfer(status, to);
            peer.Tell(new RegionPeer.Submit([transfer]), ActorRefs.NoSender);
            return await transfer._answer.Task.WaitAsync(timeout).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AskTimeoutException or TimeoutException)
        {
            return $"the peer did not answer within {timeout.TotalSeconds:0.#} s";
        }
    }

    public override void Succeed() => _answer.TrySetResult(null);

    public override void Fail(Error error) => _answer.TrySetResult(error.Message);
}
