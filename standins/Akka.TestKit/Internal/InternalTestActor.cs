using Akka.Actor;

namespace Akka.TestKit.Internal;

/// <summary>The actor behind TestActor and behind a probe: queues what it gets.</summary>
internal sealed class InternalTestActor(MessageQueue queue) : ActorBase
{
    private Func<object, bool> _ignores = static _ => false;

    /// <summary>From now on messages that the function accepts are not queued.</summary>
    public sealed record SetIgnore(Func<object, bool> Ignores);

    public sealed record Watch(IActorRef Actor);

    public sealed record Unwatch(IActorRef Actor);

    /// <summary>Makes a child; answered by its reference.</summary>
    public sealed record Spawn(Props Props, string Name);

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case SetIgnore ignore:
                _ignores = ignore.Ignores;
                break;
            case Watch watch:
                Context.Watch(watch.Actor);
                break;
            case Unwatch unwatch:
                Context.Unwatch(unwatch.Actor);
                break;
            case Spawn spawn:
                Sender.Tell(Context.ActorOf(spawn.Props, spawn.Name));
                break;
            default:
                if (!_ignores(message)) queue.Enqueue(new RealMessageEnvelope(message, Sender));
                break;
        }
        return true;
    }
}
