namespace Akka.Cluster.Membership;

// Who tells whom, and what becomes of it.
internal sealed partial class ClusterMembership
{
    private void ReceiveStatus(GossipStatus status)
    {
        if (!IsMember || !Latest.Has(status.From) || !Latest.Reachability.IsReachable(Self, status.From)) return;
        switch (status.Version.CompareTo(Latest.Version))
        {
            case VectorClock.Ordering.Same:
                break;
            case VectorClock.Ordering.After:
                // It has news: it sends them on hearing what is known here.
                _output.Send(status.From.Address, new GossipStatus(Self, Latest.Version));
                break;
            default:
                SendGossip(status.From);
                break;
        }
    }

    private void ReceiveGossip(GossipEnvelope envelope, long unixMilliseconds)
    {
        if (!IsMember || envelope.To != Self || !envelope.Gossip.Has(Self)) return;
        if (!Latest.Has(envelope.From) || !Latest.Reachability.IsReachable(Self, envelope.From)) return;
        var before = State;
        var order = envelope.Gossip.Version.CompareTo(Latest.Version);
        var (winner, isOwnVersion) = (Latest, true);
        switch (order)
        {
            case VectorClock.Ordering.Same:
                winner = Latest.MergeSeen(envelope.Gossip);
                break;
            case VectorClock.Ordering.After:
                // What is not seen here by others may have been seen there, and the other way round it is another version.
                winner = envelope.Gossip;
                break;
            case VectorClock.Ordering.Concurrent:
                winner = Latest.Merge(envelope.Gossip, out isOwnVersion)
                    .PruneTombstones(unixMilliseconds - (long)MembershipSettings.TombstoneLifetime.TotalMilliseconds);
                break;
        }
        if (!winner.Has(Self)) return;
        Set(isOwnVersion ? winner.SeenBy(Self) : winner.ChangedBy(Self));
        foreach (var member in Latest.Members)
            if (!before.Gossip.Has(member.UniqueAddress)) _output.ForgetHeartbeats(member.Address);
        _output.Publish(State);
        BeginExitingIfDue();
        if (State.SelfMember.Status == MemberStatus.Down && before.SelfMember.Status != MemberStatus.Down) EndWhenDown();
        // It does not have what came out of this, or does not know that this node has it.
        if (!_hasEnded && (order is VectorClock.Ordering.Before or VectorClock.Ordering.Concurrent || !envelope.Gossip.IsSeenBy(Self)))
            SendGossip(envelope.From);
    }

    private UniqueAddress SelectPeer()
    {
        var valid = Latest.Members.Where(m => State.IsValidForGossip(m.UniqueAddress)).Select(m => m.UniqueAddress).ToList();
        if (valid.Count == 0) return null;
        if (_random.NextDouble() < DifferentViewProbability)
        {
            var unaware = valid.FindAll(node => !Latest.IsSeenBy(node));
            if (unaware.Count > 0) valid = unaware;
        }
        return valid[_random.Next(valid.Count)];
    }

    /// <summary>
    /// In a large cluster everybody telling those who do not know would flood them; the chance falls to a tenth at three times the limit.
    /// </summary>
    private double DifferentViewProbability
    {
        get
        {
            var (size, low, high) = (Latest.Members.Count, _settings.ReduceGossipDifferentViewProbability,
                _settings.ReduceGossipDifferentViewProbability * 3);
            var (full, least) = (_settings.GossipDifferentViewProbability, _settings.GossipDifferentViewProbability / 10);
            if (low >= high || size <= low) return full;
            return size >= high ? least : full - (full - least) * (size - low) / (high - low);
        }
    }

    private void GossipTo(UniqueAddress peer)
    {
        if (Latest.IsSeenBy(peer)) _output.Send(peer.Address, new GossipStatus(Self, Latest.Version));
        else SendGossip(peer);
    }

    private void SendGossip(UniqueAddress peer)
    {
        if (peer != Self) _output.Send(peer.Address, new GossipEnvelope(Self, peer, Latest));
    }

    private void GossipToSome()
    {
        var valid = Latest.Members.Where(m => State.IsValidForGossip(m.UniqueAddress)).Select(m => m.UniqueAddress).ToArray();
        _random.Shuffle(valid);
        foreach (var peer in valid.Take(GossipsBeforeShutdown)) SendGossip(peer);
    }
}
