using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Event;
using TiKvActors.Actors.Nodes;

namespace TiKvActors.Actors.Sharding;

/// <summary>
/// Lets entities live where their data's leader is: a shard of <see cref="PlacementShards"/> goes to the node that leads the region where
/// its range begins. Whose leader PD does not name in time (tikv.sharding.leader-timeout), or whose leader's node hosts no shards, goes to
/// the node with the fewest shards, and of those to the first by address. Shards that live somewhere stay there, also when another
/// node leads, until somebody asks for a move (<see cref="TikvSharding.MoveToLeadersAsync"/>); and while a member joins, leaves or is
/// unreachable, not even these move. One instance serves one entity type. Thread-safe.
/// </summary>
/// <param name="typeName">That of the entity type, by which moves are asked for.</param>
public sealed class RegionLeaderAllocationStrategy(string typeName) : IActorSystemDependentAllocationStrategy
{
    private readonly MonotonicClock _clock = new(TimeProvider.System);
    private readonly Lock _gate = new();
    private Running? _running;

    /// <param name="Self">host:port of this node.</param>
    /// <param name="Members">At this moment.</param>
    private sealed record Running(
        string Self, Func<IReadOnlyList<ShardMember>> Members, RegionLeaders Leaders, ShardMoves Moves, ShardingSettings Settings,
        ILoggingAdapter Log);

    /// <summary>Called when the type's coordinator begins on this node.</summary>
    public void Start(ActorSystem system)
    {
        var cluster = Cluster.Get(system);
        Start(
            system, HostAndPort(cluster.SelfAddress), () => MembersOf(cluster.State), system.ActorSelection("/user/tikv/pd"),
            TikvSettings.ReadSharding(system.Settings.Config));
        TikvSharding.Get(system).Register(typeName, this);
    }

    internal void Start(
        ActorSystem system, string self, Func<IReadOnlyList<ShardMember>> members, ICanTell pd, ShardingSettings settings)
    {
        lock (_gate)
            _running = new Running(
                self, members, new RegionLeaders(pd, _clock, settings.RetryInterval), new ShardMoves(settings.MoveTimeout), settings,
                Logging.GetLogger(system, typeof(RegionLeaderAllocationStrategy)));
    }

    public async Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations)
    {
        var running = Current;
        var leader = PlacementShards.IsShardId(shardId)
            ? await running.Leaders.FindAsync(shardId, _clock.Now + running.Settings.LeaderTimeout).ConfigureAwait(false)
            : null;
        var chosen = ShardPlacement.Choose(Hosts(running.Self, currentShardAllocations), running.Members(), leader);
        if (chosen.Address != leader)
            running.Log.ShardNotWithLeader(typeName, shardId, chosen.Address, leader);
        return chosen.Region;
    }

    public async Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        var running = Current;
        var homes = currentShardAllocations.SelectMany(r => r.Value.Select(shard => (shard, r.Key)))
            .ToDictionary(s => s.shard, s => s.Key);
        IReadOnlyList<string> due;
        lock (_gate)
            due = running.Moves.Due(homes.Keys, rebalanceInProgress.ToHashSet(), _clock.Now);
        var free = running.Settings.MaxMoving - rebalanceInProgress.Count;
        var moved = ImmutableHashSet.CreateBuilder<string>();
        var deadline = _clock.Now + running.Settings.LeaderTimeout;
        foreach (var shard in due)
        {
            if (moved.Count >= free || !ShardPlacement.MayMove(running.Members()))
                break;
            var leader = PlacementShards.IsShardId(shard)
                ? await running.Leaders.TryFindAsync(shard, deadline).ConfigureAwait(false) : null;
            var target = ShardPlacement.Find(Hosts(running.Self, currentShardAllocations), running.Members(), leader);
            if (target is not { Region: var region })
                continue;
            if (!region.Equals(homes[shard]))
                moved.Add(shard);
            lock (_gate)
                running.Moves.Done(shard);
        }

        // Somebody may have come or gone while PD was asked.
        return ShardPlacement.MayMove(running.Members()) ? moved.ToImmutable() : ImmutableHashSet<string>.Empty;
    }

    /// <param name="shardIds">None: all.</param>
    internal void AskToMove(IReadOnlyCollection<string> shardIds)
    {
        var running = Current;
        lock (_gate)
            running.Moves.Ask(shardIds, _clock.Now);
    }

    private Running Current
    {
        get
        {
            lock (_gate)
                return _running ?? throw new InvalidOperationException($"the strategy of {typeName} has not been started");
        }
    }

    private static IReadOnlyList<ShardMember> MembersOf(ClusterEvent.CurrentClusterState state) =>
        [.. state.Members.Select(m => new ShardMember(HostAndPort(m.Address), m.Status, !state.Unreachable.Contains(m)))];

    private static List<ShardHost<IActorRef>> Hosts(
        string self, IImmutableDictionary<IActorRef, IImmutableList<string>> allocations) =>
    [
        .. allocations.Select(r => new ShardHost<IActorRef>(
            r.Key, r.Key.Path.Address.HasLocalScope ? self : HostAndPort(r.Key.Path.Address), r.Value.Count)),
    ];

    private static string HostAndPort(Address address) => $"{address.Host}:{address.Port}";
}
