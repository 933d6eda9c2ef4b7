namespace Akka.Actor;

/// <summary>
/// The timers of one incarnation of an actor. A timer's message travels in a <see cref="TimerMessage"/> that says which
/// timer sent it; the cell hands each to <see cref="Intercept"/>, which lets through only those of timers still active.
/// </summary>
internal sealed class TimerScheduler(IActorContext context) : ITimerScheduler
{
    private readonly Dictionary<object, Timer> _timers = new();
    private long _generation;

    private sealed record Timer(long Generation, bool Repeats, Cancelable Task);

    public IReadOnlyCollection<object> ActiveTimers => _timers.Keys;

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval) => Start(key, msg, interval, interval, ActorRefs.NoSender);

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender) =>
        Start(key, msg, interval, interval, sender);

    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval) =>
        Start(key, msg, initialDelay, interval, ActorRefs.NoSender);

    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender) =>
        Start(key, msg, initialDelay, interval, sender);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout) => Start(key, msg, timeout, null, ActorRefs.NoSender);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender) => Start(key, msg, timeout, null, sender);

    public bool IsTimerActive(object key) => _timers.ContainsKey(key);

    public void Cancel(object key)
    {
        if (_timers.Remove(key, out var timer)) timer.Task.Cancel();
    }

    public void CancelAll()
    {
        foreach (var timer in _timers.Values) timer.Task.Cancel();
        _timers.Clear();
    }

    /// <returns>
    /// The message that the timer was to send; null where the timer has been cancelled, replaced, or belonged to an earlier incarnation.
    /// </returns>
    public object Intercept(TimerMessage arrived)
    {
        if (arrived.Owner != this || !_timers.TryGetValue(arrived.Key, out var timer) || timer.Generation != arrived.Generation)
            return null;
        if (!timer.Repeats) _timers.Remove(arrived.Key);
        return arrived.Message;
    }

    private void Start(object key, object message, TimeSpan delay, TimeSpan? interval, IActorRef sender)
    {
        Cancel(key);
        var scheduler = context.System.Scheduler;
        var task = new Cancelable(scheduler);
        var generation = ++_generation;
        var envelope = message is INotInfluenceReceiveTimeout
            ? new TimerMessage.NotInfluencingReceiveTimeout(key, generation, this, message)
            : new TimerMessage(key, generation, this, message);
        if (interval is { } every) scheduler.ScheduleTellRepeatedly(delay, every, context.Self, envelope, sender, task);
        else scheduler.ScheduleTellOnce(delay, context.Self, envelope, sender, task);
        _timers.Add(key, new Timer(generation, interval != null, task));
    }
}

/// <summary>What a timer really sends to its own actor.</summary>
internal class TimerMessage(object key, long generation, TimerScheduler owner, object message)
    : IWrappedMessage, INoSerializationVerificationNeeded
{
    public object Key { get; } = key;

    public long Generation { get; } = generation;

    public TimerScheduler Owner { get; } = owner;

    public object Message { get; } = message;

    public override string ToString() => $"TimerMessage({Key}, {Message})";

    internal sealed class NotInfluencingReceiveTimeout(object key, long generation, TimerScheduler owner, object message)
        : TimerMessage(key, generation, owner, message), INotInfluenceReceiveTimeout;
}
