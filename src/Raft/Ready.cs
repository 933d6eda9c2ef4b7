using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

/// <summary>
/// What the shell has to do now. Taken with <see cref="RaftNode.TakeReady"/>. In this order where it matters:
/// <list type="number">
/// <item><see cref="Messages"/> may leave at once, also while the write below is in flight.</item>
/// <item>If <see cref="MustPersist"/>: <see cref="Snapshot"/> (if any) is installed, then <see cref="HardState"/> and <see cref="Entries"/>
/// are written and synced, as one record. Then, and only then, <see cref="MessagesAfterPersist"/> leave and <see cref="RaftNode.Advance"/>
/// is called. Until that call no other Ready asks for a write.</item>
/// <item><see cref="CommittedEntries"/> are applied in order; they are durable here already. <see cref="RaftNode.ApplyConfChange"/> for
/// each configuration change among them, <see cref="RaftNode.AdvanceApplied"/> as they are done.</item>
/// </list>
/// </summary>
public sealed record Ready
{
    /// <summary>Rises by one with every Ready of a node.</summary>
    public required ulong Number { get; init; }

    /// <summary>Depend on nothing that is not durable: may leave at once.</summary>
    public IReadOnlyList<Message> Messages { get; init; } = [];

    /// <summary>The whole hard state, set exactly if something is to be written. A moved commit index alone asks for no write,
    /// unless it has passed a configuration change.</summary>
    public HardState? HardState { get; init; }

    /// <summary>
    /// To append to the durable log. The first may overlap earlier ones, which it replaces together with all that follow them.
    /// </summary>
    public IReadOnlyList<Entry> Entries { get; init; } = [];

    /// <summary>Replaces log and state machine. Never together with <see cref="Entries"/> or <see cref="CommittedEntries"/>.</summary>
    public Snapshot? Snapshot { get; init; }

    /// <summary>Depend on the write of this Ready: votes, acknowledgements. Empty if nothing is to be written.</summary>
    public IReadOnlyList<Message> MessagesAfterPersist { get; init; } = [];

    /// <summary>Committed, durable here, handed out once and in order.</summary>
    public IReadOnlyList<Entry> CommittedEntries { get; init; } = [];

    /// <summary>Reads that may be served once the state machine has applied their index.</summary>
    public IReadOnlyList<ReadState> ReadStates { get; init; } = [];

    /// <summary>Reads that will get no answer, because this peer is no longer the leader: request ids.</summary>
    public IReadOnlyList<ulong> DroppedReads { get; init; } = [];

    /// <summary>Old entries to read from the journal; answered with <see cref="RaftNode.ProvideEntries"/>.</summary>
    public IReadOnlyList<LogRead> LogReads { get; init; } = [];

    /// <summary>
    /// Followers that need a snapshot, or, on a peer without a leader, voters that have no data; answered with <see cref="RaftNode.ProvideSnapshot"/>.
    /// </summary>
    public IReadOnlyList<SnapshotRequest> SnapshotRequests { get; init; } = [];

    /// <summary>Set if the leader, the term or this peer's role has changed since the last Ready.</summary>
    public SoftState? SoftState { get; init; }

    public bool MustPersist => HardState is not null;
}

/// <summary>What is known about the leadership; volatile.</summary>
/// <param name="LeaderId">0 while there is no known leader.</param>
public readonly record struct SoftState(ulong LeaderId, RaftRole Role, ulong Term);

public enum RaftRole
{
    Follower,
    PreCandidate,
    Candidate,
    Leader,
}

/// <summary>
/// The read <paramref name="RequestId"/> is linearizable from a state machine that has applied <paramref name="Index"/> or more.
/// </summary>
public readonly record struct ReadState(ulong RequestId, ulong Index);

/// <summary>
/// A range of durable entries that is no longer in memory. One is outstanding for each <paramref name="For"/> at most.
/// </summary>
/// <param name="For">The follower that needs them; this peer's own id if they are to be applied.</param>
/// <param name="FirstIndex">First index wanted; the answer must begin with it.</param>
/// <param name="LastIndex">Last index wanted, inclusive; the answer may end earlier.</param>
/// <param name="MaxBytes">The answer may stop at this size, but holds at least one entry.</param>
public readonly record struct LogRead(ulong For, ulong FirstIndex, ulong LastIndex, long MaxBytes);

/// <summary>The peer <paramref name="To"/> is behind the compacted log, or has no data.</summary>
/// <param name="MinIndex">The snapshot must be as of this index or later, and of one that is applied.</param>
public readonly record struct SnapshotRequest(ulong To, ulong MinIndex);
