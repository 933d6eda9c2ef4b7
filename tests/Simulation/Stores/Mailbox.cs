namespace TiKvActors.Simulation.Stores;

/// <summary>
/// What an actor is here: work in the order in which it was handed in, one after the other, each a little later. It does nothing while its
/// store is paused, and nothing any more after a crash.
/// </summary>
internal sealed class Mailbox(SimStore store, TimeSpan slowest)
{
    private readonly Queue<Action> _waiting = new();
    private readonly int _incarnation = store.Incarnation;
    private bool _isScheduled;

    /// <summary>Its actor was stopped: what waits is dropped.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Factor for the time that a job takes.</summary>
    public Func<double> Slowness { get; init; } = () => 1;

    public void Close()
    {
        IsClosed = true;
        _waiting.Clear();
    }

    public void Post(Action work)
    {
        if (IsClosed) return;
        _waiting.Enqueue(work);
        Schedule();
    }

    /// <summary>The store goes on after a pause.</summary>
    public void Wake() => Schedule();

    private void Schedule()
    {
        if (_isScheduled || _waiting.Count == 0 || store.IsPaused) return;
        _isScheduled = true;
        store.World.After(store.World.Between(TimeSpan.Zero, slowest * Slowness()), Run);
    }

    private void Run()
    {
        _isScheduled = false;
        if (IsClosed || store.Incarnation != _incarnation || store.IsPaused) return;
        // An actor takes several messages in a turn.
        for (var n = store.World.Random.Next(1, 5); n > 0 && !store.IsPaused && _waiting.TryDequeue(out var work); n--)
        {
            store.Perform(work);
            if (IsClosed || store.Incarnation != _incarnation) return;
        }

        Schedule();
    }
}
