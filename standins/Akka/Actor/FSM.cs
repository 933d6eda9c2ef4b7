using Akka.Event;

namespace Akka.Actor;

/// <summary>
/// An actor as a finite state machine: for each state a function from an event and the data to the next state. The constructor
/// says <see cref="When"/> for every state and <see cref="StartWith"/>, and ends with <see cref="Initialize"/>.
/// </summary>
public abstract class FSM<TState, TData> : FSMBase
{
    private readonly Dictionary<TState, StateFunction> _functions = new();
    private readonly Dictionary<TState, TimeSpan?> _timeouts = new();
    private readonly Dictionary<string, NamedTimer> _timers = new();
    private readonly List<TransitionHandler> _transitionHandlers = [];
    private readonly HashSet<IActorRef> _subscribers = [];
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context);
    private StateFunction _unhandled;
    private Action<StopEvent<TState, TData>> _onTermination;
    private State<TState, TData> _current;
    private State<TState, TData> _next;
    private ICancelable _stateTimeout;
    private long _lastTimer;
    private long _timeoutGeneration;

    protected FSM() => _unhandled = Warn;

    /// <returns>null: not handled here.</returns>
    public delegate State<TState, TData> StateFunction(Event<TData> fsmEvent);

    public delegate void TransitionHandler(TState initialState, TState nextState);

    private sealed record NamedTimer(long Generation, bool Repeats, ICancelable Task);

    private sealed record TimerFired(FSM<TState, TData> Owner, string Name, long Generation, object Message)
        : INoSerializationVerificationNeeded;

    private sealed record TimeoutFired(FSM<TState, TData> Owner, long Generation) : INoSerializationVerificationNeeded;

    public TState StateName => _current == null
        ? throw new InvalidOperationException("You must call StartWith before you can access StateName")
        : _current.StateName;

    public TData StateData => _current == null
        ? throw new InvalidOperationException("You must call StartWith before you can access StateData")
        : _current.StateData;

    /// <summary>In a transition's handler only.</summary>
    public TData NextStateData =>
        _next == null ? throw new InvalidOperationException("NextStateData is only available during OnTransition") : _next.StateData;

    /// <summary>What a state does; of several functions for one state the first that handles an event counts.</summary>
    public void When(TState stateName, StateFunction func, TimeSpan? timeout = null)
    {
        _functions[stateName] = _functions.TryGetValue(stateName, out var before) ? e => before(e) ?? func(e) : func;
        if (timeout != null || !_timeouts.ContainsKey(stateName)) _timeouts[stateName] = timeout;
    }

    public void StartWith(TState stateName, TData stateData, TimeSpan? timeout = null) =>
        _current = new State<TState, TData>(stateName, stateData, timeout);

    /// <summary>Begins with the first state, its time included.</summary>
    public void Initialize() => MakeTransition(_current == null
        ? throw new InvalidOperationException("You must call StartWith before calling Initialize")
        : _current.WithNotification(false));

    /// <summary>A transition, also where the state is the same.</summary>
    public State<TState, TData> GoTo(TState nextStateName) => new(nextStateName, _current.StateData);

    public State<TState, TData> GoTo(TState nextStateName, TData stateData) => new(nextStateName, stateData);

    /// <summary>No transition; the state's time begins anew.</summary>
    public State<TState, TData> Stay() => GoTo(_current.StateName).WithNotification(false);

    public State<TState, TData> Stop() => Stop(Normal.Instance);

    public State<TState, TData> Stop(Reason reason) => Stop(reason, _current.StateData);

    public State<TState, TData> Stop(Reason reason, TData stateData) => Stay().Using(stateData).WithStopReason(reason);

    /// <summary>Sends the message as an event after the time. A timer of the same name is replaced.</summary>
    public void SetTimer(string name, object msg, TimeSpan timeout, bool repeat = false)
    {
        CancelTimer(name);
        var fired = new TimerFired(this, name, ++_lastTimer, msg);
        var scheduler = Context.System.Scheduler;
        var task = repeat
            ? scheduler.ScheduleTellRepeatedlyCancelable(timeout, timeout, Self, fired, Self)
            : scheduler.ScheduleTellOnceCancelable(timeout, Self, fired, Self);
        _timers.Add(name, new NamedTimer(fired.Generation, repeat, task));
    }

    public void CancelTimer(string name)
    {
        if (_timers.Remove(name, out var timer)) timer.Task.Cancel();
    }

    public bool IsTimerActive(string name) => _timers.ContainsKey(name);

    /// <param name="timeout">null: the state has none any more.</param>
    public void SetStateTimeout(TState state, TimeSpan? timeout) => _timeouts[state] = timeout;

    public void OnTransition(TransitionHandler transitionHandler) => _transitionHandlers.Add(transitionHandler);

    public void OnTermination(Action<StopEvent<TState, TData>> terminationHandler) => _onTermination = terminationHandler;

    /// <summary>For events that the state's own function does not handle.</summary>
    public void WhenUnhandled(StateFunction stateFunction)
    {
        var before = _unhandled;
        _unhandled = before == Warn ? e => stateFunction(e) ?? Warn(e) : e => stateFunction(e) ?? before(e);
    }

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case TimeoutFired fired:
                if (fired.Owner == this && fired.Generation == _timeoutGeneration) Process(StateTimeout.Instance);
                return true;
            case TimerFired fired:
                if (fired.Owner != this || !_timers.TryGetValue(fired.Name, out var timer) || timer.Generation != fired.Generation)
                    return true;
                if (!timer.Repeats) _timers.Remove(fired.Name);
                Process(fired.Message);
                return true;
            case SubscribeTransitionCallBack subscribe:
                _subscribers.Add(subscribe.ActorRef);
                subscribe.ActorRef.Tell(new CurrentState<TState>(Self, StateName), Self);
                return true;
            case UnsubscribeTransitionCallBack unsubscribe:
                _subscribers.Remove(unsubscribe.ActorRef);
                return true;
            default:
                Process(message);
                return true;
        }
    }

    protected override void PostStop()
    {
        if (_current != null) Terminate(Stay().WithStopReason(Shutdown.Instance));
        base.PostStop();
    }

    protected virtual void LogTermination(Reason reason)
    {
        if (reason is not Failure failure) return;
        if (failure.Cause is Exception e) _log.Error(e, "terminating due to Failure");
        else _log.Error(failure.Cause?.ToString() ?? "terminating due to Failure");
    }

    private void Process(object message)
    {
        CancelStateTimeout();
        var happened = new Event<TData>(message, _current.StateData);
        var next = _functions[_current.StateName](happened) ?? _unhandled(happened);
        if (next.StopReason == null) MakeTransition(next);
        else
        {
            Reply(next);
            Terminate(next);
            Context.Stop(Self);
        }
    }

    private void MakeTransition(State<TState, TData> next)
    {
        if (!_functions.ContainsKey(next.StateName))
        {
            Terminate(Stay().WithStopReason(new Failure($"Next state {next.StateName} does not exist")));
            Context.Stop(Self);
            return;
        }
        Reply(next);
        if (next.Notifies || !EqualityComparer<TState>.Default.Equals(_current.StateName, next.StateName))
        {
            _next = next;
            foreach (var handler in _transitionHandlers) handler(_current.StateName, next.StateName);
            foreach (var subscriber in _subscribers)
                subscriber.Tell(new Transition<TState>(Self, _current.StateName, next.StateName), Self);
            _next = null;
        }
        _current = next;
        if ((next.Timeout ?? _timeouts[next.StateName]) is { } timeout && timeout >= TimeSpan.Zero && timeout < TimeSpan.MaxValue)
            _stateTimeout = Context.System.Scheduler.ScheduleTellOnceCancelable(
                timeout, Self, new TimeoutFired(this, ++_timeoutGeneration), Self);
    }

    private void Reply(State<TState, TData> next)
    {
        foreach (var reply in next.Replies.Reverse()) Sender.Tell(reply);
    }

    private void Terminate(State<TState, TData> last)
    {
        if (_current.StopReason != null) return;
        CancelStateTimeout();
        foreach (var timer in _timers.Values) timer.Task.Cancel();
        _timers.Clear();
        LogTermination(last.StopReason);
        _current = last;
        _onTermination?.Invoke(new StopEvent<TState, TData>(last.StopReason, last.StateName, last.StateData));
    }

    private void CancelStateTimeout()
    {
        _stateTimeout?.Cancel();
        _stateTimeout = null;
        // One that has fired and waits in the mailbox is of a state that is over.
        _timeoutGeneration++;
    }

    private State<TState, TData> Warn(Event<TData> happened)
    {
        _log.Warning("unhandled event {0} in state {1}", happened.FsmEvent, StateName);
        return Stay();
    }
}
