using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Transport;

namespace Akka.Remote;

/// <summary>Marks references to actors of other systems.</summary>
public interface IRemoteRef : IActorRefScope
{
}

/// <summary>A reference to an actor of another system. Messages to it are serialized and sent; watches go through the remote watcher.</summary>
public class RemoteActorRef : InternalActorRefBase, IRemoteRef
{
    private readonly RemoteTransport _remote;

    /// <param name="props">Of an actor that is to be deployed there; this stand-in does not deploy.</param>
    public RemoteActorRef(RemoteTransport remote, Address localAddressToUse, ActorPath path, IInternalActorRef parent, Props props, Deploy deploy)
    {
        _remote = remote;
        LocalAddressToUse = localAddressToUse;
        Path = path;
        Parent = parent;
        IsTemporary = path.Depth == 2 && path.Parent.Name == "temp";
    }

    public Address LocalAddressToUse { get; }

    public override ActorPath Path { get; }

    public override IInternalActorRef Parent { get; }

    public override IActorRefProvider Provider => _remote.Provider;

    public override bool IsLocal => false;

    public override bool IsTerminated => false;

    /// <summary>The last association that carried a message of this reference.</summary>
    internal Association Association { get; set; }

    /// <summary>The receiver of one reply, which will not be named again.</summary>
    internal bool IsTemporary { get; }

    public override IActorRef GetChild(IReadOnlyList<string> name)
    {
        var path = Path;
        foreach (var element in name)
        {
            if (element == "..") path = path.Parent ?? path;
            else path /= element;
        }
        return path == Path ? this : new RemoteActorRef(_remote, LocalAddressToUse, path, ActorRefs.Nobody, Props.None, Deploy.None);
    }

    /// <summary>Whether a watch of this reference is the remote watcher's business: all but its own.</summary>
    public bool IsWatchIntercepted(IActorRef watchee, IActorRef watcher) => watchee.Equals(this) && !watcher.Equals(_remote.Provider.RemoteWatcher);

    public override void SendSystemMessage(ISystemMessage message)
    {
        switch (message)
        {
            case Watch watch when IsWatchIntercepted(watch.Watchee, watch.Watcher):
                _remote.Provider.RemoteWatcher.Tell(new RemoteWatcher.WatchRemote(watch.Watchee, watch.Watcher), ActorRefs.NoSender);
                break;
            case Unwatch unwatch when IsWatchIntercepted(unwatch.Watchee, unwatch.Watcher):
                _remote.Provider.RemoteWatcher.Tell(new RemoteWatcher.UnwatchRemote(unwatch.Watchee, unwatch.Watcher), ActorRefs.NoSender);
                break;
            default:
                _remote.Send(message, null, this);
                break;
        }
    }

    public override void Start()
    {
    }

    public override void Stop() => SendSystemMessage(new Terminate());

    public override void Suspend() => SendSystemMessage(new Suspend());

    public override void Resume(Exception causedByFailure = null) => SendSystemMessage(new Resume(causedByFailure));

    public override void Restart(Exception cause) => SendSystemMessage(new Recreate(cause));

    protected override void TellInternal(object message, IActorRef sender) => _remote.Send(message, sender, this);
}
