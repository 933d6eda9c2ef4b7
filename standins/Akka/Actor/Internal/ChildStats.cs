namespace Akka.Actor.Internal;

public interface IChildStats
{
}

/// <summary>A name that is taken while its actor is being made.</summary>
public class ChildNameReserved : IChildStats
{
    private ChildNameReserved()
    {
    }

    public static ChildNameReserved Instance { get; } = new();

    public override string ToString() => "Name";
}

/// <summary>A child with the count of its restarts.</summary>
public class ChildRestartStats : IChildStats
{
    public ChildRestartStats(IInternalActorRef child, uint maxNrOfRetriesCount = 0, long restartTimeWindowStartTicks = 0)
    {
        Child = child;
        MaxNrOfRetriesCount = maxNrOfRetriesCount;
        RestartTimeWindowStartTicks = restartTimeWindowStartTicks;
    }

    public IInternalActorRef Child { get; }

    public long Uid => Child.Path.Uid;

    /// <summary>Restarts since the window began.</summary>
    public uint MaxNrOfRetriesCount { get; private set; }

    /// <summary>Ticks of the monotonic clock; 0 if no window is open.</summary>
    public long RestartTimeWindowStartTicks { get; private set; }

    /// <summary>Counts one more restart; false if that is one too many.</summary>
    /// <param name="maxNrOfRetries">Negative for no limit.</param>
    /// <param name="withinTimeMilliseconds">Negative for no window.</param>
    public bool RequestRestartPermission(int maxNrOfRetries, int withinTimeMilliseconds)
    {
        if (maxNrOfRetries == 0) return false;
        if (withinTimeMilliseconds <= 0)
        {
            MaxNrOfRetriesCount++;
            return maxNrOfRetries < 0 || MaxNrOfRetriesCount <= maxNrOfRetries;
        }
        // A window without a limit allows one restart in it.
        return IsPermittedWithin(maxNrOfRetries < 0 ? 1 : maxNrOfRetries, TimeSpan.FromMilliseconds(withinTimeMilliseconds).Ticks);
    }

    private bool IsPermittedWithin(int retries, long windowTicks)
    {
        var now = System.Diagnostics.Stopwatch.GetElapsedTime(0).Ticks;
        if (RestartTimeWindowStartTicks == 0) RestartTimeWindowStartTicks = now;
        if (now - RestartTimeWindowStartTicks <= windowTicks)
        {
            MaxNrOfRetriesCount++;
            return MaxNrOfRetriesCount <= retries;
        }
        MaxNrOfRetriesCount = 1;
        RestartTimeWindowStartTicks = now;
        return true;
    }
}

/// <summary>Why a cell waits for its children.</summary>
public abstract class SuspendReason
{
    public interface IWaitingForChildren
    {
    }

    /// <summary>The actor stopped a child; nothing waits for it.</summary>
    public class UserRequest : SuspendReason
    {
        private UserRequest()
        {
        }

        public static UserRequest Instance { get; } = new();
    }

    public class Recreation : SuspendReason, IWaitingForChildren
    {
        public Recreation(Exception cause) => Cause = cause;

        public Exception Cause { get; }
    }

    public class Creation : SuspendReason, IWaitingForChildren
    {
    }

    public class Termination : SuspendReason
    {
        private Termination()
        {
        }

        public static Termination Instance { get; } = new();
    }
}
