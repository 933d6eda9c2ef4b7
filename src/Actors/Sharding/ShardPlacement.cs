using Akka.Cluster;

namespace TiKvActors.Actors.Sharding;

/// <param name="Address">host:port</param>
internal readonly record struct ShardMember(string Address, MemberStatus Status, bool IsReachable)
{
    public bool TakesShards => IsReachable && Status is MemberStatus.Up or MemberStatus.WeaklyUp;

    public bool IsSettled => IsReachable && Status is MemberStatus.Up;
}

/// <param name="Address">host:port of its node.</param>
/// <param name="Shards">How many live there.</param>
internal readonly record struct ShardHost<T>(T Region, string Address, int Shards);

/// <summary>Where shards go, and when they may be moved. Pure.</summary>
internal static class ShardPlacement
{
    /// <summary>The host on that node, if the node takes shards.</summary>
    public static ShardHost<T>? Find<T>(
        IReadOnlyCollection<ShardHost<T>> hosts, IReadOnlyCollection<ShardMember> members, string? address) =>
        hosts.Where(h => h.Address == address && TakesShards(members, h.Address)).Select(h => (ShardHost<T>?)h).FirstOrDefault();

    /// <summary>
    /// The leader's host; without one, of those that take shards that with the fewest, and of these the first by address.
    /// </summary>
    /// <param name="leader">host:port; null: not known.</param>
    /// <exception cref="InvalidOperationException">There is no host.</exception>
    public static ShardHost<T> Choose<T>(
        IReadOnlyCollection<ShardHost<T>> hosts, IReadOnlyCollection<ShardMember> members, string? leader) =>
        Find(hosts, members, leader)
        ?? hosts.OrderByDescending(h => TakesShards(members, h.Address)).ThenBy(h => h.Shards)
            .ThenBy(h => h.Address, StringComparer.Ordinal).First();

    /// <summary>Not while anybody joins, goes or is not heard of: where leaders are is about to change.</summary>
    public static bool MayMove(IEnumerable<ShardMember> members) => members.All(m => m.IsSettled);

    private static bool TakesShards(IEnumerable<ShardMember> members, string address) =>
        members.Any(m => m.Address == address && m.TakesShards);
}

/// <summary>
/// Which shards somebody has asked to be moved to their leaders. A wish that cannot be fulfilled in time is forgotten: a later coordinator
/// on this node must not be surprised by it.
/// </summary>
internal sealed class ShardMoves(TimeSpan timeout)
{
    private readonly Dictionary<string, TimeSpan> _deadlines = [];
    private TimeSpan? _allDeadline;

    /// <param name="shards">None: all that live somewhere when they are looked at next.</param>
    public void Ask(IReadOnlyCollection<string> shards, TimeSpan now)
    {
        if (shards.Count == 0)
            _allDeadline = now + timeout;
        foreach (var shard in shards)
            _deadlines[shard] = now + timeout;
    }

    /// <summary>What is still asked for of the shards that live somewhere and are not on the move, in their order.</summary>
    public IReadOnlyList<string> Due(IReadOnlyCollection<string> living, IReadOnlySet<string> moving, TimeSpan now)
    {
        if (_allDeadline is { } deadline)
        {
            foreach (var shard in living)
                _deadlines[shard] = deadline;
        }

        _allDeadline = null;
        foreach (var (shard, _) in _deadlines.Where(d => d.Value <= now).ToList())
            _deadlines.Remove(shard);
        return [.. living.Where(s => _deadlines.ContainsKey(s) && !moving.Contains(s)).Order(StringComparer.Ordinal)];
    }

    public void Done(string shard) => _deadlines.Remove(shard);
}
