using Akka.Actor;

namespace Akka.Event;

/// <summary>Logs every unhandled message: akka.actor.debug.unhandled.</summary>
internal sealed class UnhandledMessageLogger : UntypedActor
{
    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(UnhandledMessage));

    protected override void OnReceive(object message)
    {
        if (message is not UnhandledMessage unhandled) return;
        var text = $"Unhandled message from {unhandled.Sender.Path} : {unhandled.Message}";
        Context.System.EventStream.Publish(new Debug(unhandled.Recipient.Path.ToString(), unhandled.Recipient.GetType(), text));
    }
}
