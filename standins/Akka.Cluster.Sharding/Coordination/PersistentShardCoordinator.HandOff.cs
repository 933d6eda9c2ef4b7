using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster.Sharding.Coordination;

/// <summary>Moving shards: because the strategy says so, or because their region shuts down.</summary>
internal sealed partial class PersistentShardCoordinator
{
    private readonly Dictionary<string, Moving> _handOffs = new();

    /// <summary>Regions that get no more shards.</summary>
    private readonly HashSet<IActorRef> _shuttingDown = [];

    private bool _isAskingToRebalance;

    /// <summary>
    /// Regions came since the strategy was asked last. They are left alone until it is asked again, so that many that come one after
    /// the other do not make shards move again and again.
    /// </summary>
    private bool _hasNewRegions;

    /// <param name="Waiting">who wants to know where the shard will be.</param>
    private sealed record Moving(IActorRef From, IActorRef Worker, HashSet<IActorRef> Waiting);

    /// <param name="Shards">null: the strategy failed.</param>
    private sealed record ToRebalance(IImmutableSet<string> Shards, Exception Cause) : INoSerializationVerificationNeeded;

    private sealed class RebalanceTick : INoSerializationVerificationNeeded
    {
        public static readonly RebalanceTick Instance = new();
    }

    private bool ReceiveHandOff(object message)
    {
        switch (message)
        {
            case RebalanceTick:
                AskWhatToMove();
                return true;
            case ToRebalance { Shards: null } failed:
                _isAskingToRebalance = false;
                Log.Error(failed.Cause, "{0}: What to rebalance could not be decided by [{1}]", _typeName, _strategy);
                return true;
            case ToRebalance chosen:
                _isAskingToRebalance = false;
                foreach (var shard in chosen.Shards) BeginHandOff(shard);
                return true;
            case RebalanceWorker.Done done:
                EndHandOff(done);
                return true;
            case GracefulShutdownRequest request:
                ShutDown(request.Region);
                return true;
            default:
                return false;
        }
    }

    private void ShutDown(IActorRef region)
    {
        if (_state.Regions.TryGetValue(region, out var shards))
        {
            _shuttingDown.Add(region);
            foreach (var shard in shards) BeginHandOff(shard);
        }
        ReleaseIfEmpty(region);
    }

    /// <summary>A region that shuts down and gets no more shards may end when it has none.</summary>
    private void ReleaseIfEmpty(IActorRef region)
    {
        if (!_state.Regions.TryGetValue(region, out var shards) || shards.Count == 0 && _shuttingDown.Contains(region))
            region.Tell(new GracefulShutdownAck(region), Self);
    }

    private void AskWhatToMove()
    {
        var regions = ActiveRegions();
        if (_isAskingToRebalance || regions.IsEmpty) return;
        if (_hasNewRegions)
        {
            _hasNewRegions = false;
            return;
        }
        _isAskingToRebalance = true;
        Attempt(() => _strategy.Rebalance(regions, _handOffs.Keys.ToImmutableHashSet()))
            .PipeTo(Self, success: shards => new ToRebalance(shards, null), failure: e => new ToRebalance(null, e));
    }

    private void BeginHandOff(string shard)
    {
        if (_handOffs.ContainsKey(shard) || !_state.Shards.TryGetValue(shard, out var from)) return;
        Log.Debug("{0}: Shard [{1}] is handed off by [{2}]", _typeName, shard, from);
        _unconfirmed.Remove(shard);
        var worker = Context.ActorOf(
            RebalanceWorker.Props(shard, from, _state.RegionsAndProxies.ToList(), _settings.TuningParameters)
            .WithDispatcher(Context.Props.Dispatcher));
        _handOffs[shard] = new Moving(from, worker, []);
    }

    private void EndHandOff(RebalanceWorker.Done done)
    {
        if (!_handOffs.Remove(done.Shard, out var handOff)) return;
        if (!done.IsStopped) Log.Warning("{0}: Shard [{1}] was not handed off by [{2}] in time", _typeName, done.Shard, handOff.From);
        if (done.IsStopped && _state.Shards.TryGetValue(done.Shard, out var home) && home.Equals(handOff.From))
            Store(new ShardHomeDeallocated(done.Shard), () =>
            {
                AnswerWaiting(done.Shard, handOff);
                ReleaseIfEmpty(handOff.From);
            });
        else
            AnswerWaiting(done.Shard, handOff);
    }

    private void AnswerWaiting(string shard, Moving handOff)
    {
        foreach (var requester in handOff.Waiting) TellHome(shard, requester);
    }

    private void TellWorkers(IActorRef ended)
    {
        foreach (var handOff in _handOffs.Values) handOff.Worker.Tell(new RebalanceWorker.RegionTerminated(ended), Self);
    }
}
