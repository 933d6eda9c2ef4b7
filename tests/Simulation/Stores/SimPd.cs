using Google.Protobuf;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Simulation.Stores;

/// <summary>PD: ids, and the real <see cref="RegionTable"/>, fed by heartbeats. Messages to it and from it get lost like others.</summary>
internal sealed class SimPd(StoreCluster cluster)
{
    private ulong _lastId = 100;

    public RegionTable Regions { get; } = new();

    public bool IsDown { get; set; }

    public ulong NextId() => ++_lastId;

    public void Tell(SimPeer from, IMessage message)
    {
        var world = cluster.World;
        if (IsDown || (!cluster.Network.IsReliable && world.Chance(cluster.Profile.Drop))) return;
        world.After(from.Store.DepartsIn + cluster.Network.Latency(), () =>
        {
            if (Answer(message) is { } answer)
                world.After(cluster.Network.Latency(), () => from.Post(answer));
        });
    }

    private object? Answer(IMessage message)
    {
        switch (message)
        {
            case RegionHeartbeatRequest heartbeat:
                Learn(heartbeat.Region);
                if (Regions.Find(heartbeat.Region.Id) is { } known && known.Region.RegionEpoch.Equals(heartbeat.Region.RegionEpoch))
                    Regions.Report(heartbeat.Region.Id, heartbeat.Leader, heartbeat.Term, 0, 0);
                return null;
            case RegionBeat beat:
                return Regions.Find(beat.RegionId) is { Leader: { } leader } told && leader.Id == beat.LeaderId && told.Term == beat.Term
                    && told.Region.RegionEpoch.Equals(beat.Epoch) ? null : RegionPeer.ReportToPd.Instance;
            case ReportBatchSplitRequest report:
                foreach (var region in report.Regions) Learn(region);
                return null;
            case AskBatchSplitRequest ask:
                var response = new AskBatchSplitResponse { Header = new ResponseHeader() };
                for (var i = 0; i < ask.SplitCount; i++)
                    response.Ids.Add(new SplitID { NewRegionId = NextId(), NewPeerIds = { ask.Region.Peers.Select(_ => NextId()) } });
                return response;
            default:
                return null;
        }
    }

    private void Learn(Region region)
    {
        var (stale, _, replaced) = Regions.Judge(region);
        if (stale) return;
        foreach (var id in replaced) Regions.Remove(id);
        Regions.Put(region);
    }
}
