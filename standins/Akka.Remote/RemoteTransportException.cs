using Akka.Actor;

namespace Akka.Remote;

/// <summary>Remoting cannot do what it was asked for: no transport for an address, a port that is taken.</summary>
public class RemoteTransportException : AkkaException
{
    public RemoteTransportException(string message, Exception cause = null) : base(message, cause)
    {
    }
}
