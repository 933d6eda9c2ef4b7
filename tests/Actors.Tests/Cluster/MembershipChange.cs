using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>One change of a region's members, asked of the peer whose state is given.</summary>
internal sealed class MembershipChange(RegionPeer.Status from, ChangePeerRequest change) : ChangePeersRequest(
    new Context { RegionId = from.Region.Id, RegionEpoch = from.Region.RegionEpoch, Peer = from.Self }, TimeSpan.MaxValue)
{
    private readonly TaskCompletionSource<Error?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<Error?> Done => _done.Task;

    public override ChangePeerV2Request Changes { get; } = new() { Changes = { change } };

    public override void Succeed(Region region) => _done.TrySetResult(null);

    public override void Fail(Error error) => _done.TrySetResult(error);
}
