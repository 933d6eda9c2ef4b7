namespace Akka.Actor;

/// <summary>What all exceptions of the library have in common.</summary>
public abstract class AkkaException : Exception
{
    protected AkkaException()
    {
    }

    protected AkkaException(string message, Exception cause = null)
        : base(message, cause)
    {
    }

    protected Exception Cause => InnerException;
}
