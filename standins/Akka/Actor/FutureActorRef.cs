using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

/// <summary>
/// The sender of an Ask: an actor without cell that takes one reply. It gets its path below /temp, and is registered there, only
/// when somebody looks at the path: a reply from within the process needs neither.
/// </summary>
public class FutureActorRef<T> : MinimalActorRef
{
    // Timers take no more than this; who allows it waits for ever.
    private static readonly TimeSpan _longestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly TaskCompletionSource<T> _result;
    private readonly Lock _lock = new();
    private ActorPath _path;
    private bool _isRegistered;
    private bool _isDone;
    private HashSet<IActorRef> _watchedBy;
    private CancellationTokenSource _timeout;
    private CancellationTokenRegistration _onTimeout;
    private CancellationTokenRegistration _onCancel;

    public FutureActorRef(TaskCompletionSource<T> result, ActorPath path, IActorRefProvider provider)
    {
        _result = result;
        _path = path;
        Provider = provider;
    }

    internal FutureActorRef(TaskCompletionSource<T> result, IActorRefProvider provider) : this(result, null, provider)
    {
    }

    public override IActorRefProvider Provider { get; }

    public override ActorPath Path
    {
        get
        {
            if (Volatile.Read(ref _path) is { } path) return path;
            lock (_lock)
            {
                if (_path != null) return _path;
                path = Provider.TempPath();
                if (!_isDone)
                {
                    Provider.RegisterTempActor(this, path);
                    _isRegistered = true;
                }
                Volatile.Write(ref _path, path);
                return path;
            }
        }
    }

    /// <summary>Sends the question with this as its sender.</summary>
    public virtual void DeliverAsk(object message, ICanTell destination) => destination.Tell(message, this);

    internal void CompleteAfter(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var isFinite = timeout != Timeout.InfiniteTimeSpan && timeout < _longestTimer;
        lock (_lock)
        {
            if (isFinite)
            {
                _timeout = new CancellationTokenSource(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero);
                _onTimeout = _timeout.Token.UnsafeRegister(
                    state => ((FutureActorRef<T>)state).Fail(new AskTimeoutException($"Timeout after {timeout} seconds")), this);
            }
            if (cancellationToken.CanBeCanceled)
                _onCancel = cancellationToken.UnsafeRegister((state, token) => ((FutureActorRef<T>)state).Cancel(token), this);
        }
    }

    protected override void TellInternal(object message, IActorRef sender)
    {
        if (message is IAutoReceivedMessage and not Terminated && HandledByItself(message, sender)) return;
        if (!TryFinish())
        {
            Provider.DeadLetters.Tell(message, sender);
            return;
        }
        switch (message)
        {
            case T reply:
                _result.TrySetResult(reply);
                break;
            case Status.Failure failure:
                _result.TrySetException(failure.Cause ?? new TaskCanceledException("Task cancelled by actor via Failure message."));
                break;
            default:
                _result.TrySetException(
                    new ArgumentException($"Received message of type [{message.GetType()}] - Ask expected message of type [{typeof(T)}]"));
                break;
        }
    }

    private bool HandledByItself(object message, IActorRef sender)
    {
        switch (message)
        {
            case Identify identify:
                sender?.Tell(new ActorIdentity(identify.MessageId, this), this);
                return true;
            case PoisonPill or Kill:
                Stop();
                return true;
            default:
                return false;
        }
    }

    private protected override void OnSystemMessage(ISystemMessage message)
    {
        switch (message)
        {
            case Terminate:
                Stop();
                break;
            case DeathWatchNotification notification:
                Tell(new Terminated(notification.Actor, notification.ExistenceConfirmed, notification.AddressTerminated), this);
                break;
            case Watch watch when Equals(watch.Watchee) && !Equals(watch.Watcher):
                AddWatcher(watch.Watcher);
                break;
            case Unwatch unwatch when Equals(unwatch.Watchee):
                lock (_lock) _watchedBy?.Remove(unwatch.Watcher);
                break;
        }
    }

    private void AddWatcher(IInternalActorRef watcher)
    {
        lock (_lock)
        {
            if (!_isDone)
            {
                (_watchedBy ??= []).Add(watcher);
                return;
            }
        }
        watcher.SendSystemMessage(new DeathWatchNotification(this, existenceConfirmed: true, addressTerminated: false));
    }

    private protected override void OnStop() => Cancel(CancellationToken.None);

    private void Cancel(CancellationToken token)
    {
        if (!TryFinish()) return;
        if (token.IsCancellationRequested) _result.TrySetCanceled(token);
        else _result.TrySetCanceled(CancellationToken.None);
    }

    private void Fail(Exception cause)
    {
        if (TryFinish()) _result.TrySetException(cause);
    }

    /// <summary>Gives up name, timers and watchers; false if it has been done before.</summary>
    private bool TryFinish()
    {
        HashSet<IActorRef> watchers;
        bool registered;
        lock (_lock)
        {
            if (_isDone) return false;
            _isDone = true;
            watchers = _watchedBy;
            registered = _isRegistered;
            // Unregister, not Dispose: that one would wait for the call-back that this may be in.
            _onTimeout.Unregister();
            _onCancel.Unregister();
            _timeout?.Dispose();
        }
        if (registered) Provider.UnregisterTempActor(_path);
        if (watchers == null) return true;
        foreach (var watcher in watchers)
            ((IInternalActorRef)watcher)
                .SendSystemMessage(new DeathWatchNotification(this, existenceConfirmed: true, addressTerminated: false));
        return true;
    }
}
