using System.Diagnostics;

namespace Akka.Actor;

// The receive timeout. Instead of a new timer for every message one check is under way; when it comes up it looks how long the
// last message is ago and either delivers ReceiveTimeout or is sent again for the rest of the time.
public partial class ActorCell
{
    private TimeSpan? _receiveTimeout;
    private long _lastMessageTimestamp;
    private ReceiveTimeoutCheck _receiveTimeoutCheck;
    private ICancelable _scheduledCheck;

    public TimeSpan? ReceiveTimeout => _receiveTimeout;

    public void SetReceiveTimeout(TimeSpan? timeout = null)
    {
        _scheduledCheck?.Cancel();
        _scheduledCheck = null;
        _receiveTimeoutCheck = null;
        _receiveTimeout = timeout is { } t && t > TimeSpan.Zero ? timeout : null;
        if (_receiveTimeout == null) return;
        RestartReceiveTimeout();
        ScheduleReceiveTimeoutCheck(_receiveTimeout.Value);
    }

    private void RestartReceiveTimeout() => _lastMessageTimestamp = Stopwatch.GetTimestamp();

    private void ScheduleReceiveTimeoutCheck(TimeSpan delay)
    {
        // Another object each time: a check of an earlier setting that is already in the mailbox is not taken for this one.
        _receiveTimeoutCheck = new ReceiveTimeoutCheck();
        _scheduledCheck = _systemImpl.Scheduler.ScheduleTellOnceCancelable(delay, _self, _receiveTimeoutCheck, _self);
    }

    private void ReceiveTimeoutElapsed(ReceiveTimeoutCheck check)
    {
        if (!ReferenceEquals(check, _receiveTimeoutCheck) || _receiveTimeout is not { } timeout) return;
        var rest = timeout - Stopwatch.GetElapsedTime(_lastMessageTimestamp);
        if (rest > TimeSpan.Zero)
        {
            // Timers may be early by less than a millisecond.
            ScheduleReceiveTimeoutCheck(rest < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : rest);
            return;
        }
        RestartReceiveTimeout();
        ScheduleReceiveTimeoutCheck(timeout);
        _currentMessage = Akka.Actor.ReceiveTimeout.Instance;
        ReceiveMessage(Akka.Actor.ReceiveTimeout.Instance);
    }

    private sealed class ReceiveTimeoutCheck
        : IAutoReceivedMessage, INotInfluenceReceiveTimeout, INoSerializationVerificationNeeded, Event.IDeadLetterSuppression
    {
    }
}
