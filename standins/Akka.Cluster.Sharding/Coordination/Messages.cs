using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster.Sharding.Coordination;

/*
   Region                                   Coordinator                                     Regions
     | Register, until RegisterAck              |                                              |
     |----------------------------------------->|  (its regions and their shards are events)   |
     | GetShardHome, until ShardHome            |                                              |
     |----------------------------------------->|--- HostShard, until ShardStarted ----------->| the one that hosts it
     |<-------------------------- ShardHome ----|                                              |
     |                          (a shard moves) |--- BeginHandOff, until BeginHandOffAck ----->| all of them
     |                                          |--- HandOff, until ShardStopped ------------->| the one that hosts it

   After BeginHandOff a region forwards nothing more to where the shard was, and its acknowledgement goes by way of there: so whatever
   it has forwarded is handled before the shard stops, and what it keeps is handled by the shard's next incarnation.
*/

/// <summary>The end of a singleton that moves.</summary>
internal sealed class Terminate : IDeadLetterSuppression, INoSerializationVerificationNeeded
{
    public static readonly Terminate Instance = new();
}

/// <param name="Shards">those that run there: a coordinator that has lost its journal learns them so.</param>
internal sealed record Register(IActorRef Region, ImmutableHashSet<string> Shards) : IClusterShardingSerializable, IDeadLetterSuppression
{
    public bool Equals(Register other) => other != null && Region.Equals(other.Region) && Shards.SetEquals(other.Shards);

    public override int GetHashCode() => Region.GetHashCode();
}

internal sealed record RegisterProxy(IActorRef Proxy) : IClusterShardingSerializable, IDeadLetterSuppression;

internal sealed record RegisterAck(IActorRef Coordinator) : IClusterShardingSerializable;

internal sealed record GetShardHome(string Shard) : IClusterShardingSerializable, IDeadLetterSuppression;

internal sealed record ShardHome(string Shard, IActorRef Region) : IClusterShardingSerializable;

/// <summary>To a region that shuts down: nobody is left who could take that shard.</summary>
internal sealed record NoShardHome(string Shard) : IClusterShardingSerializable;

internal sealed record HostShard(string Shard) : IClusterShardingSerializable;

internal sealed record ShardStarted(string Shard) : IClusterShardingSerializable;

internal sealed record BeginHandOff(string Shard) : IClusterShardingSerializable;

internal sealed record BeginHandOffAck(string Shard, IActorRef Region) : IClusterShardingSerializable, IDeadLetterSuppression;

/// <summary>To where the shard was, which hands it on as an acknowledgement: whatever the region has forwarded came before it.</summary>
internal sealed record HandOffFlushed(string Shard, IActorRef Region, IActorRef Worker) : IClusterShardingSerializable,
    IDeadLetterSuppression;

internal sealed record HandOff(string Shard) : IClusterShardingSerializable;

internal sealed record ShardStopped(string Shard) : IClusterShardingSerializable, IDeadLetterSuppression;

/// <summary>The region has no shards and gets no more.</summary>
internal sealed record GracefulShutdownAck(IActorRef Region) : IClusterShardingSerializable, IDeadLetterSuppression;

/// <summary>The region wants to be rid of its shards, and gets no more.</summary>
internal sealed record GracefulShutdownRequest(IActorRef Region) : IClusterShardingSerializable, IDeadLetterSuppression;
