namespace TiKvActors.Raft;

/// <summary>Why a proposal, a configuration change, a read or a transfer was not accepted. Nothing was queued.</summary>
public enum Refusal
{
    None,

    /// <summary>There is no known leader. Try again after an election.</summary>
    NoLeader,

    /// <summary>Another peer leads: <see cref="RaftNode.LeaderId"/>.</summary>
    NotLeader,

    /// <summary>Too many bytes are proposed and not applied, or too many reads wait. Try again later.</summary>
    TooMuchInFlight,

    /// <summary>The entry is larger than <see cref="RaftConfig.MaxEntryBytes"/>.</summary>
    EntryTooLarge,

    /// <summary>An earlier configuration change is not applied yet, or the configuration is joint and must be left first.</summary>
    ConfChangePending,

    /// <summary>
    /// The change makes no sense for the present configuration (no voter left, more than one change without joint consensus ...).
    /// </summary>
    ConfChangeInvalid,

    /// <summary>The leadership is being transferred.</summary>
    Transferring,

    /// <summary>The term is not the one in which the command was prepared.</summary>
    StaleTerm,

    /// <summary>The target of a transfer is no voter, or is this peer, which leads already.</summary>
    InvalidTarget,
}

/// <summary>The entry's place in the log. It is committed if, and only if, the entry applied at this index has this term.</summary>
public readonly record struct ProposeResult(Refusal Refusal, ulong Index, ulong Term)
{
    public bool Accepted => Refusal == Refusal.None;

    internal static ProposeResult Refused(Refusal refusal) => new(refusal, 0, 0);
}

public enum ReadMode
{
    /// <summary>From the lease if it holds, else by a round of heartbeats.</summary>
    Lease,

    /// <summary>By a round of heartbeats (read index), whatever the clocks say.</summary>
    Quorum,
}
