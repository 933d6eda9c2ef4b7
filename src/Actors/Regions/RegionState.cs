using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// The rules by which configuration changes and splits change a region. Pure functions over <see cref="Region"/>, which is treated
/// as immutable everywhere: a change makes a new one.
/// </summary>
internal static class RegionState
{
    /// <summary>Index and term at which every region's log begins (TiKV's RAFT_INIT_LOG_INDEX and RAFT_INIT_LOG_TERM).</summary>
    public const ulong InitialLogIndex = 5;
    public const ulong InitialLogTerm = 5;

    public static RaftApplyState InitialApplyState() => new()
    {
        AppliedIndex = InitialLogIndex,
        TruncatedState = new RaftTruncatedState { Index = InitialLogIndex, Term = InitialLogTerm },
    };

    /// <summary>
    /// What stays of a removed peer. Beside the region as it went on, it names the removed peer itself: its id must never come back, and a
    /// restart that finishes the destruction needs it to find its journal.
    /// </summary>
    public static RegionLocalState Tombstone(Region region, MetaPeer self)
    {
        var last = region.Clone();
        if (last.Peers.All(p => p.Id != self.Id))
            last.Peers.Add(self);
        return new RegionLocalState { State = PeerState.Tombstone, Region = last };
    }

    public static bool IsOlder(RegionEpoch epoch, RegionEpoch than) => epoch.Version < than.Version || epoch.ConfVer < than.ConfVer;

    public static MetaPeer? FindPeer(Region region, ulong peerId) => region.Peers.FirstOrDefault(p => p.Id == peerId);

    private static bool IsJoint(Region region) => region.Peers.Any(p => p.Role is PeerRole.IncomingVoter or PeerRole.DemotingVoter);

    /// <summary>The Raft configuration that the peers' roles stand for.</summary>
    public static ConfState ToConfState(Region region)
    {
        var joint = IsJoint(region);
        var state = new ConfState();
        foreach (var peer in region.Peers)
        {
            switch (peer.Role)
            {
                case PeerRole.Voter:
                    state.Voters.Add(peer.Id);
                    if (joint)
                        state.VotersOutgoing.Add(peer.Id);
                    break;
                case PeerRole.IncomingVoter:
                    state.Voters.Add(peer.Id);
                    break;
                case PeerRole.DemotingVoter:
                    state.VotersOutgoing.Add(peer.Id);
                    state.LearnersNext.Add(peer.Id);
                    break;
                default:
                    state.Learners.Add(peer.Id);
                    break;
            }
        }

        return state;
    }

    /// <summary>
    /// What the changes mean to Raft. More than one enters a joint configuration that is left explicitly; none leaves it.
    /// </summary>
    public static ConfChangeV2 ToConfChange(ChangePeerV2Request request)
    {
        var change =
            new ConfChangeV2 { Transition = request.Changes.Count > 1 ? ConfChangeTransition.Explicit : ConfChangeTransition.Auto };
        change.Changes.AddRange(request.Changes.Select(c => new ConfChangeSingle { ChangeType = c.ChangeType, NodeId = c.Peer.Id }));
        return change;
    }

    /// <returns>Null and the new region, or a sentence that says why the change makes no sense.</returns>
    public static (string? Error, Region Region) ChangePeers(Region region, ChangePeerV2Request request)
    {
        var next = region.Clone();
        if (request.Changes.Count == 0)
            return LeaveJoint(next);

        var joint = request.Changes.Count > 1;
        foreach (var change in request.Changes)
        {
            if (ChangePeer(next, change.ChangeType, change.Peer, joint) is { } error)
                return (error, region);
        }

        // To Raft, several changes are always joint. Only the roles tell the region so, and that it must leave.
        if (joint && !IsJoint(next))
            return ($"{request.Changes.Count} changes of region {region.Id} in which no voter takes part: make them one at a time", region);

        next.RegionEpoch.ConfVer += (ulong)request.Changes.Count;
        return (null, next);
    }

