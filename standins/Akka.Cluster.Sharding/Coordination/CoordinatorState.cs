using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster.Sharding.Coordination;

/// <summary>What the coordinator stores.</summary>
internal interface IDomainEvent : IClusterShardingSerializable
{
}

internal sealed record ShardRegionRegistered(IActorRef Region) : IDomainEvent;

internal sealed record ShardRegionProxyRegistered(IActorRef Proxy) : IDomainEvent;

internal sealed record ShardRegionTerminated(IActorRef Region) : IDomainEvent;

internal sealed record ShardRegionProxyTerminated(IActorRef Proxy) : IDomainEvent;

internal sealed record ShardHomeAllocated(string Shard, IActorRef Region) : IDomainEvent;

internal sealed record ShardHomeDeallocated(string Shard) : IDomainEvent;

/// <summary>
/// The regions, the proxies, and where the shards are: the sum of the coordinator's events. Invariant: a shard is with its region in both
/// tables.
/// </summary>
internal sealed class CoordinatorState : IClusterShardingSerializable
{
    public static readonly CoordinatorState Empty = new(
        ImmutableDictionary<string, IActorRef>.Empty, ImmutableDictionary<IActorRef, IImmutableList<string>>.Empty,
        ImmutableHashSet<IActorRef>.Empty);

    private CoordinatorState(
        ImmutableDictionary<string, IActorRef> shards, ImmutableDictionary<IActorRef, IImmutableList<string>> regions,
        ImmutableHashSet<IActorRef> proxies) =>
        (Shards, Regions, Proxies) = (shards, regions, proxies);

    public ImmutableDictionary<string, IActorRef> Shards { get; }

    /// <summary>With their shards, the earliest first.</summary>
    public ImmutableDictionary<IActorRef, IImmutableList<string>> Regions { get; }

    public ImmutableHashSet<IActorRef> Proxies { get; }

    public IEnumerable<IActorRef> RegionsAndProxies => Regions.Keys.Concat(Proxies);

    /// <summary>An event about what is not known changes nothing.</summary>
    public CoordinatorState Updated(IDomainEvent happened) => happened switch
    {
        ShardRegionRegistered e => Regions.ContainsKey(e.Region) ? this : With(regions: Regions.Add(e.Region, ImmutableList<string>.Empty)),
        ShardRegionProxyRegistered e => With(proxies: Proxies.Add(e.Proxy)),
        ShardRegionTerminated e =>
            Regions.TryGetValue(e.Region, out var shards) ? With(Shards.RemoveRange(shards), Regions.Remove(e.Region)) : this,
        ShardRegionProxyTerminated e => With(proxies: Proxies.Remove(e.Proxy)),
        ShardHomeAllocated e => Allocated(e.Shard, e.Region),
        ShardHomeDeallocated e => Deallocated(e.Shard),
        _ => throw new ArgumentException($"Unknown event {happened}", nameof(happened))
    };

    private CoordinatorState Allocated(string shard, IActorRef region) =>
        Regions.TryGetValue(region, out var shards) && !Shards.ContainsKey(shard)
        ? With(Shards.Add(shard, region), Regions.SetItem(region, shards.Add(shard)))
        : this;

    private CoordinatorState Deallocated(string shard) => Shards.TryGetValue(shard, out var region)
        ? With(Shards.Remove(shard), Regions.SetItem(region, Regions[region].Remove(shard)))
        : this;

    private CoordinatorState With(
        ImmutableDictionary<string, IActorRef> shards = null, ImmutableDictionary<IActorRef, IImmutableList<string>> regions = null,
        ImmutableHashSet<IActorRef> proxies = null) =>
        new(shards ?? Shards, regions ?? Regions, proxies ?? Proxies);
}
