using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster.Sharding;

/// <summary>Which nodes have regions? Answered with <see cref="CurrentRegions"/>.</summary>
public sealed class GetCurrentRegions : IShardRegionQuery, IClusterShardingSerializable
{
    public static readonly GetCurrentRegions Instance = new();

    private GetCurrentRegions()
    {
    }

    public override string ToString() => "GetCurrentRegions";
}

public sealed class CurrentRegions : IClusterShardingSerializable, IEquatable<CurrentRegions>
{
    public readonly IImmutableSet<Address> Regions;

    public CurrentRegions(IImmutableSet<Address> regions) => Regions = regions;

    public bool Equals(CurrentRegions other) => other is not null && Regions.SetEquals(other.Regions);

    public override bool Equals(object obj) => Equals(obj as CurrentRegions);

    public override int GetHashCode() => Hashes.OfSet(Regions);

    public override string ToString() => $"CurrentRegions({string.Join(", ", Regions)})";
}

/// <summary>How many entities are where? Answered with <see cref="ClusterShardingStats"/>, which has those who answered in time.</summary>
public sealed class GetClusterShardingStats : IShardRegionQuery, IClusterShardingSerializable, IEquatable<GetClusterShardingStats>
{
    public readonly TimeSpan Timeout;

    public GetClusterShardingStats(TimeSpan timeout) => Timeout = timeout;

    public bool Equals(GetClusterShardingStats other) => other is not null && Timeout == other.Timeout;

    public override bool Equals(object obj) => Equals(obj as GetClusterShardingStats);

    public override int GetHashCode() => Timeout.GetHashCode();

    public override string ToString() => $"GetClusterShardingStats({Timeout})";
}

public sealed class ClusterShardingStats : IClusterShardingSerializable, IEquatable<ClusterShardingStats>
{
    public readonly IImmutableDictionary<Address, ShardRegionStats> Regions;

    public ClusterShardingStats(IImmutableDictionary<Address, ShardRegionStats> regions) => Regions = regions;

    public bool Equals(ClusterShardingStats other) =>
        other is not null && Regions.Count == other.Regions.Count
            && Regions.All(r => other.Regions.TryGetValue(r.Key, out var stats) && r.Value.Equals(stats));

    public override bool Equals(object obj) => Equals(obj as ClusterShardingStats);

    public override int GetHashCode() => Hashes.OfSet(Regions.Keys);

    public override string ToString() => $"ClusterShardingStats({string.Join(", ", Regions.Select(r => $"{r.Key}: {r.Value}"))})";
}

/// <summary>How many entities have this region's shards? Answered with <see cref="ShardRegionStats"/>.</summary>
public sealed class GetShardRegionStats : IShardRegionQuery, IClusterShardingSerializable
{
    public static readonly GetShardRegionStats Instance = new();

    private GetShardRegionStats()
    {
    }

    public override string ToString() => "GetShardRegionStats";
}

public sealed class ShardRegionStats : IClusterShardingSerializable, IEquatable<ShardRegionStats>
{
    /// <summary>The number of entities, by shard.</summary>
    public readonly IImmutableDictionary<string, int> Stats;

    /// <summary>Shards that did not answer in time.</summary>
    public readonly IImmutableSet<string> Failed;

    public ShardRegionStats(IImmutableDictionary<string, int> stats, IImmutableSet<string> failed) => (Stats, Failed) = (stats, failed);

    public bool Equals(ShardRegionStats other) =>
        other is not null && Failed.SetEquals(other.Failed) && Stats.Count == other.Stats.Count
        && Stats.All(s => other.Stats.TryGetValue(s.Key, out var count) && s.Value == count);

    public override bool Equals(object obj) => Equals(obj as ShardRegionStats);

    public override int GetHashCode() => HashCode.Combine(Hashes.OfSet(Stats.Keys), Hashes.OfSet(Failed));

    public override string ToString() =>
        $"ShardRegionStats([{string.Join(", ", Stats.Select(s => $"{s.Key}: {s.Value}"))}], failed [{string.Join(", ", Failed)}])";
}

/// <summary>Which entities have this region's shards? Answered with <see cref="CurrentShardRegionState"/>.</summary>
public sealed class GetShardRegionState : IShardRegionQuery, IClusterShardingSerializable
{
    public static readonly GetShardRegionState Instance = new();

    private GetShardRegionState()
    {
    }

    public override string ToString() => "GetShardRegionState";
}

public sealed class CurrentShardRegionState : IClusterShardingSerializable, IEquatable<CurrentShardRegionState>
{
    public readonly IImmutableSet<ShardState> Shards;

    /// <summary>Shards that did not answer in time.</summary>
    public readonly IImmutableSet<string> Failed;

    public CurrentShardRegionState(IImmutableSet<ShardState> shards, IImmutableSet<string> failed) => (Shards, Failed) = (shards, failed);

    public bool Equals(CurrentShardRegionState other) =>
        other is not null && Shards.SetEquals(other.Shards) && Failed.SetEquals(other.Failed);

    public override bool Equals(object obj) => Equals(obj as CurrentShardRegionState);

    public override int GetHashCode() => HashCode.Combine(Hashes.OfSet(Shards), Hashes.OfSet(Failed));

    public override string ToString() => $"CurrentShardRegionState([{string.Join(", ", Shards)}], failed [{string.Join(", ", Failed)}])";
}

public sealed class ShardState : IClusterShardingSerializable, IEquatable<ShardState>
{
    public readonly string ShardId;

    public readonly IImmutableSet<string> EntityIds;

    public ShardState(string shardId, IImmutableSet<string> entityIds) => (ShardId, EntityIds) = (shardId, entityIds);

    public bool Equals(ShardState other) => other is not null && ShardId == other.ShardId && EntityIds.SetEquals(other.EntityIds);

    public override bool Equals(object obj) => Equals(obj as ShardState);

    public override int GetHashCode() => HashCode.Combine(ShardId, Hashes.OfSet(EntityIds));

    public override string ToString() => $"ShardState({ShardId}, [{string.Join(", ", EntityIds)}])";
}

internal static class Hashes
{
    /// <summary>Whatever the order.</summary>
    public static int OfSet<T>(IEnumerable<T> items) => items.Aggregate(0, (hash, item) => hash ^ item.GetHashCode());
}
