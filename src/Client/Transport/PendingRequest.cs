using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Transport;

/// <summary>A request on its way in a batch.</summary>
internal sealed class PendingRequest(IRegionRequest request, Delivery delivery)
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

    public void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);
}
