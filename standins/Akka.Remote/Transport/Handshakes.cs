namespace Akka.Remote.Transport;

/// <summary>
/// Connections that have not finished their handshake, oldest first. There is a limit, and who comes beyond it is let in at the cost of the
/// oldest: a peer needs a moment for its greeting, so strangers who open many connections and say nothing push out each other. Thread-safe.
/// </summary>
internal sealed class Handshakes
{
    private readonly Lock _lock = new();
    private readonly LinkedList<CancellationTokenSource> _inside = new();
    private readonly int _limit;

    public Handshakes(int limit) => _limit = limit;

    public int Count
    {
        get
        {
            lock (_lock) return _inside.Count;
        }
    }

    /// <summary>One more; its handshake ends when the source is cancelled.</summary>
    public LinkedListNode<CancellationTokenSource> Enter(CancellationTokenSource end)
    {
        CancellationTokenSource oldest = null;
        LinkedListNode<CancellationTokenSource> entered;
        lock (_lock)
        {
            if (_inside.Count >= _limit)
            {
                oldest = _inside.First!.Value;
                _inside.RemoveFirst();
            }
            entered = _inside.AddLast(end);
        }
        // Not under the lock: what it ends runs here.
        try
        {
            oldest?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just finished by itself.
        }
        return entered;
    }

    /// <summary>True if it had been pushed out.</summary>
    public bool Leave(LinkedListNode<CancellationTokenSource> entered)
    {
        lock (_lock)
        {
            if (entered.List == null) return true;
            _inside.Remove(entered);
            return false;
        }
    }
}
