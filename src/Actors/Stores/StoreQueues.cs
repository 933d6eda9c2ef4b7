namespace TiKvActors.Actors.Stores;

/// <summary>
/// What waits in mailboxes between a store's actors. Nothing is refused there: the bounds are those of what feeds them, and whoever looks
/// on can see that they hold.
/// </summary>
internal sealed class StoreQueues
{
    /// <summary>
    /// Committed entries on their way to the appliers. Fed by Raft, which bounds what is handed out and not applied in bytes.
    /// </summary>
    public QueueLength Applying { get; } = new();

    /// <summary>Reads and swaps on their way through the readers. Fed by the gateway's places.</summary>
    public QueueLength Reading { get; } = new();

    /// <summary>
    /// Messages on their way through the links to other stores. Fed by Raft's windows; without an address a link drops the oldest.
    /// </summary>
    public QueueLength Linking { get; } = new();
}

/// <summary>How much waits somewhere: now, and at most so far. Any thread.</summary>
internal sealed class QueueLength
{
    private int _now;
    private int _most;

    public int Now => Volatile.Read(ref _now);

    public int Most => Volatile.Read(ref _most);

    public void Enter(int count)
    {
        var now = Interlocked.Add(ref _now, count);
        int most;
        do most = Most;
        while (now > most && Interlocked.CompareExchange(ref _most, now, most) != most);
    }

    public void Leave(int count) => Interlocked.Add(ref _now, -count);
}
