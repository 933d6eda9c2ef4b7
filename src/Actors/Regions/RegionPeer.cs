using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// One replica as an actor: it performs what <see cref="PeerShell"/> wants done, with the journal, the store's actors and the network. It
/// decides nothing. Its supervisor stops it on any failure; the store decides about a new incarnation.
/// </summary>
internal sealed class RegionPeer : UntypedPersistentActor, IPeerHost
{
    /// <summary>Requests of clients, all for this region.</summary>
    public sealed record Submit(IReadOnlyList<RegionRequest> Requests)
    {
        /// <summary>See <see cref="Regions.Peer.DiskFull"/>.</summary>
        public string? DiskFull { get; init; }
    }

    /// <summary>An interval of the store has passed. A peer that was held up answers one of many.</summary>
    public sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    /// <summary>To a peer that hibernates.</summary>
    /// <param name="LostStoreId">0 unless the store has lost one with another peer of the region.</param>
    public sealed record WakeUp(ulong LostStoreId);

    /// <summary>The store closes: nobody is left waiting, then the peer stops.</summary>
    public sealed class Stop
    {
        public static readonly Stop Instance = new();
    }

    /// <summary>
    /// The store is about to stop in order. The peer tells it with <see cref="PeerSupervisor.PeerHandedOver"/> when it leads no more.
    /// </summary>
    public sealed class HandOver
    {
        public static readonly HandOver Instance = new();
    }

    /// <summary>To whoever asks with <see cref="GetStatus"/>.</summary>
    public sealed record Status(
        Region Region,
        MetaPeer Self,
        MetaPeer? Leader,
        ulong Term,
        ulong AppliedIndex,
        ulong CommittedIndex,
        ulong LastIndex,
        ulong TruncatedIndex,
        long LogBytes,
        PeerState State)
    {
        /// <summary>Writes and swaps that were accepted and not answered.</summary>
        public int PendingWrites { get; init; }

        public long PendingWriteBytes { get; init; }

        /// <summary>Reads that wait for a read index, or for its application.</summary>
        public int PendingReads { get; init; }

        public bool IsAsleep { get; init; }

        /// <summary>Empty unless it leads.</summary>
        public IReadOnlyList<FollowerStatus> Followers { get; init; } = [];
    }

    /// <summary>PD does not know the region as it is.</summary>
    public sealed class ReportToPd
    {
        public static readonly ReportToPd Instance = new();
    }

    public sealed class GetStatus
    {
        public static readonly GetStatus Instance = new();
    }

    // Behind everything that is in the mailbox already.
    private sealed class Pump
    {
        public static readonly Pump Instance = new();
    }

    private sealed class JournalPurged
    {
        public static readonly JournalPurged Instance = new();
    }

    private readonly StoreServices _services;
    private readonly PeerStart _start;
    private readonly IActorRef _applier;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Action<RaftAdvanced> _onPersisted;
    private readonly PeerShell _shell;

    public RegionPeer(StoreServices services, PeerStart start)
    {
        _services = services;
        _start = start;
        _applier = services.ApplierOf(start.RegionId);
        PersistenceId = PeerShell.PersistenceIdOf(start.RegionId, start.Self.Id);
        _shell = new PeerShell(this, start);
        _onPersisted = _ => _shell.Persisted(LastSequenceNr);
    }

    public override string PersistenceId { get; }

