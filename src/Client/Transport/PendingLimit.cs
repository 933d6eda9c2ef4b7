namespace TiKvActors.Client.Transport;

/// <summary>Bounds the requests to one node that wait or are unanswered, however they travel. Any thread.</summary>
internal sealed class PendingLimit(int limit)
{
    private int _pending;

    public int Count => Volatile.Read(ref _pending);

    /// <returns>False: there is no room, and nothing to leave.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _pending) <= limit)
            return true;
        Leave();
        return false;
    }

    public void Leave(int count = 1) => Interlocked.Add(ref _pending, -count);
}
