namespace Akka.Actor;

/// <summary>The scheduler has been shut down and takes nothing more.</summary>
public sealed class SchedulerException : AkkaException
{
    public SchedulerException(string message)
        : base(message)
    {
    }
}
