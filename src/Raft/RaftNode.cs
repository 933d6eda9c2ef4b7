using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Raft;

/// <summary>
/// One peer of one Raft group: pure state, driven by a shell. No clock, no thread, no disk: time comes in as ticks and as <c>now</c>.
/// <para>
/// <c>now</c> is a monotonic reading with any origin, the same for all calls on one node. It must be read <em>after</em> the input it comes
/// with has arrived (a message taken from the mailbox, a read request received): leases count on it.
/// </para>
/// <para>
/// Ticks never accumulate: after a pause the shell calls <see cref="Tick"/> once, not once for every interval missed.
/// </para>
/// <para>Not thread-safe. Messages and entries that go in or come out are shared, and never changed by either side afterwards.</para>
/// </summary>
public sealed partial class RaftNode
{
    public RaftNode(RaftConfig config, RaftInitialState initial, Random random, TimeSpan now) => throw new NotImplementedException();

    public ulong Id => throw new NotImplementedException();
    public ulong Term => throw new NotImplementedException();

    /// <summary>0 while there is no known leader.</summary>
    public ulong LeaderId => throw new NotImplementedException();
    public RaftRole Role => throw new NotImplementedException();
    public bool IsLeader => throw new NotImplementedException();

    /// <summary>Invariant: Applied &lt;= Committed &lt;= LastIndex.</summary>
    public ulong CommittedIndex => throw new NotImplementedException();
    public ulong AppliedIndex => throw new NotImplementedException();
    public ulong LastIndex => throw new NotImplementedException();

    /// <summary>Index of the last entry known to be durable here.</summary>
    public ulong DurableIndex => throw new NotImplementedException();

    /// <summary>Index of the last entry that compaction or a snapshot removed.</summary>
    public ulong TruncatedIndex => throw new NotImplementedException();

    /// <summary>The configuration as applied. A fresh copy.</summary>
    public ConfState ConfState => throw new NotImplementedException();

    /// <summary>Term of the entry at <paramref name="index"/>, or null if it is compacted away or beyond the log.</summary>
    public ulong? TermAt(ulong index) => throw new NotImplementedException();

    /// <summary>Bytes of entries held in memory.</summary>
    public long CachedLogBytes => throw new NotImplementedException();

    /// <summary>True while the leader may answer reads at <paramref name="now"/> without a round of heartbeats.</summary>
    public bool HasLease(TimeSpan now) => throw new NotImplementedException();

    /// <summary>How the leader sees its followers; empty on any other peer.</summary>
    public IReadOnlyList<FollowerStatus> Followers => throw new NotImplementedException();

    /// <summary>One interval has passed (at least).</summary>
    public void Tick(TimeSpan now) => throw new NotImplementedException();

    /// <summary>
    /// A message from another peer has arrived. Lost, repeated, reordered and late ones are normal. A <c>MsgSnapshot</c> is stepped once all of its
    /// data is staged here; whether it is used shows in <see cref="Ready.Snapshot"/> of the next Ready.
    /// </summary>
    public void Step(Message message, TimeSpan now) => throw new NotImplementedException();

    /// <summary>Campaigns now instead of at the next timeout, unless that would break a promise (lease, silence after recovery). Honest pre-vote included.</summary>
    /// <returns>False if it may not campaign now.</returns>
    public bool Campaign(TimeSpan now) => throw new NotImplementedException();

    /// <param name="data">The command.</param>
    /// <param name="requiredTerm">Not 0: the term in which the command was prepared; refused in any other.</param>
    /// <param name="context">Travels with the entry.</param>
    public ProposeResult Propose(ByteString data, ulong requiredTerm = 0, ByteString? context = null) => throw new NotImplementedException();

    /// <summary>
    /// Proposes a configuration change, one at a time. Without changes: leave the joint configuration. It takes effect when it is applied,
    /// by <see cref="ApplyConfChange"/>.
    /// </summary>
    /// <param name="context">The command that asked for it; travels with the entry.</param>
    public ProposeResult ProposeConfChange(ConfChangeV2 change, ulong requiredTerm = 0, ByteString? context = null) => throw new NotImplementedException();

