using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding.Internal;

namespace Akka.Cluster.Sharding;

/// <summary>Decides where shards live. Called by the coordinator, one call of a kind after the other.</summary>
public interface IShardAllocationStrategy : INoSerializationVerificationNeeded
{
    /// <summary>Where a shard is to live that lives nowhere. A failure means: not now; it is asked again for the next message.</summary>
    /// <param name="currentShardAllocations">The regions to choose from, with their shards, the earliest first.</param>
    Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations);

    /// <summary>Which shards are to be handed off, so that they are allocated anew.</summary>
    Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress);
}

/// <summary>Is told when its coordinator starts.</summary>
public interface IStartableAllocationStrategy : IShardAllocationStrategy
{
    void Start();
}

/// <summary>Is told when its coordinator starts, with its system.</summary>
public interface IActorSystemDependentAllocationStrategy : IShardAllocationStrategy
{
    void Start(ActorSystem system);
}

public static class ShardAllocationStrategy
{
    /// <summary>New shards go to the region with the fewest; evens out all regions in one round or two.</summary>
    /// <param name="absoluteLimit">most shards moved in a round.</param>
    /// <param name="relativeLimit">most shards moved in a round, as a part of all.</param>
    public static IShardAllocationStrategy LeastShardAllocationStrategy(int absoluteLimit, double relativeLimit) =>
        new EveningOutStrategy(absoluteLimit, relativeLimit);
}

/// <summary>New shards go to the region with the fewest; moves from the region with most of them to that with fewest.</summary>
[Obsolete("Use ShardAllocationStrategy.LeastShardAllocationStrategy instead")]
public class LeastShardAllocationStrategy : AbstractLeastShardAllocationStrategy
{
    private readonly int _rebalanceThreshold;
    private readonly int _maxSimultaneousRebalance;

    /// <param name="rebalanceThreshold">the difference up to which nothing is moved.</param>
    /// <param name="maxSimultaneousRebalance">most shards on the move at once.</param>
    public LeastShardAllocationStrategy(int rebalanceThreshold, int maxSimultaneousRebalance) =>
        (_rebalanceThreshold, _maxSimultaneousRebalance) = (rebalanceThreshold, maxSimultaneousRebalance);

    public override Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        var free = _maxSimultaneousRebalance - rebalanceInProgress.Count;
        var regions = RegionEntriesFor(currentShardAllocations);
        if (free <= 0 || regions.IsEmpty || !IsAGoodTimeToRebalance(regions)) return Task.FromResult(NoShards);
        var (_, fewest) = MostSuitableRegion(regions);
        var most = regions.Select(r => r.ShardIds.Where(s => !rebalanceInProgress.Contains(s)).ToList()).MaxBy(shards => shards.Count);
        var difference = most.Count - fewest.Count;
        if (difference <= _rebalanceThreshold) return Task.FromResult(NoShards);
        var moved = Math.Min(Math.Max(difference - _rebalanceThreshold, 1), free);
        return Task.FromResult<IImmutableSet<string>>(most.Take(moved).ToImmutableHashSet());
    }
}
