using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;

namespace TiKvActors.Actors.Regions;

/// <summary>What the data engine holds about a peer when it starts.</summary>
/// <param name="State">Null for an uninitialised peer.</param>
/// <param name="Apply">Null for an uninitialised peer.</param>
/// <param name="Applying">Beside the state Applying: the installation that a crash interrupted.</param>
/// <param name="Campaign">A split's new peer on the store that led the parent.</param>
internal sealed record PeerStart(
    ulong RegionId, MetaPeer Self, RegionLocalState? State = null, RaftApplyState? Apply = null, ApplyingSnapshot? Applying = null, bool Campaign = false);

/// <summary>
/// The pump around one <see cref="Peer"/>: messages in; one <see cref="PeerOutput"/> for many of them out; persist, send, apply, read. No decision
/// about Raft or the region is made here.
/// <code>
///   recovering ──► Starting ──► Running ◄──► Installing (a snapshot)
///                     │            │
///                     └────────────┴──► Destroying ──► stopped
/// </code>
/// Its supervisor stops it on any failure; the store decides about a new incarnation.
/// </summary>
internal sealed partial class RegionPeer : UntypedPersistentActor
{
    /// <summary>Requests of clients, all for this region.</summary>
    public sealed record Submit(IReadOnlyList<RegionRequest> Requests);

    /// <param name="At">When the store sent it. A peer that was held up answers one of many.</param>
    public sealed record Tick(TimeSpan At);

    /// <summary>The store closes: nobody is left waiting, then the peer stops.</summary>
    public sealed class Stop
    {
        public static readonly Stop Instance = new();
    }

    /// <summary>To whoever asks with <see cref="GetStatus"/>.</summary>
    public sealed record Status(Protocol.Metapb.Region Region, MetaPeer Self, MetaPeer? Leader, ulong Term, ulong AppliedIndex, ulong CommittedIndex, ulong LastIndex, ulong TruncatedIndex, long LogBytes, PeerState State);

    public sealed class GetStatus
    {
        public static readonly GetStatus Instance = new();
    }

    // Handles what has accumulated, behind everything that is in the mailbox already.
    private sealed class Pump
    {
        public static readonly Pump Instance = new();
    }

    private sealed record DataSynced(long Number);

    private sealed record LogEntriesRead(Raft.LogRead Read, IReadOnlyList<Entry> Entries);

    private readonly StoreServices _services;
    private readonly PeerStart _start;
    private readonly IActorRef _applier;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Action<RaftAdvanced> _onPersisted;
    private readonly Queue<SplitRequest> _splitsAtPd = new();

    // Filled by recovery.
    private readonly List<Entry> _recovered = [];
    private readonly LogSegments _segments = new();
    private RaftTruncated? _truncated;
    private HardState? _hardState;

    private Peer _peer = null!;
    private bool _pumping;
    private TimeSpan _lastTick;
    private TimeSpan _lastReport;
    private TimeSpan _splitAskedAt;
    private bool _wasLeader;
    private TruncateTask? _truncate;

    public RegionPeer(StoreServices services, PeerStart start)
    {
        _services = services;
        _start = start;
        _applier = services.ApplierOf(start.RegionId);
        _onPersisted = OnPersisted;
        PersistenceId = $"region/{start.RegionId}/{start.Self.Id}";
    }

    public override string PersistenceId { get; }

    public static Props Props(StoreServices services, PeerStart start) =>
        Akka.Actor.Props.Create(() => new RegionPeer(services, start)).WithDispatcher("tikv.dispatchers.region");

