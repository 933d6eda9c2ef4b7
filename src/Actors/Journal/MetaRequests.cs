using Akka.Actor;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Journal;

/// <summary>A command on its way through this node's peer; the answer goes to whoever sent it.</summary>
internal sealed class MetaWrite(ulong id, Context context, TimeSpan deadline, MetaCommand command, IActorRef caller, IActorRef door)
    : MetaWriteRequest(context, deadline, command)
{
    public override void Complete(MetaResult result) => caller.Tell(new MetaResponse { Id = id, Result = result }, door);

    public override void Fail(Error error) => caller.Tell(new MetaResponse { Id = id, Error = error }, door);
}

/// <summary>A query, answered from a snapshot that is known to be linearizable.</summary>
internal sealed class MetaRead(ulong id, Context context, TimeSpan deadline, MetaQuery query, IActorRef caller, IActorRef door)
    : ReadRequest(context, deadline)
{
    public override bool IsScan => query.ReadEvents is not null;

    public override Error? CheckKeys(Region region) => null;

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock) =>
        caller.Tell(new MetaResponse { Id = id, Answer = MetaQueries.Answer(query, new MetaSnapshotView(snapshot)) }, door);

    public override void Fail(Error error) => caller.Tell(new MetaResponse { Id = id, Error = error }, door);

    public override void FailRead(string why) => Fail(RegionErrors.Other(why));
}
