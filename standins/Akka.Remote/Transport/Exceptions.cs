using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>What a goodbye says: why an end closes a connection.</summary>
public enum DisassociateInfo
{
    Unknown = 0,
    Shutdown = 1,
    Quarantined = 2
}

/// <summary>The other end cannot be associated with: it cannot be reached, or refuses.</summary>
public class InvalidAssociationException : AkkaException
{
    public InvalidAssociationException(string message, Exception cause = null) : base(message, cause)
    {
    }
}

/// <summary>A connection broke, or its other end does not keep to the protocol.</summary>
public class AkkaProtocolException : AkkaException
{
    public AkkaProtocolException(string message, Exception cause = null) : base(message, cause)
    {
    }
}
