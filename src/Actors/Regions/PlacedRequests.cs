using Akka.Event;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.RaftCmdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Regions;

/// <summary>A membership change that PD wants. Nobody waits for it: it shows in the next heartbeat.</summary>
internal sealed class PlacedChange(Context context, ChangePeerV2 changes, ILoggingAdapter log)
    : ChangePeersRequest(context, TimeSpan.MaxValue)
{
    public override ChangePeerV2Request Changes { get; } = new()
    {
        Changes = { changes.Changes.Select(c => new ChangePeerRequest { ChangeType = c.ChangeType, Peer = c.Peer }) },
    };

    public override void Succeed(Region region)
    {
    }

    public override void Fail(Protocol.Errorpb.Error error) =>
        log.StepRefused(Context.RegionId, $"the change of its peers ({Changes})", error.Message);
}

/// <summary>A transfer of leadership that PD wants. Whether it succeeds shows in who reports next.</summary>
internal sealed class PlacedTransfer(Context context, MetaPeer to, ILoggingAdapter log)
    : TransferLeaderRequest(context, TimeSpan.MaxValue)
{
    public override MetaPeer To => to;

    public override void Succeed()
    {
    }

    public override void Fail(Protocol.Errorpb.Error error) =>
        log.StepRefused(Context.RegionId, $"the transfer of its leadership to peer {to.Id} on store {to.StoreId}", error.Message);
}
