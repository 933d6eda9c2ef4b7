namespace Akka.Dispatch;

/// <summary>
/// A fixed number of background threads with one first-in-first-out queue. Threads start with the first work and, after
/// <see cref="Shutdown"/>, end when they have had nothing to do for a while; later work starts them again.
/// </summary>
internal sealed class DedicatedThreads : ExecutorService
{
    private readonly object _lock = new();
    private readonly Queue<IRunnable> _work = new();
    private readonly int _threads;
    private readonly TimeSpan _lingering;
    private int _running;
    private int _idle;
    private bool _mayEnd;

    public DedicatedThreads(string id, int threads, TimeSpan lingering) : base(id)
    {
        _threads = threads;
        _lingering = lingering;
    }

    internal int RunningThreads
    {
        get
        {
            lock (_lock) return _running;
        }
    }

    public override void Execute(IRunnable run)
    {
        lock (_lock)
        {
            _work.Enqueue(run);
            _mayEnd = false;
            // A thread that was woken counts as idle until it has the lock: what it was woken for is still in the queue.
            if (_work.Count > _idle && _running < _threads) StartThread();
            else if (_idle > 0) Monitor.Pulse(_lock);
        }
    }

    public override void Shutdown()
    {
        lock (_lock)
        {
            _mayEnd = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void StartThread()
    {
        _running++;
        new Thread(Serve) { IsBackground = true, Name = $"{Id}-{_running}" }.Start();
    }

    private void Serve()
    {
        while (Next() is { } run) run.Run();
    }

    /// <summary>The next piece of work; null when the thread is to end.</summary>
    private IRunnable Next()
    {
        lock (_lock)
        {
            while (true)
            {
                if (_work.TryDequeue(out var run)) return run;
                _idle++;
                var woken = Monitor.Wait(_lock, _mayEnd ? _lingering : Timeout.InfiniteTimeSpan);
                _idle--;
                if (woken || !_mayEnd || _work.Count > 0) continue;
                _running--;
                return null;
            }
        }
    }
}
