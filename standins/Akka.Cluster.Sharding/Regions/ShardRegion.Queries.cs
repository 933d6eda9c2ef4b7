using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster.Sharding.Regions;

internal sealed partial class ShardRegion
{
    private bool ReceiveQuery(object message)
    {
        switch (message)
        {
            case GetCurrentRegions:
                if (_coordinator == null) Sender.Tell(new CurrentRegions(ImmutableHashSet<Address>.Empty));
                else _coordinator.Forward(message);
                return true;
            case GetClusterShardingStats:
                if (_coordinator == null) Sender.Tell(new ClusterShardingStats(ImmutableDictionary<Address, ShardRegionStats>.Empty));
                else _coordinator.Forward(message);
                return true;
            case GetShardRegionState:
                AskShards(_shards.ToList(), _settings.ShardRegionQueryTimeout).PipeTo(Sender);
                return true;
            case GetShardRegionStats:
                AskShards(_shards.ToList(), _settings.ShardRegionQueryTimeout).PipeTo(Sender, success: state =>
                    new ShardRegionStats(state.Shards.ToImmutableDictionary(s => s.ShardId, s => s.EntityIds.Count), state.Failed));
                return true;
            default:
                return false;
        }
    }

    private static async Task<CurrentShardRegionState> AskShards(List<KeyValuePair<string, IActorRef>> shards, TimeSpan timeout)
    {
        var answers = await Task.WhenAll(shards.Select(async shard =>
        {
            try
            {
                return (Shard: shard.Key, State: await shard.Value.Ask<ShardState>(Shard.GetState.Instance, timeout).ConfigureAwait(false));
            }
            catch (AskTimeoutException)
            {
                return (shard.Key, null);
            }
        })).ConfigureAwait(false);
        return new CurrentShardRegionState(
            answers.Where(a => a.State != null).Select(a => a.State).ToImmutableHashSet(),
            answers.Where(a => a.State == null).Select(a => a.Shard).ToImmutableHashSet());
    }
}
