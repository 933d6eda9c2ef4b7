using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Client.Tests.Transport;

/// <summary>
/// A node's door as an actor: hands requests to a test and sends its answers back, in whatever order and grouping the test likes.
/// </summary>
internal sealed class FakeNode : ReceiveActor
{
    private readonly Action<BatchCommandsRequest, IActorRef> _onBatch;

    public FakeNode(Action<BatchCommandsRequest, IActorRef> onBatch, Func<IMessage, IMessage?> onOther)
    {
        _onBatch = onBatch;
        Receive<BatchCommandsRequest>(batch => _onBatch(batch, Sender));
        Receive<IMessage>(message =>
        {
            if (onOther(message) is { } answer)
                Sender.Tell(answer);
        });
    }

    public static Props Props(Action<BatchCommandsRequest, IActorRef> onBatch, Func<IMessage, IMessage?>? onOther = null) =>
        Akka.Actor.Props.Create(() => new FakeNode(onBatch, onOther ?? (_ => null)));

    /// <summary>Every get is answered with its key.</summary>
    public static IMessage Echo(BatchCommandsRequest.Types.Request request) => request.Message() switch
    {
        RawGetRequest get => new RawGetResponse { Value = get.Key },
        RawPutRequest => new RawPutResponse(),
        var other => throw new NotSupportedException(other?.Descriptor.FullName),
    };

    public static void AnswerAll(BatchCommandsRequest batch, IActorRef sender)
    {
        var response = new BatchCommandsResponse
        {
            RequestIds = { batch.RequestIds },
            Responses = { batch.Requests.Select(r => BatchCommandsCases.ToResponse(Echo(r))) }
        };
        sender.Tell(response);
    }
}
