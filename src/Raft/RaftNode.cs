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
    /// <summary>
    /// Marks a vote request that a transfer of leadership has caused: it counts although the old leader was heard a moment ago.
    /// </summary>
    private static readonly ByteString _campaignTransfer = ByteString.CopyFromUtf8("CampaignTransfer");

    private readonly RaftConfig _config;
    private readonly Random _random;
    private readonly RaftLog _log;
    private GroupConfig _group;

    /// <summary>
    /// Until then this peer neither grants a vote nor campaigns: it may have forgotten what it promised before it was started.
    /// </summary>
    private readonly TimeSpan _silentUntil;

    private ulong _vote;

    /// <param name="initial">Everything that is durable; checked for consistency.</param>
    /// <param name="random">Draws the election timeouts. Seeded by the caller; used by this node alone.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    /// <exception cref="InvariantViolationException">The initial state contradicts itself.</exception>
    public RaftNode(RaftConfig config, RaftInitialState initial, Random random, TimeSpan now)
    {
        config.Validate();
        _config = config;
        _random = random;
        _log = new RaftLog(config.Name, initial);
        _group = GroupConfig.From(initial.ConfState);
        (Term, _vote) = (initial.HardState.Term, initial.HardState.Vote);
        (_durableTerm, _durableVote, _durableCommit) = (Term, _vote, CommittedIndex);
        Invariant.Check(
            _log.LastTerm <= Term,
            $"last entry's term {_log.LastTerm} > term {Term} ({config.Name}): is the hard state older than the log?");
        _silentUntil = initial.NeverRan ? TimeSpan.MinValue : now + config.ElectionTimeout;
        _reported = SoftState;
        ResetElectionTimer();
    }

    public ulong Id => _config.Id;

    public ulong Term { get; private set; }

    /// <summary>0 while there is no known leader.</summary>
    public ulong LeaderId { get; private set; }

    public RaftRole Role { get; private set; }

    public bool IsLeader => Role == RaftRole.Leader;

    /// <summary>Invariant: Applied &lt;= Committed &lt;= LastIndex.</summary>
    public ulong CommittedIndex => _log.Committed;

    public ulong AppliedIndex => _log.Applied;

    public ulong LastIndex => _log.LastIndex;

    /// <summary>Index of the last entry known to be durable here; 0 while a snapshot is being installed.</summary>
    public ulong DurableIndex => _log.DurableIndex;

    /// <summary>Index of the last entry that compaction or a snapshot removed.</summary>
    public ulong TruncatedIndex => _log.TruncatedIndex;

    /// <summary>The configuration as applied. A fresh copy.</summary>
    public ConfState ConfState => _group.ToConfState();

    /// <summary>Who leads, as far as this peer knows.</summary>
    public SoftState SoftState => new(LeaderId, Role, Term);

    /// <summary>How the leader sees its followers; empty on any other peer.</summary>
    public IReadOnlyList<FollowerStatus> Followers => IsLeader
        ? [.. _progress.Values.Where(p => p.Id != Id).Select(p => new FollowerStatus(
            p.Id, !_group.IsVoter(p.Id), p.State, p.Match, p.Next, p.PendingSnapshot, p.RecentlyActive))]
        : [];

    /// <summary>Term of the entry at <paramref name="index"/>, or null if it is compacted away or beyond the log.</summary>
    public ulong? TermAt(ulong index) => _log.TermAt(index);

    /// <summary>One interval has passed (at least).</summary>
    public void Tick(TimeSpan now)
    {
        if (IsLeader) TickLeader(now);
        else TickElection(now);
    }

    /// <summary>
    /// A message from another peer has arrived. Lost, repeated, reordered and late ones are normal. A <c>MsgSnapshot</c> is stepped once
    /// all of its data is staged here; whether it is used shows in <see cref="Ready.Snapshot"/> of the next Ready.
    /// </summary>
    /// <exception cref="ArgumentException">The message is addressed to another peer.</exception>
    public void Step(Message message, TimeSpan now)
    {
        if (message.To != Id) throw new ArgumentException($"a message for peer {message.To} came to {_config.Name}", nameof(message));
        if (IsPassedOn(message))
        {
            HandlePassedOn(message);
            return;
        }
        if (IsFromEmptyVoter(message))
        {
            PassOnTo(message.From);
            return;
        }
        if (!AdmitTerm(message, now)) return;
        switch (message.MsgType)
        {
            case MessageType.MsgRequestVote or MessageType.MsgRequestPreVote:
                HandleVoteRequest(message);
                break;
            case MessageType.MsgRequestVoteResponse or MessageType.MsgRequestPreVoteResponse:
                HandleVoteResponse(message);
                break;
            case MessageType.MsgAppend or MessageType.MsgHeartbeat or MessageType.MsgSnapshot:
                HandleFromLeader(message, now);
                break;
            case MessageType.MsgTimeoutNow when !IsLeader:
                HandleTimeoutNow(now);
                break;
            case MessageType.MsgAppendResponse or MessageType.MsgHeartbeatResponse when IsLeader:
                HandleFromFollower(message);
                break;
        }
    }

    /// <summary>Brings the peer to the message's term, or decides that the message's term is reason enough to ignore it.</summary>
    private bool AdmitTerm(Message message, TimeSpan now)
    {
        if (IsVoteRequest(message) && !MayGrantAnyVote(message, now))
        {
            if (_group.IsEmpty) SayEmpty(message);
            return false;
        }
        if (message.Term > Term)
        {
            if (!LeavesTermAlone(message)) BecomeFollower(message.Term, IsFromLeader(message) ? message.From : 0);
            return true;
        }
        if (message.Term == Term) return true;
        // A deposed leader, or a candidate that is behind, learns the term from the answer. Nobody else needs one.
        if (IsFromLeader(message)) Send(new Message { MsgType = MessageType.MsgAppendResponse, To = message.From, Reject = true });
        else if (IsVoteRequest(message)) Send(VoteResponse(message, granted: false));
        return false;
    }

    /// <summary>A pre-vote asks about a term that nobody has entered yet.</summary>
    private static bool LeavesTermAlone(Message message) =>
        message.MsgType == MessageType.MsgRequestPreVote || (message.MsgType == MessageType.MsgRequestPreVoteResponse && !message.Reject);

    private static bool IsVoteRequest(Message message) => message.MsgType is MessageType.MsgRequestVote or MessageType.MsgRequestPreVote;

    private static bool IsFromLeader(Message message) =>
        message.MsgType is MessageType.MsgAppend or MessageType.MsgHeartbeat or MessageType.MsgSnapshot;
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
