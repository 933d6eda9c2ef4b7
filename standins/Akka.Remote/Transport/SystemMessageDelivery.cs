namespace Akka.Remote.Transport;

/// <summary>
/// Delivers system messages exactly once and in order between two incarnations, over any number of connections: the sending half
/// keeps them until they are acknowledged and sends them again on a new connection, the receiving half ignores what it has seen.
/// A connection neither loses nor reorders, so sequence numbers only have to grow. Not thread-safe: its association's lock guards it.
/// </summary>
internal sealed class SystemMessageDelivery
{
    private readonly Queue<OutboundEnvelope> _unacknowledged = new();
    private readonly int _limit;
    private long _lastSent;
    private long _lastDelivered;

    /// <param name="limit">How many may be unacknowledged.</param>
    /// <param name="start">Sequence numbers begin above it; later associations with the same incarnation begin higher.</param>
    public SystemMessageDelivery(int limit, long start)
    {
        _limit = limit;
        _lastSent = start;
    }

    public int Unacknowledged => _unacknowledged.Count;

    /// <summary>What to acknowledge; 0 for nothing yet.</summary>
    public long LastDelivered => _lastDelivered;

    /// <summary>False if too many are unacknowledged: the other end is beyond hope.</summary>
    public bool TrySend(OutboundEnvelope message, out OutboundEnvelope numbered)
    {
        numbered = message.WithSequence(_lastSent + 1);
        if (_unacknowledged.Count >= _limit) return false;
        _lastSent++;
        _unacknowledged.Enqueue(numbered);
        return true;
    }

    public void Acknowledge(long sequence)
    {
        while (_unacknowledged.TryPeek(out var oldest) && oldest.SystemSequence <= sequence) _unacknowledged.Dequeue();
    }

    /// <summary>What a new connection has to carry first: all that is unacknowledged and numbered below what waits for it anyway.</summary>
    public IEnumerable<OutboundEnvelope> ToResend(long below) => _unacknowledged.TakeWhile(m => m.SystemSequence < below);

    /// <summary>Whether a received message is new.</summary>
    public bool TryDeliver(long sequence)
    {
        if (sequence <= _lastDelivered) return false;
        _lastDelivered = sequence;
        return true;
    }

    /// <summary>The other incarnation is gone, and with it all that was meant for it or came from it.</summary>
    public void Reset()
    {
        _unacknowledged.Clear();
        _lastDelivered = 0;
    }
}
