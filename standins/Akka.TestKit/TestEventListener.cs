using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Internal;

namespace Akka.TestKit;

/// <summary>The logger behind EventFilter: prints what no filter takes.</summary>
public class TestEventListener : DefaultLogger
{
    private readonly List<FilterSet> _muted = [];

    internal sealed record Mute(FilterSet Filters) : INoSerializationVerificationNeeded;

    internal sealed record Unmute(FilterSet Filters) : INoSerializationVerificationNeeded;

    /// <summary>Comes after everything that was logged before it was published.</summary>
    internal sealed record Mark(TaskCompletionSource Seen) : INoSerializationVerificationNeeded;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case InitializeLogger initialize:
                foreach (var type in new[] { typeof(Mute), typeof(Unmute), typeof(Mark), typeof(DeadLetter), typeof(UnhandledMessage) })
                    initialize.LoggingBus.Subscribe(Self, type);
                return base.Receive(message);
            case LogEvent logEvent:
                return IsMuted(logEvent) || base.Receive(logEvent);
            case DeadLetter letter:
                // Whether dead letters are logged is the system's own matter; here they only count.
                IsMuted(new Warning(letter.Recipient.Path.ToString(), letter.Recipient.GetType(), letter));
                return true;
            case UnhandledMessage unhandled:
                IsMuted(new Debug(unhandled.Recipient.Path.ToString(), unhandled.Recipient.GetType(), unhandled));
                return true;
            case Mute mute:
                _muted.Add(mute.Filters);
                return true;
            case Unmute unmute:
                _muted.Remove(unmute.Filters);
                return true;
            case Mark mark:
                mark.Seen.TrySetResult();
                return true;
            default:
                return base.Receive(message);
        }
    }

    /// <summary>Every set that matches counts the event, also where several do.</summary>
    private bool IsMuted(LogEvent logEvent)
    {
        var muted = false;
        foreach (var filters in _muted) muted |= filters.Apply(logEvent);
        return muted;
    }
}
