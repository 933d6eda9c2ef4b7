using Akka.Actor;
using Akka.Cluster.Sharding.Coordination;
using Akka.Event;

namespace Akka.Cluster.Sharding.Regions;

/// <summary>What the coordinator says of shards' homes, and the shards here.</summary>
internal sealed partial class ShardRegion
{
    private bool ReceiveHomes(object message)
    {
        switch (message)
        {
            case ShardHome home:
                LearnHome(home.Shard, home.Region);
                return true;
            case HostShard host:
                if (LearnHome(host.Shard, Self)) Sender.Tell(new ShardStarted(host.Shard), Self);
                return true;
            case NoShardHome none:
                DropBuffer(none.Shard);
                EndIfShutDown();
                return true;
            case GracefulShutdownAck:
                _mayHaveShards = false;
                EndIfShutDown();
                return true;
            case BeginHandOff begin:
                HoldBack(begin.Shard);
                return true;
            case HandOffFlushed flushed:
                flushed.Worker.Tell(new BeginHandOffAck(flushed.Shard, flushed.Region), Self);
                return true;
            case HandOff handOff:
                StopShard(handOff, Sender);
                return true;
            case Shard.Returned returned:
                _buffers.PutFirst(returned.Shard, returned.Messages);
                AskIfWaiting(returned.Shard);
                return true;
            default:
                return false;
        }
    }

    /// <returns>false: it cannot be, and will be asked for again.</returns>
    private bool LearnHome(string shard, IActorRef home)
    {
        if (_gone.Contains(home.Path.Address)) return false;
        var isHere = home.Equals(Self);
        if (isHere && _isShuttingDown)
        {
            // The coordinator has not heard of it.
            _coordinator?.Tell(new GracefulShutdownRequest(Self), Self);
            return false;
        }
        if (!isHere && _homes.TryGetValue(shard, out var known) && known.Equals(Self))
        {
            // Of two homes the coordinator's is the right one.
            _log.Warning("{0}: Shard [{1}] is here, but its home is [{2}]: stopping it", _typeName, shard, home);
            StopShard(new HandOff(shard), Self);
        }
        _homes[shard] = home;
        _formerHomes.Remove(shard);
        if (!isHere) Context.Watch(home);
        else RunningShard(shard);
        FlushBuffer(shard);
        return true;
    }

    /// <summary>
    /// From now on nothing is forwarded to the shard's home. The acknowledgement goes by way of there, after what was forwarded before.
    /// The home itself goes on to deliver until the hand-off.
    /// </summary>
    private void HoldBack(string shard)
    {
        if (_homes.TryGetValue(shard, out var home) && !home.Equals(Self))
        {
            _homes.Remove(shard);
            _formerHomes[shard] = home;
        }
        if (_formerHomes.TryGetValue(shard, out var former)) former.Tell(new HandOffFlushed(shard, Self, Sender), Self);
        else Sender.Tell(new BeginHandOffAck(shard, Self), Self);
    }

    private void StopShard(HandOff handOff, IActorRef worker)
    {
        if (_homes.TryGetValue(handOff.Shard, out var home) && home.Equals(Self)) _homes.Remove(handOff.Shard);
        if (_shards.TryGetValue(handOff.Shard, out var shard))
        {
            _handingOff.Add(handOff.Shard);
            shard.Tell(handOff, worker);
        }
        else
        {
            worker.Tell(new ShardStopped(handOff.Shard), Self);
        }
    }

    /// <summary>The shard, which is to run here; null while an earlier incarnation is stopping.</summary>
    private IActorRef RunningShard(string shard)
    {
        if (_handingOff.Contains(shard)) return null;
        if (_shards.TryGetValue(shard, out var running)) return running;
        if (_entityProps == null) throw new InvalidOperationException($"{_typeName}: shard [{shard}] was given to a proxy");
        var props = Shard.Props(_typeName, shard, _entityProps, _settings, _extractor, _handOffStopMessage)
            .WithDispatcher(Context.Props.Dispatcher);
        return _shards[shard] = Context.Watch(Context.ActorOf(props, Uri.EscapeDataString(shard)));
    }

    private void LoseShard(string shard)
    {
        _shards.Remove(shard);
        _handingOff.Remove(shard);
        AskIfWaiting(shard);
        EndIfShutDown();
    }

    private void AskIfWaiting(string shard)
    {
        if (!_buffers.Contains(shard)) return;
        FlushBuffer(shard);
        AskHome(shard);
    }
}