    private TimeSpan Now => _services.Clock.Now;

    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer { Snapshot: RaftTruncated truncated }:
                _truncated = truncated;
                _hardState = truncated.HardState;
                break;
            case RaftAdvanced advanced:
                Recover(advanced, LastSequenceNr);
                break;
            case RecoveryCompleted:
                Start();
                break;
        }
    }

    /// <summary>An event's entries replace everything from the first one's index on.</summary>
    private void Recover(RaftAdvanced advanced, long sequenceNr)
    {
        _hardState = advanced.HardState;
        if (advanced.Entries.Count == 0)
            return;
        var first = advanced.Entries[0].Index;
        while (_recovered.Count > 0 && _recovered[^1].Index >= first)
            _recovered.RemoveAt(_recovered.Count - 1);
        _recovered.AddRange(advanced.Entries);
        _segments.Append(advanced.Entries, sequenceNr);
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        _log.PeerFailed(_start.RegionId, _start.Self.Id, $"event {sequenceNr} was not persisted", cause);

    /// <summary>Akka goes on after a rejection; a Raft peer that forgot what it said must not.</summary>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _log.PeerFailed(_start.RegionId, _start.Self.Id, $"event {sequenceNr} was rejected", cause);
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        _log.PeerFailed(_start.RegionId, _start.Self.Id, "its log could not be recovered", reason);

    protected override void PostStop()
    {
        _services.Router.Remove(_start.RegionId, Self);
        if (_peer is not null)
        {
            _peer.FailAll($"store {_services.StoreId} stopped the peer with the write in its log");
            Deliver(_peer.TakeOutput(Now).Replies);
        }

        if (_wasLeader)
            _services.Counters.AddLeaders(-1);
        base.PostStop();
    }

    protected override void OnCommand(object message) => Running(message);

    private void Running(object message)
    {
        switch (message)
        {
            case Pump:
                _pumping = false;
                RunOutput();
                return;
            case Submit submit:
                var now = Now;
                foreach (var request in submit.Requests)
                    _peer.Submit(request, now);
                break;
            case RaftMessage raft:
                _peer.Step(raft, Now);
                break;
            case Applier.Applied applied:
                _peer.Applied(applied.AppliedIndex, applied.Effects, Now);
                OfferSnapshots();
                break;
            case Tick tick:
                OnTick(tick);
                break;
            case Reader.SwapRead read:
                OnSwapRead(read);
                break;
            case DataSynced synced:
                _peer.DataSynced(synced.Number);
                break;
            case LogEntriesRead read:
                _peer.ProvideEntries(read.Read, read.Entries);
                break;
            case Applier.Failed failed:
                throw new PeerFailedException($"region {_start.RegionId}, peer {_start.Self.Id}: committed entries cannot be applied", failed.Cause);
            case SlowWorker.Failed failed:
                throw new PeerFailedException($"region {_start.RegionId}, peer {_start.Self.Id}: {failed.What}", failed.Cause);
            case GetStatus:
                Sender.Tell(StatusNow());
                return;
            case Stop:
                Context.Stop(Self);
                return;
            default:
                if (!OnTruncation(message) && !OnSnapshotMessage(message) && !OnPdMessage(message))
                    Unhandled(message);
                break;
        }

        PumpLater();
    }

    private void PumpLater()
    {
        if (_pumping || !_peer.HasOutput)
            return;
        _pumping = true;
        Self.Tell(Pump.Instance);
    }

    private void RunOutput()
    {
        if (!_peer.HasOutput)
            return;
        var output = _peer.TakeOutput(Now);
        if (output.Persist is { } advanced)
            PersistAsync(advanced, _onPersisted);
        Send(output.Messages);
        if (output.Apply.Count > 0)
            _applier.Tell(new Applier.Apply(_start.RegionId, output.Apply));
        if (output.Reads.Count > 0 || output.CompareAndSwapReads.Count > 0)
            Read(output);
        foreach (var split in output.Splits)
            OnSplit(split);
        Deliver(output.Replies);
        foreach (var read in output.LogReads)
            ReadLog(read);
        foreach (var request in output.SnapshotRequests)
            _services.SnapshotSource.Tell(new SnapshotSource.Make(_start.RegionId, request.To, request.MinIndex));
        if (output.PullSnapshot is { } announcement)
            PullSnapshot(announcement);
        if (output.SyncData is { } sync)
            SyncData(sync);
        if (output.Truncate is { } truncate)
            Truncate(truncate);
        foreach (var split in output.SplitIdsWanted)
            AskForSplitIds(split);
        if (_wasLeader != _peer.IsLeader)
            OnRoleChange();
        if (output.ReportToPd)
            ReportToPd();
        if (output.Install is { } install)
            BeginInstall(install);
        if (output.Destroy)
            BeginDestroy();
        else
            PumpLater();
    }

    private void OnPersisted(RaftAdvanced advanced)
    {
        _peer.Persisted(LastSequenceNr, Now);
        PumpLater();
    }

    private void Send(List<RaftMessage> messages)
    {
        foreach (var message in messages)
        {
            if (_services.Links.TryGetValue(message.ToPeer.StoreId, out var link))
                link.Tell(message);
            else
                _services.Store.Tell(new Store.LinkWanted(message.ToPeer.StoreId));
        }
    }

    private void Deliver(List<PeerReply> replies)
    {
        var acknowledged = 0;
        foreach (var reply in replies)
        {
            reply.Deliver();
            if (reply is { Error: null, Result: not ReadFailure })
                acknowledged += reply.Request switch { WriteRequest write => write.Mutations.Count, CompareAndSwapRequest => 1, _ => 0 };
        }

        if (acknowledged > 0)
            _services.Counters.AddAcknowledgedWrites(acknowledged);
    }

    /// <summary>
    /// One snapshot for all: taken here, where the reads were found to be linearizable, and before this actor could destroy or replace the data.
    /// </summary>
    private void Read(PeerOutput output)
    {
        var points = new List<ReadTask>(output.Reads.Count);
        var scans = 0;
        foreach (var task in output.Reads)
        {
            if (task.Request.IsScan)
                scans++;
            else
                points.Add(task);
        }

        var users = scans + (points.Count > 0 ? 1 : 0) + output.CompareAndSwapReads.Count;
        var snapshot = new SharedSnapshot(_services.Engines.Data.NewSnapshot(), users, _services.Snapshots);
        if (points.Count > 0)
            _services.Readers.ForPoint().Tell(new Reader.Read(snapshot, points));
        foreach (var swap in output.CompareAndSwapReads)
            _services.Readers.ForPoint().Tell(new Reader.ReadForSwap(snapshot, swap, Self));
        if (scans == 0)
            return;
        foreach (var task in output.Reads)
        {
            if (task.Request.IsScan)
                _services.Readers.ForScan().Tell(new Reader.Read(snapshot, [task]));
        }
    }

    private void OnSwapRead(Reader.SwapRead read)
    {
        if (read.Failure is { } failure)
            _peer.CompareAndSwapFailed(read.Request, $"region {_start.RegionId} could not be read: {failure.Message}");
        else
            _peer.CompareAndSwapRead(read.Request, read.Current);
    }

    /// <summary>Ticks that queued up behind a pause count once (invariant 5).</summary>
    private void OnTick(Tick tick)
    {
        var interval = _services.Settings.Store.TickInterval;
        var now = Now;
        if (now - _lastTick < interval / 2)
            return;
        _lastTick = now;
        _peer.Tick(now);
        if (_peer.IsLeader && now - _lastReport >= _services.Settings.Store.RegionHeartbeatInterval)
            ReportToPd();
        ExpireSplits(now);
    }

    /// <summary>Old entries for a follower that lags: read on a worker's thread, by the journal's own interface.</summary>
    private void ReadLog(LogReadTask task)
    {
        var (storage, id) = (_services.Storage, PersistenceId);
        _services.SlowWorker.Tell(new SlowWorker.Run($"reading entries {task.Read.FirstIndex} to {task.Read.LastIndex}", () =>
        {
            var entries = new List<Entry>();
            foreach (var stored in storage.ReadEvents(id, task.FromSequenceNr, task.ToSequenceNr, task.Read.MaxBytes))
                Append(entries, ((RaftAdvanced)stored.Event).Entries, task.Read);
            return new LogEntriesRead(task.Read, entries);
        }));
    }

    /// <summary>Later events overwrite: what is there from the event's first index on goes.</summary>
    private static void Append(List<Entry> entries, IReadOnlyList<Entry> added, Raft.LogRead wanted)
    {
        if (added.Count == 0)
            return;
        while (entries.Count > 0 && entries[^1].Index >= added[0].Index)
            entries.RemoveAt(entries.Count - 1);
        entries.AddRange(added.Where(e => e.Index >= wanted.FirstIndex && e.Index <= wanted.LastIndex));
    }

    private Status StatusNow() => new(
        _peer.Region, _peer.Self, _peer.Leader, _peer.Term, _peer.AppliedIndex, _peer.CommittedIndex, _peer.LastIndex, _peer.TruncatedIndex, _peer.LogBytes, _peer.State);
}

/// <summary>The peer cannot go on. Its store starts another incarnation, after a pause.</summary>
internal sealed class PeerFailedException(string message, Exception? cause = null) : Exception(message, cause);
