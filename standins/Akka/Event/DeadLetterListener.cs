using Akka.Actor;

namespace Akka.Event;

/// <summary>Logs dead letters, unhandled and dropped messages: as many as akka.log-dead-letters says, then none for a while.</summary>
public class DeadLetterListener : ActorBase
{
    private readonly EventStream _eventStream = Context.System.EventStream;
    private readonly int _max = Context.System.Settings.LogDeadLetters;
    private readonly TimeSpan _suspension = Context.System.Settings.LogDeadLettersSuspendDuration;
    private int _count;
    private DateTimeOffset? _silentUntil;

    private bool IsUnlimited => _max == int.MaxValue;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    protected override void PreStart()
    {
        _eventStream.Subscribe(Self, typeof(DeadLetter));
        _eventStream.Subscribe(Self, typeof(Dropped));
        _eventStream.Subscribe(Self, typeof(UnhandledMessage));
    }

    // The count and the subscriptions outlive a restart.
    protected override void PreRestart(Exception reason, object message)
    {
    }

    protected override void PostRestart(Exception reason)
    {
    }

    protected override void PostStop() => _eventStream.Unsubscribe(Self);

    protected override bool Receive(object message)
    {
        if (message is not AllDeadLetters letter) return false;
        if (_silentUntil is { } until)
        {
            if (Now < until) return true;
            Log(letter, $", of which {_count} were not logged. The counter will be reset now");
            (_silentUntil, _count) = (null, 0);
            return true;
        }
        if (++_count < _max || IsUnlimited)
        {
            Log(letter, "");
            return true;
        }
        if (_suspension == Timeout.InfiniteTimeSpan || _suspension == TimeSpan.MaxValue)
        {
            Log(letter, ", no more dead letters will be logged");
            Context.Stop(Self);
            return true;
        }
        Log(letter, $", no more dead letters will be logged in next [{_suspension}]");
        _silentUntil = Now + _suspension;
        return true;
    }

    private void Log(AllDeadLetters letter, string ending)
    {
        var origin = letter.Sender is null || letter.Sender.Equals(Context.System.DeadLetters)
            ? "without sender" : $"from {letter.Sender.Path}";
        var what = letter switch
        {
            Dropped dropped =>
                $"Message [{letter.Message?.GetType().Name}] {origin} to {letter.Recipient.Path} was dropped. {dropped.Reason}.",
            UnhandledMessage => $"Message [{letter.Message?.GetType().Name}] {origin} to {letter.Recipient.Path} was unhandled.",
            _ => $"Message [{letter.Message?.GetType().Name}] {origin} to {letter.Recipient.Path} was not delivered."
        };
        var text = $"{what} [{_count}] dead letters encountered{ending}. If this is not an expected behavior then {letter.Recipient.Path} "
            + "may have terminated unexpectedly. "
            + "This logging can be turned off or adjusted with configuration settings 'akka.log-dead-letters' and "
            + "'akka.log-dead-letters-during-shutdown'.";
        _eventStream.Publish(new Info(letter.Recipient.Path.ToString(), letter.Recipient.GetType(), text));
    }
}
