using System.Collections.Immutable;

namespace Akka.Cluster.Membership;

/// <summary>
/// Who watches whom: each node those that follow it in an order that has nothing to do with addresses, so that machines watch each other.
/// </summary>
internal sealed class HeartbeatRing
{
    private readonly UniqueAddress _self;
    private readonly int _monitoredBy;
    private ImmutableSortedSet<UniqueAddress> _nodes = ImmutableSortedSet.Create<UniqueAddress>(Comparer<UniqueAddress>.Create(InRing));

    public HeartbeatRing(UniqueAddress self, int monitoredBy)
    {
        _self = self;
        _monitoredBy = monitoredBy;
    }

    private Reachability _reachability = Reachability.Empty;

    /// <summary>Those that heartbeats are sent to.</summary>
    public ImmutableHashSet<UniqueAddress> Receivers { get; private set; } = [];

    /// <summary>Follows a change of members. Returns those that are not watched any more.</summary>
    public IReadOnlyCollection<UniqueAddress> Update(MembershipState state)
    {
        var before = Receivers;
        var nodes = state.Members.Select(m => m.UniqueAddress).ToImmutableHashSet();
        if (ReferenceEquals(state.Gossip.Reachability, _reachability) && _nodes.SetEquals(nodes)) return [];
        _reachability = state.Gossip.Reachability;
        if (!_nodes.SetEquals(nodes)) _nodes = nodes.ToImmutableSortedSet(_nodes.KeyComparer);
        var chosen = Choose(state.Gossip.Reachability);
        // Whom this node has found unreachable it goes on to ask, or it would never hear that it is there again.
        Receivers = chosen.Union(state.Gossip.Reachability.AllUnreachableFrom(_self).Where(nodes.Contains));
        return before.Except(Receivers);
    }

    private ImmutableHashSet<UniqueAddress> Choose(Reachability reachability)
    {
        var others = _nodes.Where(n => InRing(n, _self) > 0).Concat(_nodes.Where(n => InRing(n, _self) < 0));
        var chosen = ImmutableHashSet.CreateBuilder<UniqueAddress>();
        var reachable = 0;
        foreach (var node in others)
        {
            // The unreachable ones on the way do not count: somebody has to watch those behind them.
            if (reachable == _monitoredBy) break;
            chosen.Add(node);
            if (reachability.IsReachable(node)) reachable++;
        }
        return chosen.ToImmutable();
    }

    private static int InRing(UniqueAddress x, UniqueAddress y)
    {
        var order = Hash(x).CompareTo(Hash(y));
        return order != 0 ? order : x.CompareTo(y);
    }

    private static uint Hash(UniqueAddress node)
    {
        // FNV-1a: the same on every node, unlike string.GetHashCode.
        var hash = 2166136261u;
        foreach (var c in $"{node.Address}#{node.Uid}") hash = (hash ^ c) * 16777619u;
        return hash;
    }
}
