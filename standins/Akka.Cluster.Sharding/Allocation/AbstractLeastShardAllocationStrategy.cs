using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster.Sharding.Internal;

/// <summary>What strategies that count shards have in common.</summary>
public abstract class AbstractLeastShardAllocationStrategy : IActorSystemDependentAllocationStrategy
{
    private Cluster _cluster;

    /// <summary>A region, with what the cluster knows of its node.</summary>
    public sealed class RegionEntry
    {
        public RegionEntry(IActorRef region, Member member, IImmutableList<string> shardIds) =>
            (Region, Member, ShardIds) = (region, member, shardIds);

        public IActorRef Region { get; }

        public Member Member { get; }

        public IImmutableList<string> ShardIds { get; }
    }

    protected virtual ClusterEvent.CurrentClusterState ClusterState => _cluster.State;

    protected virtual Member SelfMember => _cluster.SelfMember;

    private protected static IImmutableSet<string> NoShards => ImmutableHashSet<string>.Empty;

    public void Start(ActorSystem system) => _cluster = Cluster.Get(system);

    /// <exception cref="InvalidOperationException">None of the regions is on a member.</exception>
    public Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations) =>
        Task.FromResult(MostSuitableRegion(RegionEntriesFor(currentShardAllocations)).Item1);

    public abstract Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress);

    /// <summary>The regions that are on members.</summary>
    protected ImmutableList<RegionEntry> RegionEntriesFor(IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations)
    {
        var members = ClusterState.Members.ToDictionary(m => m.Address);
        return currentShardAllocations
            .Select(r => members.TryGetValue(r.Key.Path.Address.HasLocalScope ? SelfMember.Address : r.Key.Path.Address, out var member)
                ? new RegionEntry(r.Key, member, r.Value) : null)
            .Where(r => r != null).ToImmutableList();
    }

    /// <summary>Rather on members that stay, then on those of the newest version, then where fewest shards are.</summary>
    protected (IActorRef, IImmutableList<string>) MostSuitableRegion(IEnumerable<RegionEntry> regionEntries)
    {
        var best = regionEntries.OrderBy(r => r.Member.Status is MemberStatus.Leaving or MemberStatus.Exiting or MemberStatus.Down)
            .ThenByDescending(r => r.Member.AppVersion)
            .ThenBy(r => r.ShardIds.Count).First();
        return (best.Region, best.ShardIds);
    }

    /// <summary>
    /// Not while members join, are unreachable, or are being replaced by those of another version: all of them have to take part.
    /// </summary>
    protected bool IsAGoodTimeToRebalance(IEnumerable<RegionEntry> regionEntries)
    {
        var state = ClusterState;
        return regionEntries.Select(r => r.Member.AppVersion).Distinct().Count() == 1 && state.Unreachable.IsEmpty
            && !state.Members.Any(m => m.Status is MemberStatus.Joining or MemberStatus.WeaklyUp);
    }
}

/// <summary>Moves what regions have above the average, then one each from those that have it in full to those far below.</summary>
internal class EveningOutStrategy(int absoluteLimit, double relativeLimit) : AbstractLeastShardAllocationStrategy
{
    public override Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        var regions = RegionEntriesFor(currentShardAllocations);
        var total = regions.Sum(r => r.ShardIds.Count);
        // One round after the other: counts in between say nothing.
        if (total == 0 || rebalanceInProgress.Count > 0 || !IsAGoodTimeToRebalance(regions)) return Task.FromResult(NoShards);
        var limit = Math.Max(1, Math.Min((int)(relativeLimit * total), absoluteLimit));
        var share = (total + regions.Count - 1) / regions.Count;
        var moved = regions.SelectMany(r => r.ShardIds.Take(Math.Max(0, r.ShardIds.Count - share))).ToList();
        if (moved.Count == 0)
        {
            var missing = regions.Sum(r => Math.Max(0, share - 1 - r.ShardIds.Count));
            moved = regions.Where(r => r.ShardIds.Count == share).Take(missing).Select(r => r.ShardIds[0]).ToList();
        }
        return Task.FromResult<IImmutableSet<string>>(moved.Take(limit).ToImmutableHashSet());
    }
}
