namespace Akka.TestKit.Internal;

/// <summary>The messages of a test actor that the test has not taken yet. Any thread may add; one at a time takes.</summary>
internal sealed class MessageQueue
{
    private readonly Queue<MessageEnvelope> _messages = new();

    /// <summary>Counts what is in the queue.</summary>
    private readonly SemaphoreSlim _available = new(0);

    public int Count
    {
        get
        {
            lock (_messages) return _messages.Count;
        }
    }

    public void Enqueue(MessageEnvelope envelope)
    {
        lock (_messages) _messages.Enqueue(envelope);
        _available.Release();
    }

    /// <returns>The oldest message, or null if none arrives in time.</returns>
    public MessageEnvelope Take(TimeSpan timeout, bool peek, CancellationToken cancellationToken) =>
        _available.Wait(Bounded(timeout), cancellationToken) ? First(peek) : null;

    /// <returns>The oldest message, or null if none arrives in time.</returns>
    public async ValueTask<MessageEnvelope> TakeAsync(TimeSpan timeout, bool peek, CancellationToken cancellationToken) =>
        await _available.WaitAsync(Bounded(timeout), cancellationToken) ? First(peek) : null;

    private MessageEnvelope First(bool peek)
    {
        lock (_messages)
        {
            if (!peek) return _messages.Dequeue();
            _available.Release();
            return _messages.Peek();
        }
    }

    /// <summary>A time that is already over asks for what is there now.</summary>
    private static TimeSpan Bounded(TimeSpan timeout) =>
        timeout == Timeout.InfiniteTimeSpan ? timeout : timeout < TimeSpan.Zero
            ? TimeSpan.Zero : timeout.TotalMilliseconds > int.MaxValue ? Timeout.InfiniteTimeSpan : timeout;
}
