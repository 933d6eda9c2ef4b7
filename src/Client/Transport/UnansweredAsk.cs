namespace TiKvActors.Client.Transport;

/// <summary>
/// A message that was sent by itself: its token is cancelled with the attempt, or when it is known that no answer will come.
/// </summary>
internal sealed class UnansweredAsk : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Delivery _delivery;
    private readonly CancellationTokenSource _end;
    private bool _disposed;

    public UnansweredAsk(Delivery delivery, CancellationToken attempt)
    {
        _delivery = delivery;
        _end = CancellationTokenSource.CreateLinkedTokenSource(attempt);
        Token = _end.Token;
    }

    public CancellationToken Token { get; }

    /// <summary>Why no answer will come; null if it is not known.</summary>
    public string? Failure { get; private set; }

    public void Fail(string reason)
    {
        lock (_lock)
        {
            if (_disposed || Failure is not null)
                return;
            Failure = reason;
            _end.Cancel();
        }
    }

    public void FailUncarried(string reason)
    {
        _delivery.WasNotCarried();
        Fail(reason);
    }

    public void Dispose()
    {
        lock (_lock)
            _disposed = true;
        _end.Dispose();
    }
}
