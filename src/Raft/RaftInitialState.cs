using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

/// <summary>What a peer remembers when its <see cref="RaftNode"/> is built.</summary>
public sealed record RaftInitialState
{
    /// <summary>The last durable one. Its commit index may lag; at least <see cref="AppliedIndex"/> is taken.</summary>
    public HardState HardState { get; init; } = new();

    /// <summary>The configuration as of <see cref="AppliedIndex"/>. Without voters and learners the peer is uninitialised.</summary>
    public ConfState ConfState { get; init; } = new();

    /// <summary>Index of the last entry whose effect is in the state machine.</summary>
    public ulong AppliedIndex { get; init; }

    /// <summary>Index of the last entry removed from the log by compaction or a snapshot; 0 for none.</summary>
    public ulong TruncatedIndex { get; init; }

    /// <summary>Term of the entry at <see cref="TruncatedIndex"/>.</summary>
    public ulong TruncatedTerm { get; init; }

    /// <summary>Every durable entry after <see cref="TruncatedIndex"/>, without holes.</summary>
    public IReadOnlyList<Entry> Entries { get; init; } = [];

    /// <summary>
    /// True only for a peer that has never persisted anything (an empty journal). Any other may have forgotten that it acknowledged a
    /// leader's lease, and stays silent for one election timeout.
    /// </summary>
    public bool NeverRan { get; init; }
}
