namespace TiKvActors.Client.Calls;

/// <summary>A token for one try: cancelled by the caller's token, or by time.</summary>
internal sealed class CallAttempt : IDisposable
{
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource? _linked;

    public CallAttempt(TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        Timeout = timeout;
        _timeout = new CancellationTokenSource(timeout, time);
        _linked = cancellation.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, cancellation) : null;
    }

    public TimeSpan Timeout { get; }

    public CancellationToken Token => _linked?.Token ?? _timeout.Token;

    public void Dispose()
    {
        _linked?.Dispose();
        _timeout.Dispose();
    }
}
