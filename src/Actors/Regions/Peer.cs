using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// One replica of one region, pure and deterministic: a <see cref="RaftNode"/> plus what a region adds to it (range, epoch, requests,
/// snapshots, compaction). No actor, no clock, no disk: inputs are method calls with a monotonic <c>now</c>, everything to be done
/// comes out of <see cref="TakeOutput"/>. Not thread-safe.
/// <code>
///              append to an uninitialised or far-behind peer
///   Normal  ────────────── snapshot staged ──────────────►  Applying
///     │     ◄───────────────── Installed ─────────────────     │
///     └── own removal applied ──►  Tombstone  ◄── told to go ──┘
/// </code>
/// </summary>
internal sealed partial class Peer
{
    private readonly PeerConfig _config;
    private readonly RaftNode _raft;

    /// <summary>Peers by id as messages named them; an uninitialised peer knows nobody else.</summary>
    private readonly Dictionary<ulong, MetaPeer> _peersSeen = [];
    private readonly LogSegments _segments;
    private PeerOutput _out = new();
    private SoftState _soft;

    /// <summary>The Ready whose write is in flight.</summary>
    private Ready? _persisting;
    private HardState _durableHardState;
    private long _durableSequenceNr;

    public Peer(PeerConfig config, PeerInitialState initial, Random random, TimeSpan now)
    {
        _config = config;
        Self = initial.Self;
        Region = initial.Region;
        _segments = initial.Segments;
        _durableHardState = initial.HardState;
        _durableSequenceNr = initial.LastSequenceNr;
        AppliedIndex = initial.AppliedIndex;
        _raft = new RaftNode(
            config.Raft with { Id = initial.Self.Id, Name = $"region {initial.Region.Id}, peer {initial.Self.Id}" },
            new RaftInitialState
            {
                HardState = initial.HardState,
                ConfState = RegionState.ToConfState(initial.Region),
                AppliedIndex = initial.AppliedIndex,
                TruncatedIndex = initial.TruncatedIndex,
                TruncatedTerm = initial.TruncatedTerm,
                Entries = initial.Entries,
                NeverRan = initial.NeverRan,
            },
            random,
            now);
        _soft = new SoftState(_raft.LeaderId, _raft.Role, _raft.Term);
    }

    public Region Region { get; private set; }

    public MetaPeer Self { get; private set; }

    public PeerState State { get; private set; } = PeerState.Normal;

    public bool IsInitialized => Region.Peers.Count > 0;

    /// <summary>An event is on its way to the journal: <see cref="Persisted"/> is to come.</summary>
    public bool IsPersisting => _persisting is { Snapshot: null };

    public bool IsLeader => _raft.IsLeader;

    /// <summary>Reads are served without asking anybody.</summary>
    public bool HasLease(TimeSpan now) => _raft.HasLease(now);

    public ulong Term => _raft.Term;

    public RaftRole Role => _raft.Role;

    /// <summary>Invariant: never above what the appliers have written.</summary>
    public ulong AppliedIndex { get; private set; }

    public ulong CommittedIndex => _raft.CommittedIndex;

    public ulong LastIndex => _raft.LastIndex;

    public ulong TruncatedIndex => _raft.TruncatedIndex;

    public long LogBytes => _segments.TotalBytes;

    public IReadOnlyList<FollowerStatus> Followers => _raft.Followers;

    /// <summary>Of a leader: peers to which it cannot append yet, because they lack data or have not been heard of.</summary>
    public IReadOnlyList<MetaPeer> PendingPeers =>
    [
        .. _raft.Followers.Where(f => f.State != ReplicationState.Replicate)
            .Select(f => RegionState.FindPeer(Region, f.Id)).OfType<MetaPeer>(),
    ];

    /// <summary>Null while nobody is known to lead.</summary>
    public MetaPeer? Leader => _raft.LeaderId == 0 ? null : RegionState.FindPeer(Region, _raft.LeaderId);

    public bool HasOutput => _hasOutput || _raft.HasReady || _openBatch.Count > 0 || _newReads.Count > 0 || _mustAsk;

    private bool _hasOutput;

    private PeerOutput Out
    {
        get
        {
            _hasOutput = true;
            return _out;
        }
    }

