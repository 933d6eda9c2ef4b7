namespace Akka.Actor;

/// <summary>
/// An actor's own timers, by key: starting one cancels the one of the same key, also if its message waits in the mailbox already.
/// They end with the actor and with its restart. Only for the actor itself, from its own thread.
/// </summary>
public interface ITimerScheduler
{
    IReadOnlyCollection<object> ActiveTimers { get; }

    void StartPeriodicTimer(object key, object msg, TimeSpan interval);

    void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender);

    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval);

    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender);

    void StartSingleTimer(object key, object msg, TimeSpan timeout);

    void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender);

    bool IsTimerActive(object key);

    void Cancel(object key);

    void CancelAll();
}

/// <summary>An actor with timers; they are set before its PreStart (but after its constructor).</summary>
public interface IWithTimers
{
    ITimerScheduler Timers { get; set; }
}
