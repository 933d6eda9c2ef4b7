using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>The settings of a region's peer. Read once from configuration; reference.conf says what each costs.</summary>
internal sealed record PeerConfig
{
    public required ulong StoreId { get; init; }

    /// <summary>A template: id and name are set for each peer.</summary>
    public required RaftConfig Raft { get; init; }

    /// <summary>Keys and values of one write.</summary>
    public int MaxEntryBytes { get; init; } = 8 << 20;

    /// <summary>Requests that were accepted and not answered yet; beyond it the answer is <c>server_is_busy</c>.</summary>
    public int MaxPendingRequests { get; init; } = 16_384;

    /// <summary>Bytes of writes that were accepted and not applied yet.</summary>
    public long MaxPendingBytes { get; init; } = 32L << 20;

    /// <summary>Writes that wait together become one entry of at most this size; a larger write travels alone.</summary>
    public int MaxProposalBytes { get; init; } = 256 << 10;

    /// <summary>A leader compacts what everybody has as soon as the log holds this many bytes.</summary>
    public long LogCompactionThresholdBytes { get; init; } = 1L << 20;

    /// <summary>Beyond this the leader compacts half of the log even if a follower still needs it: that one gets a snapshot.</summary>
    public long LogLimitBytes { get; init; } = 8L << 20;

    /// <summary>How often a leader looks whether a quiet region's log can shrink below the threshold.</summary>
    public int IdleCompactionTicks { get; init; } = 100;

    /// <summary>Entries that an idle region keeps.</summary>
    public ulong IdleLogEntries { get; init; } = 64;

    /// <summary>
    /// How long a peer that lost its leadership waits for the fate of what it had proposed, before it reports it as undetermined.
    /// </summary>
    public int UndeterminedAfterTicks { get; init; } = 40;

    /// <summary>After so many ticks in which nothing happens a leader asks its followers to hibernate with it. 0: it never does.</summary>
    public int HibernateAfterTicks { get; init; }

    /// <summary>What a busy peer asks its callers to wait.</summary>
    public TimeSpan BusyBackoff { get; init; } = TimeSpan.FromMilliseconds(50);
}

/// <summary>
/// What a peer remembers when it starts. Region, applied index and state come from the data engine, the rest from the journal.
/// </summary>
internal sealed record PeerInitialState
{
    /// <summary>An uninitialised peer has only the region's id.</summary>
    public required Protocol.Metapb.Region Region { get; init; }

    public required MetaPeer Self { get; init; }

    public ulong AppliedIndex { get; init; }

    public Protocol.Eraftpb.HardState HardState { get; init; } = new();

    public ulong TruncatedIndex { get; init; }

    public ulong TruncatedTerm { get; init; }

    public IReadOnlyList<Protocol.Eraftpb.Entry> Entries { get; init; } = [];

    public LogSegments Segments { get; init; } = new();

    public long LastSequenceNr { get; init; }

    /// <summary>Nothing was ever persisted under this peer's id.</summary>
    public bool NeverRan { get; init; }
}