    /// <summary>One interval has passed; after a pause the caller ticks once.</summary>
    public void Tick(TimeSpan now)
    {
        if (State == PeerState.Tombstone || IsAsleep)
            return;
        _raft.Tick(now);
        FailExpired(now);
        ReportLostProposals();
        NoticeSilence();
        PassOn();
        if (IsLeader)
        {
            LeaveJointConfiguration();
            ProposeCompaction(isIdle: ++_ticksSinceIdleCompaction >= _config.IdleCompactionTicks);
        }

        TickHibernation();
    }

    public bool Campaign(TimeSpan now)
    {
        Wake(now, callLeader: false);
        return _raft.Campaign(now);
    }

    /// <summary>Everything that has accumulated since the last call.</summary>
    public PeerOutput TakeOutput(TimeSpan now)
    {
        ProposeOpenBatch();
        AskForReadIndex(now);
        var couldPersist = _persisting is null;
        if (_raft.HasReady)
            Collect(_raft.TakeReady(now), now);
        ForgetUnusedSnapshot(couldPersist);
        if (_mustAsk)
            Ask();
        var output = _out;
        _out = new PeerOutput();
        _hasOutput = false;
        return output;
    }

    private void Collect(Ready ready, TimeSpan now)
    {
        if (ready.SoftState is { } soft)
            OnSoftState(soft);
        foreach (var message in ready.Messages)
            Send(message);
        if (ready.MustPersist)
            Persist(ready);
        if (ready.CommittedEntries.Count > 0)
        {
            RememberTerms(ready.CommittedEntries);
            Out.Apply = ready.CommittedEntries;
        }

        foreach (var read in ready.ReadStates)
            OnReadState(read, now);
        foreach (var requestId in ready.DroppedReads)
            OnReadDropped(requestId);
        foreach (var read in ready.LogReads)
            OnLogRead(read);
        foreach (var request in ready.SnapshotRequests)
            Out.SnapshotRequests.Add(request);
    }

    private void Persist(Ready ready)
    {
        Invariant.Check(
            _persisting is null,
            $"region {Region.Id}, peer {Self.Id}: Ready {ready.Number} asks for a write "
                + $"while that of Ready {_persisting?.Number} is in flight");
        _persisting = ready;
        if (ready.Snapshot is not null)
            BeginInstall(ready);
        else
            Out.Persist = new Protocol.RaftAdvanced { HardState = ready.HardState, Entries = { ready.Entries } };
    }

    /// <summary>What <see cref="PeerOutput.Persist"/> asked for is durable, as event <paramref name="sequenceNr"/>.</summary>
    public void Persisted(long sequenceNr, TimeSpan now)
    {
        var ready = _persisting;
        Invariant.Check(
            ready is { Snapshot: null },
            $"region {Region.Id}, peer {Self.Id}: event {sequenceNr} was persisted, but no write is in flight");
        _segments.Append(ready.Entries, sequenceNr);
        Release(ready, sequenceNr, now);
    }

    private void Release(Ready ready, long sequenceNr, TimeSpan now)
    {
        _persisting = null;
        _durableHardState = ready.HardState!;
        _durableSequenceNr = sequenceNr;
        foreach (var message in ready.MessagesAfterPersist)
            Send(message);
        _raft.Advance(ready);
    }

    private void OnSoftState(SoftState soft)
    {
        var led = _soft.Role == RaftRole.Leader;
        var leads = soft.Role == RaftRole.Leader;
        _soft = soft;
        if (led && !leads)
            OnStepDown();
        if (leads && !led)
        {
            _ticksSinceStepDown = 0;
            Out.ReportToPd = true;
        }
    }

    private void Reply(RegionRequest request, Protocol.Errorpb.Error? error, object? result = null) =>
        Out.Replies.Add(new PeerReply(request, error, result));

    private Protocol.Errorpb.Error NotLeader() => RegionErrors.NotLeader(Region.Id, IsLeader ? null : Leader);

    /// <summary>The peer stops (its store does, or it is destroyed): nobody may be left waiting.</summary>
    public void FailAll(string why)
    {
        foreach (var request in TakeNeverProposed())
            Reply(request, RegionErrors.NotLeader(Region.Id, null));
        FailProposals(why);
    }
}
