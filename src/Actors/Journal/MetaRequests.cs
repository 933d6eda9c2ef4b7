using Akka.Actor;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Journal;

/// <summary>Who waits for the answer of a request, and what goes with it.</summary>
/// <param name="Book">The table of members, if the one that asks has an older one.</param>
internal sealed record MetaReply(ulong Id, MetaMemberBook? Book, IActorRef Caller, IActorRef Door)
{
    /// <summary>Any thread.</summary>
    public void Send(MetaResponse response)
    {
        response.Id = Id;
        if (Book is not null)
            response.Book = Book;
        Caller.Tell(response, Door);
    }
}

/// <summary>A command on its way through this node's peer; the answer goes to whoever sent it.</summary>
internal sealed class MetaWrite(MetaReply reply, Context context, TimeSpan deadline, MetaCommand command)
    : MetaWriteRequest(context, deadline, command)
{
    public override void Complete(MetaResult result) => reply.Send(new MetaResponse { Result = result });

    public override void Fail(Error error) => reply.Send(new MetaResponse { Error = error });
}

/// <summary>A query, answered from a snapshot that is known to be linearizable.</summary>
internal sealed class MetaRead(MetaReply reply, Context context, TimeSpan deadline, MetaQuery query) : ReadRequest(context, deadline)
{
    public override bool IsScan => query.ReadEvents is not null;

    public override Error? CheckKeys(Region region) => null;

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock) =>
        reply.Send(new MetaResponse { Answer = MetaQueries.Answer(query, new MetaSnapshotView(snapshot)) });

    public override void Fail(Error error) => reply.Send(new MetaResponse { Error = error });

    public override void FailRead(string why) => Fail(RegionErrors.Other(why));
}

/// <summary>A step of <see cref="MemberPlan"/> through this node's peer, which leads.</summary>
/// <param name="end">Null: it is applied. Otherwise why not, or why that is not known. Any thread.</param>
internal sealed class MemberChange(Context context, TimeSpan deadline, ChangePeerV2Request changes, Action<string?> end)
    : ChangePeersRequest(context, deadline)
{
    public override ChangePeerV2Request Changes => changes;

    public override void Succeed(Region region) => end(null);

    public override void Fail(Error error) => end(error.Message);
}
