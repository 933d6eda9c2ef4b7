namespace TiKvActors.Raft;

/// <summary>The settings of one <see cref="RaftNode"/>. Immutable; checked by <see cref="Validate"/>.</summary>
public sealed record RaftConfig
{
    /// <summary>The peer's id, unique in its group for ever; never 0.</summary>
    public required ulong Id { get; init; }

    /// <summary>Names the peer in exceptions, for example <c>region 7, peer 3</c>.</summary>
    public string Name { get; init; } = "";

    /// <summary>Ticks without a word from a leader until a peer campaigns: drawn for each round from [this, twice this).</summary>
    public int ElectionTimeoutTicks { get; init; } = 10;

    /// <summary>Ticks between two heartbeats of a leader.</summary>
    public int HeartbeatTicks { get; init; } = 2;

    /// <summary>Real time between two ticks, as the shell schedules them; <see cref="ElectionTimeout"/> follows from it.</summary>
    public TimeSpan TickInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How far two peers' clocks may differ in rate, as a fraction; a lease is shorter than the election timeout by this.
    /// </summary>
    public double ClockDriftBound { get; init; } = 0.1;

    /// <summary>Payload bytes of the entries in one append message. A larger entry travels alone.</summary>
    public int MaxMessageBytes { get; init; } = 1 << 20;

    /// <summary>Append messages on their way to one follower before the leader waits for an acknowledgement.</summary>
    public int MaxInflightMessages { get; init; } = 256;

    /// <summary>Entry bytes on their way to one follower before the leader waits for an acknowledgement.</summary>
    public long MaxInflightBytes { get; init; } = 16L << 20;

    /// <summary>Bytes of one entry's data and context; a larger proposal is refused.</summary>
    public int MaxEntryBytes { get; init; } = 8 << 20;

    /// <summary>Bytes of entries proposed and not yet applied on the leader; beyond it proposals are refused.</summary>
    public long MaxPendingBytes { get; init; } = 32L << 20;

    /// <summary>Reads that wait for a read-index round; beyond it reads are refused.</summary>
    public int MaxPendingReads { get; init; } = 16_384;

    /// <summary>Bytes of entries that are durable and handed out for application but still held in memory for slow followers.</summary>
    public long MaxCachedLogBytes { get; init; } = 8L << 20;

    /// <summary>Bytes of committed entries in one <see cref="Ready"/>, and in all that are handed out and not yet applied.</summary>
    public long MaxApplyingBytes { get; init; } = 8L << 20;

    /// <summary>A peer refuses its vote to one of lower priority whose log is not longer than its own.</summary>
    public long Priority { get; init; }

    /// <summary>A peer asks a majority whether it could win before it raises the term (thesis 9.6).</summary>
    public bool PreVote { get; init; } = true;

    /// <summary>The least time without a leader after which a peer may help to elect another.</summary>
    public TimeSpan ElectionTimeout => TickInterval * ElectionTimeoutTicks;

    /// <summary>How long, counted from the sending of an acknowledged round, a leader may trust that there is no other.</summary>
    public TimeSpan LeaseDuration => ElectionTimeout * (1 - ClockDriftBound);

    /// <exception cref="ArgumentException">A setting is out of range; the message names it and its value.</exception>
    public void Validate()
    {
        Require(Id != 0, nameof(Id), Id);
        Require(HeartbeatTicks > 0, nameof(HeartbeatTicks), HeartbeatTicks);
        Require(ElectionTimeoutTicks > HeartbeatTicks, nameof(ElectionTimeoutTicks), ElectionTimeoutTicks);
        Require(TickInterval > TimeSpan.Zero, nameof(TickInterval), TickInterval);
        Require(ClockDriftBound is > 0 and < 1, nameof(ClockDriftBound), ClockDriftBound);
        Require(MaxMessageBytes > 0, nameof(MaxMessageBytes), MaxMessageBytes);
        Require(MaxInflightMessages > 0, nameof(MaxInflightMessages), MaxInflightMessages);
        Require(MaxInflightBytes > 0, nameof(MaxInflightBytes), MaxInflightBytes);
        Require(MaxEntryBytes > 0, nameof(MaxEntryBytes), MaxEntryBytes);
        Require(MaxPendingBytes > 0, nameof(MaxPendingBytes), MaxPendingBytes);
        Require(MaxPendingReads > 0, nameof(MaxPendingReads), MaxPendingReads);
        Require(MaxCachedLogBytes >= 0, nameof(MaxCachedLogBytes), MaxCachedLogBytes);
        Require(MaxApplyingBytes > 0, nameof(MaxApplyingBytes), MaxApplyingBytes);
    }

    private static void Require(bool holds, string setting, object value)
    {
        if (!holds) throw new ArgumentException($"{setting} = {value} is out of range", setting);
    }
}
