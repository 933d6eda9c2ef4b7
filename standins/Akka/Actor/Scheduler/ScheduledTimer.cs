using Akka.Dispatch;

namespace Akka.Actor;

/// <summary>One entry of the <see cref="TimerWheel"/>, linked into the list of its slot.</summary>
internal abstract class ScheduledTimer
{
    /// <summary>
    /// The wheel that the timer is in; null before, and after it was dropped or ran for the last time. Guarded by that wheel's lock.
    /// </summary>
    internal TimerWheel Wheel;
    internal ScheduledTimer Next;
    internal ScheduledTimer Previous;

    /// <summary>When to run, in the wheel's time; the tick that reaches it runs it.</summary>
    internal TimeSpan Deadline;
    internal long DeadlineTick;

    /// <summary>Orders those with the same deadline by when they were added.</summary>
    internal long Sequence;

    /// <summary>Zero: once.</summary>
    internal TimeSpan Interval;
    internal ICancelable Cancelable;

    public abstract void Run();

    public bool IsCancelled => Cancelable is { IsCancellationRequested: true };

    /// <summary>Takes the timer out of its wheel, if it is in one. From any thread.</summary>
    public void Unlink() => Volatile.Read(ref Wheel)?.Drop(this);
}

internal sealed class TellTimer(ICanTell receiver, object message, IActorRef sender) : ScheduledTimer
{
    public override void Run() => receiver.Tell(message, sender);
}

internal sealed class ActionTimer(Action action) : ScheduledTimer
{
    public override void Run() => action();
}

internal sealed class RunnableTimer(IRunnable action) : ScheduledTimer
{
    public override void Run() => action.Run();
}
