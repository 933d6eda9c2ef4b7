using Akka.Cluster.Membership;

namespace Akka.Cluster.SBR;

/// <summary>
/// Waits until the picture has not changed for a while, then says who is to be downed. No clock of its own: times are monotonic ones of the
/// caller.
/// </summary>
internal sealed class StabilityWatch(DowningStrategy strategy, TimeSpan stableAfter, TimeSpan downAllWhenUnstable)
{
    private MembershipState _state;
    private HashSet<UniqueAddress> _unreachable = [];
    private HashSet<UniqueAddress> _members = [];
    private HashSet<Reachability.Record> _records = [];
    private TimeSpan _stableAt;
    private TimeSpan? _unstableSince;

    /// <summary>Whether somebody is unreachable for whom this node has to decide.</summary>
    public bool IsWaiting => _state != null && _unreachable.Count > 0 && IsResponsible;

    /// <summary>The leader of a side decides for all of it.</summary>
    private bool IsResponsible => _state.IsLeader && _state.SelfMember is { Status: not (MemberStatus.Joining or MemberStatus.Down) };

    public void Update(MembershipState state, TimeSpan now)
    {
        _state = state;
        var reachability = state.ReachabilityExcludingDownedObservers;
        var unreachable = reachability.AllUnreachable.Where(n => state.Gossip.Find(n) is { Status: not MemberStatus.Down }).ToHashSet();
        var members = state.Members.Where(m => m.Status is MemberStatus.Up or MemberStatus.WeaklyUp or MemberStatus.Leaving)
            .Select(m => m.UniqueAddress).ToHashSet();
        if (!unreachable.SetEquals(_unreachable) || !members.SetEquals(_members)) _stableAt = now + stableAfter;
        var records = reachability.Records.Where(r => unreachable.Contains(r.Subject)).ToHashSet();
        if (!records.SetEquals(_records)) _unstableSince ??= now;
        (_unreachable, _members, _records) = (unreachable, members, records);
        if (_unreachable.All(n => state.Gossip.Find(n) is { Status: MemberStatus.Exiting })) _unstableSince = null;
    }

    /// <summary>Who is to be downed now, this node last; mostly nobody.</summary>
    public IReadOnlyList<UniqueAddress> Decide(TimeSpan now)
    {
        if (_state?.SelfMember == null) return [];
        IEnumerable<UniqueAddress> nodes = [];
        if (downAllWhenUnstable > TimeSpan.Zero && now - _unstableSince > stableAfter + downAllWhenUnstable)
        {
            // Everybody for itself: the leader may be what is unstable.
            nodes = _state.Members.Where(m => m.Status != MemberStatus.Down).Select(m => m.UniqueAddress);
        }
        else if (IsWaiting && now >= _stableAt)
        {
            nodes = DowningDecision.NodesToDown(strategy, _state);
        }
        return nodes.OrderBy(n => n == _state.Self).ThenBy(n => n).ToList();
    }
}
