namespace TiKvActors.Storage.Stores;

/// <summary>
/// Counts who is inside an engine, and keeps newcomers out once it closes: RocksDB must not be closed under a running call, nor under a
/// snapshot or iterator.
/// </summary>
internal sealed class UseGate(string name)
{
    // The state is the number of users inside; plus this once it is closing.
    private const int Closing = int.MinValue / 2;

    private readonly object _empty = new();
    private int _state;

    /// <exception cref="ObjectDisposedException">The engine is closing or closed.</exception>
    public void Enter()
    {
        if (Interlocked.Increment(ref _state) > 0) return;
        Exit();
        throw new ObjectDisposedException(name);
    }

    public void Exit()
    {
        if (Interlocked.Decrement(ref _state) != Closing) return;
        lock (_empty) Monitor.PulseAll(_empty);
    }

    /// <returns>False if it was closed before.</returns>
    /// <exception cref="StorageException">Somebody was still inside when the time was over; the engine stays open.</exception>
    public bool Close(TimeSpan timeout)
    {
        int users;
        do
        {
            users = Volatile.Read(ref _state);
            if (users < 0) return false;
        }
        while (Interlocked.CompareExchange(ref _state, users + Closing, users) != users);

        if (WaitUntilEmpty(timeout)) return true;
        var left = Interlocked.Add(ref _state, -Closing);
        throw new StorageException(
            $"{name} cannot be closed: {left} snapshots, cursors or calls are still in use after {timeout.TotalSeconds:0.#} s");
    }

    private bool WaitUntilEmpty(TimeSpan timeout)
    {
        var started = Environment.TickCount64;
        lock (_empty)
        {
            while (Volatile.Read(ref _state) != Closing)
            {
                var left = timeout.TotalMilliseconds - (Environment.TickCount64 - started);
                if (left <= 0) return false;
                Monitor.Wait(_empty, TimeSpan.FromMilliseconds(left));
            }
        }
        return true;
    }
}
