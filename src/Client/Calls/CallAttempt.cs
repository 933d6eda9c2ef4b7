namespace TiKvActors.Client.Calls;

/// <summary>A token for one try: cancelled by the caller's token, or by time.</summary>
internal sealed class CallAttempt : IDisposable
{
    private readonly CancellationTokenSource _end;
    private readonly CancellationTokenRegistration _callerGaveUp;

    public CallAttempt(TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        Timeout = timeout;
        _end = new CancellationTokenSource(timeout, time);
        _callerGaveUp = cancellation.UnsafeRegister(static end => ((CancellationTokenSource)end!).Cancel(), _end);
    }

    public TimeSpan Timeout { get; }

    public CancellationToken Token => _end.Token;

    public void Dispose()
    {
        // In this order: it waits for a cancellation that is under way.
        _callerGaveUp.Dispose();
        _end.Dispose();
    }
}
