using Akka.Actor;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Transport;

/// <summary>A request on its way in a batch.</summary>
/// <param name="connection">Told when the caller gives up.</param>
internal sealed class PendingRequest(IRegionRequest request, Delivery delivery, IActorRef connection)
{
    private readonly TaskCompletionSource<IRegionResponse> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IRegionRequest Request { get; } = request;

    public Delivery Delivery { get; } = delivery;

    public int Bytes { get; } = request.CalculateSize();

    public Task<IRegionResponse> Response => _completion.Task;

    public bool IsDone => _completion.Task.IsCompleted;

    public void Complete(IRegionResponse response) => _completion.TrySetResult(response);

    public void Fail(Exception reason) => _completion.TrySetException(reason);

    public void FailUncarried(Exception reason)
    {
        Delivery.WasNotCarried();
        Fail(reason);
    }

    public void GiveUp(CancellationToken token)
    {
        if (_completion.TrySetCanceled(token))
            connection.Tell(NodeConnection.GaveUp.Instance, ActorRefs.NoSender);
    }
}
