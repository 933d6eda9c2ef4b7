namespace Akka.Actor;

/// <summary>
/// What the scheduler hands out. A token is made only for those who ask for one, so that a timer that is set and cancelled
/// costs no <see cref="CancellationTokenSource"/>. Safe for threads.
/// </summary>
public class Cancelable : ICancelable, IDisposable
{
    private readonly IActionScheduler _scheduler;
    private readonly Lock _lock = new();
    private CancellationTokenSource _source;
    // A timer, or a list of them: what the scheduler drops at once when this is cancelled.
    private object _timers;
    private volatile bool _cancelled;
    private volatile bool _disposed;

    public Cancelable(IActionScheduler scheduler) => _scheduler = scheduler;

    public Cancelable(IScheduler scheduler)
        : this(scheduler.Advanced)
    {
    }

    public Cancelable(IActionScheduler scheduler, TimeSpan delay)
        : this(scheduler) => CancelAfter(delay);

    public Cancelable(IScheduler scheduler, TimeSpan delay)
        : this(scheduler.Advanced, delay)
    {
    }

    public Cancelable(IScheduler scheduler, int millisecondsDelay)
        : this(scheduler.Advanced, TimeSpan.FromMilliseconds(millisecondsDelay))
    {
    }

    public bool IsCancellationRequested => _cancelled;

    public bool IsDisposed => _disposed;

    public CancellationToken Token
    {
        get
        {
            lock (_lock)
            {
                ThrowIfDisposed();
                if (_source == null)
                {
                    _source = new CancellationTokenSource();
                    if (_cancelled) _source.Cancel();
                }
                return _source.Token;
            }
        }
    }

    public void Cancel() => Cancel(false);

    public void Cancel(bool throwOnFirstException)
    {
        object timers;
        CancellationTokenSource source;
        lock (_lock)
        {
            ThrowIfDisposed();
            if (_cancelled) return;
            _cancelled = true;
            (timers, source) = (_timers, _source);
            _timers = null;
        }
        switch (timers)
        {
            case ScheduledTimer timer:
                timer.Unlink();
                break;
            case HashSet<ScheduledTimer> several:
                foreach (var timer in several) timer.Unlink();
                break;
        }
        // Outside of the lock: it runs what others registered with the token.
        source?.Cancel(throwOnFirstException);
    }

    public void CancelAfter(TimeSpan delay)
    {
        ThrowIfDisposed();
        // Not with this as the cancelable: disposing it must not fail the timer.
        _scheduler.ScheduleOnce(delay, () =>
        {
            if (!_disposed) Cancel();
        });
    }

    public void CancelAfter(int millisecondsDelay) => CancelAfter(TimeSpan.FromMilliseconds(millisecondsDelay));

    /// <summary>Something that is cancelled already.</summary>
    public static ICancelable CreateCanceled() => AlreadyCancelled.Instance;

    /// <summary>Cancelled as soon as one of the others is.</summary>
    public static ICancelable CreateLinkedCancelable(IActionScheduler scheduler, params ICancelable[] cancelables) =>
        CreateLinkedCancelable(scheduler, cancelables.Select(c => c.Token).ToArray());

    public static ICancelable CreateLinkedCancelable(IScheduler scheduler, params ICancelable[] cancelables) =>
        CreateLinkedCancelable(scheduler.Advanced, cancelables);

    public static ICancelable CreateLinkedCancelable(IScheduler scheduler, params CancellationToken[] cancellationTokens) =>
        CreateLinkedCancelable(scheduler.Advanced, cancellationTokens);

    public static ICancelable CreateLinkedCancelable(IActionScheduler scheduler, params CancellationToken[] cancellationTokens)
    {
        var linked = new Cancelable(scheduler);
        foreach (var token in cancellationTokens) token.Register(state => ((Cancelable)state).Cancel(), linked);
        return linked;
    }

    /// <returns>false where this is cancelled already.</returns>
    internal bool Add(ScheduledTimer timer)
    {
        lock (_lock)
        {
            if (_cancelled) return false;
            switch (_timers)
            {
                case null:
                    _timers = timer;
                    break;
                case HashSet<ScheduledTimer> several:
                    several.Add(timer);
                    break;
                default:
                    _timers = new HashSet<ScheduledTimer> { (ScheduledTimer)_timers, timer };
                    break;
            }
            return true;
        }
    }

    /// <summary>The timer has run for the last time.</summary>
    internal void Remove(ScheduledTimer timer)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_timers, timer)) _timers = null;
            else if (_timers is HashSet<ScheduledTimer> several) several.Remove(timer);
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            _source?.Dispose();
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    private sealed class AlreadyCancelled : ICancelable
    {
        public static readonly AlreadyCancelled Instance = new();

        public bool IsCancellationRequested => true;

        public CancellationToken Token { get; } = new(true);

        public void Cancel()
        {
        }

        public void Cancel(bool throwOnFirstException)
        {
        }

        public void CancelAfter(TimeSpan delay)
        {
        }

        public void CancelAfter(int millisecondsDelay)
        {
        }
    }
}
