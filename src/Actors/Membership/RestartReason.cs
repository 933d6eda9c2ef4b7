namespace TiKvActors.Actors.Membership;

public enum RestartCause
{
    /// <summary>Others have removed this system from the cluster.</summary>
    Downed,

    /// <summary>Another system takes nothing from this one any more.</summary>
    Quarantined,

    /// <summary>A newer cluster has been formed than the one that this system is a member of.</summary>
    OutdatedIncarnation,

    /// <summary>This system believes to be a member, and the cluster does not know it, or is not there any more.</summary>
    Forgotten,
}

/// <summary>
/// Why an actor system has to be started again: it cannot be a member any more, and another one on the same directory can.
/// </summary>
public sealed record RestartReason(RestartCause Cause, string Why);
