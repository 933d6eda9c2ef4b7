using Google.Protobuf;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;

namespace TiKvActors.Client.Regions;

/// <summary>A region as the client last heard of it, its boundaries as request keys. Any thread.</summary>
internal sealed class CachedRegion
{
    private volatile Peer _target;

    private CachedRegion(Region region, ByteString start, ByteString end, Peer target)
    {
        (Region, Start, End) = (region, start, end);
        _target = target;
    }

    public Region Region { get; }

    public ByteString Start { get; }

    /// <summary>Exclusive; empty = the end of all keys.</summary>
    public ByteString End { get; }

    /// <summary>The peer to ask: the leader as far as is known.</summary>
    public Peer Target => _target;

    /// <param name="leader">Null, or somebody who is no peer: the first voter is asked.</param>
    /// <returns>Null for a region without voters.</returns>
    /// <exception cref="FormatException">Its boundaries are no keys of this API version.</exception>
    public static CachedRegion? Create(APIVersion apiVersion, Region region, Peer? leader)
    {
        var target = region.Peers.FirstOrDefault(p => leader is not null && p.Id == leader.Id) ?? region.Peers.FirstOrDefault(IsVoter);
        return target is null ? null : new CachedRegion(
            region, RegionKeys.ToRawRequestKey(apiVersion, region.StartKey), RegionKeys.ToRawRequestKey(apiVersion, region.EndKey), target);
    }

    public bool Contains(ByteString requestKey) => RegionKeys.Contains(Start.Span, End.Span, requestKey.Span);

    /// <summary>Whether keys just below <paramref name="end"/> (empty = the end of all keys) are in the region.</summary>
    public bool ContainsBelow(ByteString end) =>
        (end.IsEmpty || Start.Span.SequenceCompareTo(end.Span) < 0) && RegionKeys.CompareEnds(end.Span, End.Span) <= 0;

    /// <returns>False if the new leader is no peer that this client knows.</returns>
    public bool LeaderIs(Peer leader)
    {
        if (Region.Peers.FirstOrDefault(p => p.Id == leader.Id) is not { } peer)
            return false;
        _target = peer;
        return true;
    }

    /// <summary>The asked peer was no help: the next voter is asked. Does nothing if another peer is the target meanwhile.</summary>
    public void TryAnotherThan(Peer asked)
    {
        if (_target.Id != asked.Id)
            return;
        var voters = Region.Peers.Where(IsVoter).ToList();
        var index = voters.FindIndex(p => p.Id == asked.Id);
        if (voters.Count > 0)
            _target = voters[(index + 1) % voters.Count];
    }

    private static bool IsVoter(Peer peer) => peer.Role != PeerRole.Learner;
}
