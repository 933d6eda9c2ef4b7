using Akka.Actor;
using Akka.Event;

namespace Akka.Remote;

/// <summary>What carries messages to other systems.</summary>
public abstract class RemoteTransport
{
    protected RemoteTransport(ExtendedActorSystem system, RemoteActorRefProvider provider)
    {
        System = system;
        Provider = provider;
        Log = Logging.GetLogger(system, this);
    }

    public ExtendedActorSystem System { get; }

    public RemoteActorRefProvider Provider { get; }

    public ILoggingAdapter Log { get; protected set; }

    public abstract ISet<Address> Addresses { get; }

    public abstract Address DefaultAddress { get; }

    public bool logRemoteLifeCycleEvents { get; protected set; }

    protected bool UseUntrustedMode { get; set; }

    /// <exception cref="RemoteTransportException">The port is taken, or the host name is not one of this machine.</exception>
    public abstract void Start();

    public abstract Task Shutdown();

    /// <summary>Queues a message. Never throws for what happens on the way; what cannot be delivered is a dead letter here or there.</summary>
    public abstract void Send(object message, IActorRef sender, RemoteActorRef recipient);

    /// <exception cref="RemoteTransportException">No transport speaks the address's protocol.</exception>
    public abstract Address LocalAddressForRemote(Address remote);

    public abstract void Quarantine(Address address, int? uid);

    public abstract Task<bool> ManagementCommand(object cmd);

    public abstract Task<bool> ManagementCommand(object cmd, CancellationToken cancellationToken);
}
