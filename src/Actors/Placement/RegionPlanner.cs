using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Placement;

/// <param name="Waits">Why a region that has to leave a store cannot go on now.</param>
internal readonly record struct RegionStep(TransferLeader? Transfer = null, ChangePeerV2? Change = null, string Waits = "")
{
    public static RegionStep None { get; } = new(Waits: "");

    public static RegionStep Of(params IEnumerable<(ConfChangeType Type, Peer Peer)> changes) =>
        new(Change: new ChangePeerV2 { Changes = { changes.Select(c => new ChangePeer { ChangeType = c.Type, Peer = c.Peer }) } });

    public static RegionStep Wait(string why) => new(Waits: why);
}

/// <summary>
/// How a region leaves stores that are being removed, one step at a time: the leader goes elsewhere; a learner is added on another store;
/// once it has caught up, it becomes a voter in the same joint change that makes a learner of the voter that has to leave; that one is
/// removed. So there are never fewer voters. A step follows from the region's configuration alone, so one that got lost is decided again.
/// </summary>
internal sealed class RegionPlanner(StoreTable stores, RegionTable regions, bool removesExtraReplicas)
{
    /// <param name="pending">Peers that the leader cannot append to yet.</param>
    /// <param name="mayBegin">Whether one more region may be given a new peer.</param>
    /// <param name="newPeerId">Called for a step that needs one.</param>
    public RegionStep Next(
        Region region, Peer leader, IReadOnlyCollection<Peer> pending, bool mayBegin, Func<ulong> newPeerId, TimeSpan now)
    {
        // Its leader leaves a joint configuration by itself.
        if (region.Peers.Any(p => p.Role is PeerRole.IncomingVoter or PeerRole.DemotingVoter))
            return RegionStep.None;
        var leaving = region.Peers.Where(p => stores.MustBeLeft(p.StoreId)).OrderBy(p => p.StoreId).ToList();
        if (leaving.Any(p => p.Id == leader.Id) && Successors(region, pending, now) is { Count: > 0 } successors)
            return new RegionStep(new TransferLeader { Peer = successors[0], Peers = { successors } });
        if (leaving.Find(p => p.Role == PeerRole.Learner) is { } demoted)
            return RegionStep.Of((ConfChangeType.RemoveNode, demoted));
        var learner = region.Peers.Where(p => p.Role == PeerRole.Learner).OrderBy(p => IsPending(p, pending)).FirstOrDefault();
        if (leaving.Count == 0)
            return learner is null || !removesExtraReplicas ? RegionStep.None : RegionStep.Of((ConfChangeType.RemoveNode, learner));
        if (learner is null)
            return Begin(region, mayBegin, newPeerId, now);
        if (!stores.IsUp(learner.StoreId, now))
        {
            return Target(region, now) is null
                ? RegionStep.Wait($"store {learner.StoreId}, to which it moves, is not up")
                : RegionStep.Of((ConfChangeType.RemoveNode, learner));
        }

        return IsPending(learner, pending)
            ? RegionStep.Wait($"its new peer on store {learner.StoreId} has not caught up")
            : RegionStep.Of((ConfChangeType.AddNode, learner), (ConfChangeType.AddLearnerNode, leaving[0]));
    }

    private RegionStep Begin(Region region, bool mayBegin, Func<ulong> newPeerId, TimeSpan now)
    {
        if (Target(region, now) is not { } target)
            return RegionStep.Wait("no store that is up is without a peer of it: start another one");
        if (!mayBegin)
            return RegionStep.Wait("others are moving");
        return RegionStep.Of(
            (ConfChangeType.AddLearnerNode, new Peer { Id = newPeerId(), StoreId = target.Id, Role = PeerRole.Learner }));
    }

    private Store? Target(Region region, TimeSpan now) => stores.All
        .Where(s => stores.IsUp(s.Id, now) && region.Peers.All(p => p.StoreId != s.Id))
        .MinBy(s => (regions.PeersOn(s.Id), s.Id));

    /// <summary>They change with the region, so that the leaders of a store do not all go to the same one.</summary>
    private List<Peer> Successors(Region region, IReadOnlyCollection<Peer> pending, TimeSpan now)
    {
        var able = region.Peers
            .Where(p => p.Role == PeerRole.Voter && stores.IsUp(p.StoreId, now) && !IsPending(p, pending)).OrderBy(p => p.StoreId).ToList();
        var first = able.Count == 0 ? 0 : (int)(region.Id % (ulong)able.Count);
        return [.. able.Skip(first), .. able.Take(first)];
    }

    private static bool IsPending(Peer peer, IReadOnlyCollection<Peer> pending) => pending.Any(p => p.Id == peer.Id);
}