    /// <summary>
    /// Applies the configuration change of the committed entry at <paramref name="index"/>, before <see cref="AdvanceApplied"/> passes it. A change that the state machine
    /// refuses (epoch) is simply not applied here.
    /// </summary>
    /// <returns>The new configuration, to be written with the applied index.</returns>
    public ConfState ApplyConfChange(ulong index, ConfChangeV2 change, TimeSpan now) => throw new NotImplementedException();

    /// <summary>Asks for an index at which a read is linearizable. The answer is in <see cref="Ready.ReadStates"/> or <see cref="Ready.DroppedReads"/>.</summary>
    /// <param name="requestId">The caller's; not 0, unique among the reads that wait.</param>
    public Refusal ReadIndex(ulong requestId, ReadMode mode, TimeSpan now) => throw new NotImplementedException();

    /// <summary>
    /// Hands the leadership to <paramref name="to"/>, as soon as its log is complete. Given up after one election timeout. From here to the end of the term
    /// there is no lease; proposals are refused until it has succeeded or was given up.
    /// </summary>
    public Refusal TransferLeader(ulong to, TimeSpan now) => throw new NotImplementedException();

    /// <summary>
    /// The answer to <see cref="Ready.LogReads"/>. Empty if the entries cannot be had now (compacted meanwhile): they are asked for again as needed.
    /// </summary>
    public void ProvideEntries(LogRead read, IReadOnlyList<Entry> entries) => throw new NotImplementedException();

    /// <summary>
    /// The answer to <see cref="Ready.SnapshotRequests"/>: its metadata and a small header in <c>data</c>. It comes out again as a <c>MsgSnapshot</c> in
    /// <see cref="Ready.Messages"/>, which the shell sends with the bulk in chunks; then <see cref="ReportSnapshot"/>. Ignored if it is no longer wanted.
    /// </summary>
    public void ProvideSnapshot(ulong to, Snapshot snapshot) => throw new NotImplementedException();

    /// <summary>The snapshot for <paramref name="to"/> has been delivered, or could not be made or delivered (it will be asked for again).</summary>
    public void ReportSnapshot(ulong to, bool delivered) => throw new NotImplementedException();

    /// <summary>Messages to <paramref name="to"/> are being lost: the leader probes until it hears again.</summary>
    public void ReportUnreachable(ulong to) => throw new NotImplementedException();

    /// <summary>True if <see cref="TakeReady"/> would give the shell something to do.</summary>
    public bool HasReady => throw new NotImplementedException();

    /// <summary>Everything that has accumulated. May be called while a write is in flight; it then asks for no other.</summary>
    public Ready TakeReady(TimeSpan now) => throw new NotImplementedException();

    /// <summary>What <paramref name="ready"/> asked to persist is durable; an installed snapshot is applied.</summary>
    public void Advance(Ready ready, TimeSpan now) => throw new NotImplementedException();

    /// <summary>Every entry up to <paramref name="index"/> is in the state machine.</summary>
    public void AdvanceApplied(ulong index) => throw new NotImplementedException();

    /// <summary>
    /// Forgets the log up to <paramref name="index"/>, before the journal does. At most the index whose application is synced.
    /// A lower index than <see cref="TruncatedIndex"/> changes nothing.
    /// </summary>
    public void Compact(ulong index) => throw new NotImplementedException();
}

/// <summary>A follower or learner as its leader sees it.</summary>
/// <param name="MatchIndex">Known to be durable there.</param>
/// <param name="PendingSnapshotIndex">0 unless a snapshot is on its way.</param>
/// <param name="RecentlyActive">Heard from within the last check-quorum period.</param>
public readonly record struct FollowerStatus(
    ulong Id, bool IsLearner, ReplicationState State, ulong MatchIndex, ulong NextIndex, ulong PendingSnapshotIndex, bool RecentlyActive);

/// <summary>How a leader feeds one follower.</summary>
public enum ReplicationState
{
    /// <summary>One append at a time, to find where the logs agree.</summary>
    Probe,

    /// <summary>Pipelined appends.</summary>
    Replicate,

    /// <summary>No appends: the follower needs, or is getting, a snapshot.</summary>
    Snapshot,
}
