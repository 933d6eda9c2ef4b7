using Akka.Actor;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>Moves a region's leadership on request.</summary>
internal static class LeadershipExtensions
{
    /// <summary>Completes when another peer leads: <paramref name="to"/>, or without it any other of the region.</summary>
    public static async Task<TestCluster.Leadership> MoveLeadershipAsync(this TestCluster cluster, string key, TestNode? to = null)
    {
        var before = await cluster.LeaderOfAsync(key);
        var target = before.Status.Region.Peers.First(p => to is null ? p.Id != before.Status.Self.Id : p.StoreId == to.StoreId);
        return await Eventually.NotNullAsync(async () =>
        {
            var now = await cluster.LeaderOfAsync(key);
            if (now.Status.Self.Id == target.Id)
                return now;
            // Asked for again each time: accepted means only started, and a target that lags or restarts lets it run out.
            now.AskToTransfer(target);
            return null;
        }, $"peer {target.Id} leads the region of \"{key}\"");
    }

    /// <summary>Asks once; what comes of it shows in who leads.</summary>
    public static void AskToTransfer(this TestCluster.Leadership now, Protocol.Metapb.Peer target)
    {
        if (now.Node.IsRunning && now.Node.Tikv.Node?.Services?.Router.Find(now.Status.Region.Id) is { } peer)
            peer.Tell(new RegionPeer.Submit([new Request(now.Status, target)]), ActorRefs.NoSender);
    }

    private sealed class Request(RegionPeer.Status from, Protocol.Metapb.Peer to) : TransferLeaderRequest(
        new Context { RegionId = from.Region.Id, RegionEpoch = from.Region.RegionEpoch, Peer = from.Self }, TimeSpan.MaxValue)
    {
        public override Protocol.Metapb.Peer To => to;

        public override void Succeed()
        {
        }

        public override void Fail(Protocol.Errorpb.Error error)
        {
        }
    }
}
