namespace Akka.Actor.Internal;

/// <summary>What is to run once a system has ended, last registered first.</summary>
internal sealed class TerminationCallbacks
{
    private readonly Lock _lock = new();
    private readonly Stack<Action> _callbacks = new();
    private bool _isClosed;

    /// <exception cref="InvalidOperationException">The system has ended.</exception>
    public void Add(Action callback)
    {
        lock (_lock)
        {
            if (_isClosed) throw new InvalidOperationException("ActorSystem already terminated.");
            _callbacks.Push(callback);
        }
    }

    public IEnumerable<Action> TakeAll()
    {
        lock (_lock)
        {
            _isClosed = true;
            return _callbacks.ToArray();
        }
    }
}