    private static string? ChangePeer(Region region, ConfChangeType type, MetaPeer peer, bool joint)
    {
        var onStore = region.Peers.FirstOrDefault(p => p.StoreId == peer.StoreId);
        switch (type)
        {
            case ConfChangeType.AddNode when onStore is null:
                region.Peers.Add(new MetaPeer
                {
                    Id = peer.Id,
                    StoreId = peer.StoreId,
                    Role = joint ? PeerRole.IncomingVoter : PeerRole.Voter
                });
                return null;
            case ConfChangeType.AddNode when onStore.Id == peer.Id && onStore.Role == PeerRole.Learner:
                onStore.Role = joint ? PeerRole.IncomingVoter : PeerRole.Voter;
                return null;
            case ConfChangeType.AddLearnerNode when onStore is null:
                region.Peers.Add(new MetaPeer { Id = peer.Id, StoreId = peer.StoreId, Role = PeerRole.Learner });
                return null;
            case ConfChangeType.AddLearnerNode when onStore.Id == peer.Id && onStore.Role == PeerRole.Voter:
                onStore.Role = joint ? PeerRole.DemotingVoter : PeerRole.Learner;
                return null;
            case ConfChangeType.RemoveNode when onStore is not null && onStore.Id == peer.Id:
                if (joint && onStore.Role == PeerRole.Voter)
                    return $"voter {peer.Id} cannot leave in a joint change: demote it to a learner first";
                region.Peers.Remove(onStore);
                return null;
            default:
                return $"{type} of peer {peer.Id} on store {peer.StoreId} makes no sense for region {region.Id}, "
                    + $"which has {(onStore is null ? "no peer" : $"peer {onStore.Id} ({onStore.Role})")} there";
        }
    }

    private static (string? Error, Region Region) LeaveJoint(Region region)
    {
        var changed = 0ul;
        foreach (var peer in region.Peers)
        {
            var settled = peer.Role switch { PeerRole.IncomingVoter =>
                PeerRole.Voter, PeerRole.DemotingVoter => PeerRole.Learner, var role => role };
            if (settled != peer.Role)
                changed++;
            peer.Role = settled;
        }

        if (changed == 0)
            return ($"region {region.Id} is in no joint configuration that could be left", region);
        region.RegionEpoch.ConfVer += changed;
        return (null, region);
    }

    /// <summary>
    /// The regions that come out of a split, in key order. Every one gets the old version plus the number of new regions. With
    /// <c>right_derive</c> the last keeps the old id and peers, else the first.
    /// </summary>
    /// <returns>An error, or the regions and the position of the derived one.</returns>
    public static (string? Error, List<Region> Regions, int Derived) Split(Region region, BatchSplitRequest request)
    {
        if (request.Requests.Count == 0)
            return ("a split needs at least one key", [], 0);

        var boundaries = new List<Google.Protobuf.ByteString> { region.StartKey };
        foreach (var split in request.Requests)
        {
            if (KeyRange.Compare(split.SplitKey, boundaries[^1]) <= 0 || !KeyRange.Contains(region, split.SplitKey))
                return ($"split key {Convert.ToHexString(split.SplitKey.Span)} is not inside "
                    + $"region {region.Id} {KeyRange.Describe(region)} and above the one before", [], 0);
            if (split.NewPeerIds.Count != region.Peers.Count)
                return ($"region {region.Id} has {region.Peers.Count} peers, the split brings ids for {split.NewPeerIds.Count}", [], 0);
            boundaries.Add(split.SplitKey);
        }

        boundaries.Add(region.EndKey);
        var version = region.RegionEpoch.Version + (ulong)request.Requests.Count;
        var derivedAt = request.RightDerive ? request.Requests.Count : 0;
        var regions = new List<Region>();
        for (var i = 0; i + 1 < boundaries.Count; i++)
        {
            var part = i == derivedAt ? region.Clone() : NewPart(region, request.Requests[request.RightDerive ? i : i - 1]);
            part.StartKey = boundaries[i];
            part.EndKey = boundaries[i + 1];
            part.RegionEpoch.Version = version;
            regions.Add(part);
        }

        return (null, regions, derivedAt);
    }

    private static Region NewPart(Region parent, Protocol.RaftCmdpb.SplitRequest ids)
    {
        var part = new Region { Id = ids.NewRegionId, RegionEpoch = parent.RegionEpoch.Clone() };
        for (var i = 0; i < parent.Peers.Count; i++)
            part.Peers.Add(new MetaPeer { Id = ids.NewPeerIds[i], StoreId = parent.Peers[i].StoreId, Role = parent.Peers[i].Role });
        return part;
    }
}