    public static Props Props(StoreServices services, PeerStart start) =>
        Akka.Actor.Props.Create(() => new RegionPeer(services, start)).WithDispatcher("tikv.dispatchers.region");

    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer { Snapshot: RaftTruncated truncated }:
                _shell.Recover(truncated);
                break;
            case RaftAdvanced advanced:
                _shell.Recover(advanced, LastSequenceNr);
                break;
            case RecoveryCompleted:
                _shell.Start();
                break;
        }
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
        _shell.Stopped();
        base.PostStop();
    }

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case Pump:
                _shell.Pump();
                break;
            case GetStatus:
                if (_shell.Status is { } status)
                    Sender.Tell(status);
                break;
            case JournalPurged:
                _shell.JournalPurged();
                break;
            case SaveSnapshotSuccess saved:
                _shell.SnapshotSaved(saved.Metadata.SequenceNr, null);
                break;
            case SaveSnapshotFailure failure:
                _shell.SnapshotSaved(failure.Metadata.SequenceNr, failure.Cause);
                break;
            case DeleteMessagesSuccess deleted:
                _shell.EventsDeleted(deleted.ToSequenceNr, null);
                break;
            case DeleteMessagesFailure failure:
                _shell.EventsDeleted(failure.ToSequenceNr, failure.Cause);
                break;
            case DeleteSnapshotsSuccess or DeleteSnapshotsFailure:
                break;
            default:
                if (!_shell.Receive(message))
                    Unhandled(message);
                break;
        }
    }

    // ---- what the shell wants done

    TimeSpan IPeerHost.Now => _services.Clock.Now;

    /// <summary>Peers of a store draw different election timeouts.</summary>
    Random IPeerHost.NewRandom() =>
        new(HashCode.Combine(_start.RegionId, _start.Self.Id, _services.StoreId, _services.Clock.UnixMilliseconds));

    PeerConfig IPeerHost.Config => _services.PeerConfig;

    StoreSettings IPeerHost.Settings => _services.Settings.Store;

    SnapshotSettings IPeerHost.SnapshotSettings => _services.Settings.Snapshot;

    ulong IPeerHost.ClusterId => _services.ClusterId;

    IDataEngine IPeerHost.Engine => _services.Engines.Data;

    RegionRanges IPeerHost.Ranges => _services.Ranges;

    StoreCounters IPeerHost.Counters => _services.Counters;

    ILoggingAdapter IPeerHost.Log => _log;

    void IPeerHost.Persist(RaftAdvanced advanced) => PersistAsync(advanced, _onPersisted);

    /// <summary>
    /// With metadata of its own: <see cref="Eventsourced.SaveSnapshot"/> would stamp the last number handed out, and recovery would skip
    /// the entries that are kept.
    /// </summary>
    void IPeerHost.SaveSnapshot(long sequenceNr, RaftTruncated snapshot)
    {
        var metadata = new Akka.Persistence.SnapshotMetadata(
            PersistenceId, sequenceNr, new DateTime(_services.Clock.UtcTicks, DateTimeKind.Utc));
        SnapshotStore.Tell(new SaveSnapshot(metadata, snapshot), Self);
    }

    void IPeerHost.DeleteEvents(long toSequenceNr) => DeleteMessages(toSequenceNr);

    void IPeerHost.DeleteSnapshots(long toSequenceNr) => DeleteSnapshots(new SnapshotSelectionCriteria(toSequenceNr));

    void IPeerHost.PurgeJournal() => _services.Engines.Journal.PurgeAsync(PersistenceId)
        .PipeTo(Self, success: () => JournalPurged.Instance, failure: e => new SlowWorker.Failed("deleting the log of a removed peer", e));

    /// <summary>On a worker's thread, by the journal's own interface.</summary>
    void IPeerHost.ReadLog(LogReadTask task)
    {
        var (storage, id) = (_services.Storage, PersistenceId);
        _services.SlowWorker.Tell(new SlowWorker.Run($"reading entries {task.Read.FirstIndex} to {task.Read.LastIndex}", () =>
        {
            var events = storage.ReadEvents(id, task.FromSequenceNr, task.ToSequenceNr, task.Read.MaxBytes)
                .Select(e => (RaftAdvanced)e.Event);
            return new PeerShell.LogEntriesRead(task.Read, PeerShell.ReadEntries(events, task.Read));
        }));
    }

    void IPeerHost.RegisterApplier(RegionApplier applier) => _applier.Tell(new Applier.Register(Self, applier));

    void IPeerHost.UnregisterApplier() => _applier.Tell(new Applier.Unregister(_start.RegionId));

    void IPeerHost.Apply(IReadOnlyList<Entry> entries)
    {
        _services.Queues.Applying.Enter(entries.Count);
        _applier.Tell(new Applier.Apply(_start.RegionId, entries));
    }

    /// <summary>
    /// One snapshot for all: taken here, where the reads were found to be linearizable, and before this actor could destroy or replace the
    /// data.
    /// </summary>
    void IPeerHost.Read(IReadOnlyList<ReadTask> reads, IReadOnlyList<CompareAndSwapRequest> swaps)
    {
        _services.Queues.Reading.Enter(reads.Count + swaps.Count);
        var points = new List<ReadTask>(reads.Count);
        var scans = 0;
        foreach (var task in reads)
        {
            if (task.Request.IsScan)
                scans++;
            else
                points.Add(task);
        }

        var users = scans + (points.Count > 0 ? 1 : 0) + swaps.Count;
        var snapshot = new SharedSnapshot(_services.Engines.Data.NewSnapshot(), users, _services.Snapshots);
        if (points.Count > 0)
            _services.Readers.ForPoint().Tell(new Reader.Read(snapshot, points, Self));
        foreach (var swap in swaps)
            _services.Readers.ForPoint().Tell(new Reader.ReadForSwap(snapshot, swap, Self));
        if (scans == 0)
            return;
        foreach (var task in reads)
        {
            if (task.Request.IsScan)
                _services.Readers.ForScan().Tell(new Reader.Read(snapshot, [task], Self));
        }
    }

    void IPeerHost.RunSlow(string what, Func<object> work) => _services.SlowWorker.Tell(new SlowWorker.Run(what, work));

    void IPeerHost.RunSync(string what, Func<object> work) => _services.Syncer.Tell(new SlowWorker.Run(what, work));

    void IPeerHost.Send(IReadOnlyList<RaftMessage> messages)
    {
        foreach (var message in messages)
        {
            if (_services.Links.TryGetValue(message.ToPeer.StoreId, out var link))
            {
                _services.Queues.Linking.Enter(1);
                link.Tell(message);
            }
            else
            {
                _services.Store.Tell(new Store.LinkWanted(message.ToPeer.StoreId));
            }
        }
    }

    void IPeerHost.TellPd(IMessage message) => _services.Pd.Tell(message, Self);

    void IPeerHost.Beat(RegionBeat beat) => _services.Store.Tell(new Store.Beat(beat));

    void IPeerHost.Slept(Hibernation hibernation) => _services.Store.Tell(new Store.PeerSlept(hibernation), Self);

    void IPeerHost.Woke() => _services.Store.Tell(Store.PeerWoke.Instance, Self);

    void IPeerHost.MakeSnapshot(SnapshotRequest request) =>
        _services.SnapshotSource.Tell(new SnapshotSource.Make(_start.RegionId, request.To, request.MinIndex));

    void IPeerHost.PullSnapshot(RaftMessage announcement) => _services.Store.Tell(new Store.PullSnapshot(announcement));

    void IPeerHost.RegionsCreated(IReadOnlyList<Region> regions, bool campaign) =>
        _services.Store.Tell(new Store.RegionsCreated(regions, campaign));

    void IPeerHost.PeerDestroyed(Region tombstone) =>
        _services.Store.Tell(new Store.PeerDestroyed(_start.RegionId, _start.Self.Id, tombstone));

    void IPeerHost.HandedOver() => _services.Store.Tell(new PeerSupervisor.PeerHandedOver(_start.RegionId), Self);

    void IPeerHost.Serve() => _services.Router.Add(_start.RegionId, Self);

    void IPeerHost.PumpLater() => Self.Tell(Pump.Instance);

    void IPeerHost.Stop() => Context.Stop(Self);
}
