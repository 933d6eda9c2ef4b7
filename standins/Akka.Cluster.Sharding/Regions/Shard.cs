using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding.Coordination;
using Akka.Event;

namespace Akka.Cluster.Sharding.Regions;

/*
   An entity here:
                first message
     (none) ---------------------> active ------- Passivate, or idle -------> passivating: what comes is kept
        ^                             |                                          |
        +--------- it stops ----------+            it stops: a new one gets what was kept; if nothing was, none
   Handing off: all get the stop message; when the last has stopped the shard says so and stops. What was kept goes back to the region.
*/
/// <summary>Parent of a shard's entities, which its first messages start.</summary>
internal sealed class Shard : ActorBase, IWithTimers
{
    private static readonly TimeSpan _shortestStop = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _beforeTimeout = TimeSpan.FromSeconds(5);

    private readonly string _typeName;
    private readonly string _shardId;
    private readonly Func<string, Props> _entityProps;
    private readonly ClusterShardingSettings _settings;
    private readonly IMessageExtractor _extractor;
    private readonly object _handOffStopMessage;
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context);
    private readonly Dictionary<string, Entity> _entities = new();
    private readonly Dictionary<IActorRef, Entity> _entitiesByRef = new();

    /// <summary>Who waits for the end of the hand-off; null: there is none under way.</summary>
    private HashSet<IActorRef> _handOffTo;

    private int _kept;
    private bool _hasWarnedOfFullBuffer;

    public Shard(
        string typeName, string shardId, Func<string, Props> entityProps, ClusterShardingSettings settings, IMessageExtractor extractor,
        object handOffStopMessage) =>
        (_typeName, _shardId, _entityProps, _settings, _extractor, _handOffStopMessage) =
            (typeName, shardId, entityProps, settings, extractor, handOffStopMessage);

    /// <summary>Answered with <see cref="ShardState"/>.</summary>
    public sealed class GetState : INoSerializationVerificationNeeded
    {
        public static readonly GetState Instance = new();
    }

    /// <summary>To the region: messages that came before those that it keeps.</summary>
    public sealed record Returned(string Shard, IReadOnlyList<Kept> Messages) : INoSerializationVerificationNeeded;

    private sealed class IdleTick : INoSerializationVerificationNeeded
    {
        public static readonly IdleTick Instance = new();
    }

    private sealed class HandOffTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly HandOffTimedOut Instance = new();
    }

    private sealed class Entity(string id)
    {
        public string Id { get; } = id;

        public IActorRef Ref { get; set; }

        /// <summary>By the monotonic clock.</summary>
        public TimeSpan LastMessageAt { get; set; }

        /// <summary>What came after the stop message; null: it has got none.</summary>
        public List<Kept> Waiting { get; set; }
    }

    public ITimerScheduler Timers { get; set; }

    public static Props Props(
        string typeName, string shardId, Func<string, Props> entityProps, ClusterShardingSettings settings, IMessageExtractor extractor,
        object handOffStopMessage) =>
        Actor.Props.Create(() => new Shard(typeName, shardId, entityProps, settings, extractor, handOffStopMessage))
            .WithDeploy(Deploy.Local);

    protected override void PreStart()
    {
        if (_settings.PassivateIdleEntityAfter > TimeSpan.Zero)
            Timers.StartPeriodicTimer(IdleTick.Instance, IdleTick.Instance, _settings.PassivateIdleEntityAfter / 2);
    }

    protected override void PostStop()
    {
        foreach (var entity in _entities.Values.Where(e => e.Waiting != null))
            foreach (var kept in entity.Waiting)
                Context.System.DeadLetters.Tell(new DeadLetter(kept.Message, kept.Sender, Self), kept.Sender);
    }

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case Terminated terminated:
                if (_entitiesByRef.TryGetValue(terminated.ActorRef, out var ended)) HasStopped(ended);
                return true;
            case Passivate passivate:
                if (_entitiesByRef.TryGetValue(Sender, out var entity)) StopForNow(entity, passivate.StopMessage);
                return true;
            case HandOff:
                BeginHandOff(Sender);
                return true;
            case HandOffTimedOut:
                StopByForce();
                return true;
            case IdleTick:
                var since = Context.System.Scheduler.MonotonicClock - _settings.PassivateIdleEntityAfter;
                foreach (var idle in _entities.Values.Where(e => e.LastMessageAt < since)) StopForNow(idle, _handOffStopMessage);
                return true;
            case GetState:
                Sender.Tell(new ShardState(_shardId, _entities.Keys.ToImmutableHashSet()));
                return true;
            default:
                return TryDeliver(message);
        }
    }

    private bool TryDeliver(object message)
    {
        if (_extractor.EntityId(message) is not { } id) return false;
        if (_handOffTo != null)
        {
            // From one of the entities: the region knows, or will, where it goes.
            Context.Parent.Forward(message);
            return true;
        }
        if (!_entities.TryGetValue(id, out var entity)) entity = StartEntity(new Entity(id));
        if (entity.Waiting == null) Deliver(entity, message, Sender);
        else Keep(entity, new Kept(message, Sender));
        return true;
    }

    private Entity StartEntity(Entity entity)
    {
        entity.Ref = Context.Watch(Context.ActorOf(_entityProps(entity.Id), Uri.EscapeDataString(entity.Id)));
        _entities[entity.Id] = _entitiesByRef[entity.Ref] = entity;
        return entity;
    }

    private void Deliver(Entity entity, object message, IActorRef sender)
    {
        entity.LastMessageAt = Context.System.Scheduler.MonotonicClock;
        entity.Ref.Tell(_extractor.EntityMessage(message), sender);
    }

    private void Keep(Entity entity, Kept kept)
    {
        if (_kept >= _settings.TuningParameters.BufferSize)
        {
            if (!_hasWarnedOfFullBuffer)
                _log.Warning(
                    "{0}: Buffer of shard [{1}] is full, dropping message for entity [{2}] and what else does not fit", _typeName, _shardId,
                    entity.Id);
            _hasWarnedOfFullBuffer = true;
            Context.System.DeadLetters.Tell(new DeadLetter(kept.Message, kept.Sender, Self), kept.Sender);
            return;
        }
        entity.Waiting.Add(kept);
        _kept++;
    }

    private void StopForNow(Entity entity, object stopMessage)
    {
        if (entity.Waiting != null || _handOffTo != null) return;
        entity.Waiting = [];
        entity.Ref.Tell(stopMessage, Self);
    }

    private void HasStopped(Entity entity)
    {
        _entitiesByRef.Remove(entity.Ref);
        if (_handOffTo == null && entity.Waiting is { Count: > 0 } waiting)
        {
            _kept -= waiting.Count;
            _hasWarnedOfFullBuffer = false;
            entity.Waiting = null;
            StartEntity(entity);
            foreach (var kept in waiting) Deliver(entity, kept.Message, kept.Sender);
            return;
        }
        _entities.Remove(entity.Id);
        if (_handOffTo != null) EndHandOffIfEmpty();
    }

    private void BeginHandOff(IActorRef replyTo)
    {
        if (_handOffTo != null)
        {
            _handOffTo.Add(replyTo);
            return;
        }
        _handOffTo = [replyTo];
        Timers.Cancel(IdleTick.Instance);
        var limit = _settings.TuningParameters.HandOffTimeout - _beforeTimeout;
        Timers.StartSingleTimer(HandOffTimedOut.Instance, HandOffTimedOut.Instance, limit > _shortestStop ? limit : _shortestStop);
        var returned = new List<Kept>(_kept);
        foreach (var entity in _entities.Values)
        {
            if (entity.Waiting == null) entity.Ref.Tell(_handOffStopMessage, Self);
            else returned.AddRange(entity.Waiting);
            entity.Waiting = [];
        }
        _kept = 0;
        Context.Parent.Tell(new Returned(_shardId, returned), Self);
        EndHandOffIfEmpty();
    }

    private void StopByForce()
    {
        _log.Warning(
            "{0}: {1} entities of shard [{2}] did not stop for [{3}] in time, stopping them by force", _typeName, _entities.Count, _shardId,
            _handOffStopMessage);
        foreach (var entity in _entities.Values) Context.Stop(entity.Ref);
    }

    private void EndHandOffIfEmpty()
    {
        if (_entities.Count > 0) return;
        foreach (var worker in _handOffTo) worker.Tell(new ShardStopped(_shardId), Self);
        Context.Stop(Self);
    }
}
