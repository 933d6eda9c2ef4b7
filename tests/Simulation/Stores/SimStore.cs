using Akka.Event;
using TiKvActors.Actors;
using TiKvActors.Actors.Gateway;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;

namespace TiKvActors.Simulation.Stores;

/// <summary>
/// One store: the deciding code of src/Actors on models of both engines, in virtual time. What is an actor there is a <see cref="Mailbox"/>
/// here.
/// <code>
/// Down -> Loading -> Serving (-> paused -> Serving) -> Down
/// </code>
/// </summary>
internal sealed partial class SimStore : IStoreHost<SimPeer>
{
    private readonly List<Mailbox> _mailboxes = [];
    private readonly Dictionary<ulong, SimPeer> _router = [];
    private readonly double _clockRate;
    private StorePeers<SimPeer>? _peers;
    private List<(EntryApplier<SimPeer> Applier, Mailbox Mailbox)> _appliers = [];
    private HibernatedPeers<SimPeer> _hibernated = null!;
    private SnapshotOffers<SimPeer> _offers = null!;
    private SnapshotPulls<SimPeer, SimReceiver> _pulls = null!;
    private Mailbox _mailbox = null!;
    private Mailbox _slow = null!;
    private Mailbox _syncer = null!;
    private Mailbox _source = null!;
    private Mailbox _points = null!;
    private Mailbox _scans = null!;
    private Mailbox _gateway = null!;
    private RequestFactory _factory = null!;
    private readonly HashSet<ulong> _handingOver = [];
    private Action _handedOver = () => { };
    private TimeSpan _heldUntil;

    // Before, nothing is taken from other stores and clients.
    private bool _isServing;

    public SimStore(StoreCluster cluster, ulong id)
    {
        (Cluster, Id) = (cluster, id);
        // Any two rates keep the drift bound; the extremes are the interesting ones.
        var spread = 1 / (1 - cluster.Raft.ClockDriftBound) - 1;
        _clockRate = 1 + spread * World.Pick([0.0, 0.999, World.Random.NextDouble()]);
        FailPoints.SetAny(name => cluster.Hits.Hit(this, name));
    }

    public StoreCluster Cluster { get; }

    public ulong Id { get; }

    public World World => Cluster.World;

    public int Incarnation { get; private set; }

    public bool IsUp { get; private set; }

    public bool IsPaused { get; private set; }

    /// <summary>Its machine is: who would start it again after an earlier fault does not.</summary>
    public bool IsGone { get; set; }

    public FailPoints FailPoints { get; } = new();

    public DataDisk Data { get; } = new();

    public JournalDisk JournalDisk { get; } = new();

    public SimEngine Engine { get; private set; } = null!;

    public SimJournal Journal { get; private set; } = null!;

    public RegionRanges Ranges { get; private set; } = new();

    public StoreCounters Counters { get; private set; } = new();

    public MonotonicClock Clock { get; private set; } = null!;

    public TimeSpan Now => Clock.Now;

    public ILoggingAdapter Log => NoLogger.Instance;

    /// <summary>Empty while the store is down.</summary>
    public IEnumerable<SimPeer> Peers => _peers?.Peers ?? [];

    public bool IsPulling => _pulls.Receivers.Any();

    /// <summary>Factors for the time that disks take.</summary>
    public double DiskSlowness { get; set; } = 1;

    public double ApplierSlowness { get; set; } = 1;

    public TimeSpan DiskLatency => World.Between(TimeSpan.Zero, Cluster.Timeout / 40) * DiskSlowness;

    /// <summary>When something that is done now leaves the process.</summary>
    public TimeSpan DepartsIn => _heldUntil > World.Now ? _heldUntil - World.Now : TimeSpan.Zero;

    // ---- life

    public void Start()
    {
        if (IsUp || IsGone) return;
        Incarnation++;
        IsUp = true;
        _isServing = false;
        _heldUntil = TimeSpan.Zero;
        // What RocksDB finds in its log when it is opened it writes to table files, durably.
        Data.Sync();
        Clock = new MonotonicClock(new SimTime(World, _clockRate));
        Engine = new SimEngine(Data, FailPoints, Cluster.ChunkBytes, Cluster.Checker.Check)
        {
            Written = (regions, rows) => Cluster.Checker.ObserveWritten(this, regions, rows),
        };
        Ranges = new RegionRanges();
        Counters = new StoreCounters();
        _mailbox = NewMailbox();
        _slow = NewMailbox(() => 10 * DiskSlowness);
        _syncer = NewMailbox(() => 10 * DiskSlowness);
        _source = NewMailbox();
        _points = NewMailbox(() => 2);
        _scans = NewMailbox(() => 10);
        _gateway = NewMailbox();
        _factory = new RequestFactory(Clock);
        Journal = new SimJournal(this, JournalDisk);
        _appliers = [.. Enumerable.Range(0, 2).Select(_ => NewApplier())];
        _offers = new SnapshotOffers<SimPeer>(
            Engine, Cluster.Snapshots.ChunkTimeout, StoreCluster.ClusterId, Id, (peer, message) => peer.Post(message), Log);
        _pulls = new SnapshotPulls<SimPeer, SimReceiver>(
            Cluster.Snapshots.MaxReceiving,
            (peer, announcement) => new SimReceiver(this, peer, announcement),
            receiver => receiver.StopNow(),
            (peer, failed) => peer.Post(failed));
        _peers = new StorePeers<SimPeer>(this, Engine, Ranges, Cluster.Settings, Id);
        _hibernated = new HibernatedPeers<SimPeer>(
            Cluster.Timeout, Cluster.Settings.HibernateCheckInterval, new Random(World.Random.Next()), Wake,
            to => Cluster.Network.SendRaft(this, to, []));
        if (World.IsTracing) World.Trace($"store {Id} starts");
        var engine = Engine;
        Slow(() => PeerStates.ReadAll(engine, Id), OrReopen(Loaded));
    }

    private (EntryApplier<SimPeer> Applier, Mailbox Mailbox) NewApplier()
    {
        var mailbox = NewMailbox(() => 4 * ApplierSlowness);
        EntryApplier<SimPeer> applier = null!;
        applier = new EntryApplier<SimPeer>(
            Engine, Cluster.ApplyBatchBytes, (peer, message) => peer.Post(message), () => mailbox.Post(() => applier.Write()), Log);
        return (applier, mailbox);
    }

    private void Loaded(object states)
    {
        _peers!.Load((StoreStates)states);
        _isServing = true;
        ScheduleTick();
        ScheduleDropIdle();
        if (Cluster.FirstRegion.Peers.FirstOrDefault(p => p.StoreId == Id) is not { } self) return;
        var engine = Engine;
        Slow(() => new FirstPeer(PeerStates.WriteFirst(engine, Cluster.FirstRegion, self)), OrReopen(first =>
        {
            if (((FirstPeer)first).Start is { } start && !_peers!.Has(start.RegionId)) _peers.Start(start);
        }));
    }

    /// <summary>A store whose disk errs stops, and its node opens the engines anew.</summary>
    private Action<object> OrReopen(Action<object> then) => result =>
    {
        if (result is not SlowWorker.Failed)
        {
            then(result);
            return;
        }

        Crash(powerFails: false);
        Outside(Cluster.Settings.EngineRestartBackoff, Start);
    };

    private sealed record FirstPeer(PeerStart? Start);

    /// <param name="powerFails">Else only the process ends.</param>
    public void Crash(bool powerFails)
    {
        if (!IsUp) return;
        if (World.IsTracing) World.Trace($"store {Id} {(powerFails ? "loses power" : "is killed")}");
        IsUp = IsPaused = false;
        Engine.IsClosed = true;
        Journal.Crash();
        Incarnation++;
        if (powerFails) Data.LosePower(World);
        else Data.Kill();
        _peers = null;
        _router.Clear();
        _mailboxes.Clear();
        Cluster.Checker.ObserveCrash(this);
    }

    /// <summary>The process does nothing until <see cref="Resume"/>; its clock goes on. What arrives waits.</summary>
    /// <param name="midStep">What it is doing now leaves only after the pause.</param>
    public void Pause(TimeSpan length, bool midStep)
    {
        if (!IsUp || IsPaused) return;
        if (World.IsTracing) World.Trace($"store {Id} pauses for {length.TotalMilliseconds:F0} ms");
        IsPaused = true;
        if (midStep) _heldUntil = World.Now + length;
        Outside(length, Resume);
    }

    public void Resume()
    {
        if (!IsPaused) return;
        IsPaused = false;
        foreach (var mailbox in _mailboxes) mailbox.Wake();
    }

    // ---- time and mailboxes

    public Mailbox NewMailbox(Func<double>? slowness = null)
    {
        var mailbox = new Mailbox(this, Cluster.Timeout / 800) { Slowness = slowness ?? (() => 1) };
        _mailboxes.RemoveAll(m => m.IsClosed);
        _mailboxes.Add(mailbox);
        return mailbox;
    }

    /// <summary>Outside of the process (the disk, a timer): happens also while it is paused, but not after a crash.</summary>
    public void Outside(TimeSpan delay, Action action)
    {
        var incarnation = Incarnation;
        World.After(delay, () =>
        {
            if (incarnation == Incarnation) action();
        });
    }

    /// <summary>Inside of the process: a crash in the middle of it ends it.</summary>
    public void Perform(Action work)
    {
        try
        {
            work();
        }
        catch (CrashException)
        {
            // The process is gone, and with it whatever the work had still to do.
        }
    }

    /// <summary>A job of the slow worker; what it returns is handled by the store.</summary>
    private void Slow(Func<object> work, Action<object> then) => RunSlow(_slow, work, result => _mailbox.Post(() => then(result)));

    public void RunSlow(Func<object> work, Action<object> then, string what) => RunSlow(_slow, work, then, what);

    public void RunSync(Func<object> work, Action<object> then, string what) => RunSlow(_syncer, work, then, what);

    private void RunSlow(Mailbox worker, Func<object> work, Action<object> then, string what = "") => worker.Post(() =>
    {
        object result;
        try
        {
            result = work();
        }
        catch (Exception e) when (e is not CrashException)
        {
            result = new SlowWorker.Failed(what, e);
        }

        then(result);
    });

    private void ScheduleTick()
    {
        var interval = Cluster.Settings.TickInterval / _clockRate;
        Outside(World.Between(interval, interval * 1.1), () =>
        {
            _mailbox.Post(() =>
            {
                foreach (var peer in _router.Values.Where(p => !_hibernated.Has(p))) peer.Post(RegionPeer.Tick.Instance);
                _hibernated.Tick(Now);
            });
            ScheduleTick();
        });
    }

    private void ScheduleDropIdle() => Outside(Cluster.Snapshots.ChunkTimeout / 2, () =>
    {
        _source.Post(() => _offers.DropIdle(Now));
        ScheduleDropIdle();
    });

    // ---- the table of peers

    SimPeer IStoreHost<SimPeer>.Start(PeerStart start)
    {
        Cluster.Checker.ObserveStart(this, start);
        return new SimPeer(this, start);
    }

    void IStoreHost<SimPeer>.Stop(SimPeer peer) => peer.Post(RegionPeer.Stop.Instance);

    void IStoreHost<SimPeer>.Deliver(SimPeer peer, RaftMessage message) => peer.Post(message);

    void IStoreHost<SimPeer>.UnregisterApplier(ulong regionId) =>
        Unregister(regionId, _ => _mailbox.Post(() => _peers!.Unregistered(regionId)));

    void IStoreHost<SimPeer>.ReadStateOfFailed(ulong regionId, IReadOnlySet<ulong> known)
    {
        var engine = Engine;
        Slow(() => PeerStates.OfFailed(engine, Id, regionId, known), OrReopen(read => _peers!.StateRead((FailedPeerState)read)));
    }

    void IStoreHost<SimPeer>.RestartLater(PeerStart start, TimeSpan backoff) =>
        Outside(backoff, () => _mailbox.Post(() => _peers!.Restart(start)));

    public void OnStopped(SimPeer peer)
    {
        if (_router.GetValueOrDefault(peer.RegionId) == peer) _router.Remove(peer.RegionId);
        _mailbox.Post(() =>
        {
            _pulls.PeerStopped(peer);
            _hibernated.Woke(peer);
            _peers!.Stopped(peer);
        });
    }

    // ---- hibernation

    /// <summary>What a peer said before it stopped comes after that is known, as it can in Akka.</summary>
    public void OnSlept(SimPeer peer, Hibernation hibernation) => _mailbox.Post(() =>
    {
        if (_peers!.Find(hibernation.RegionId) == peer) _hibernated.Slept(peer, hibernation, Now);
    });

    public void OnWoke(SimPeer peer) => _mailbox.Post(() => _hibernated.Woke(peer));

    private void Wake(SimPeer peer, WakeReason reason, ulong lostStoreId)
    {
        World.Coverage.Count($"hibernation: waking for {reason}");
        peer.Post(new RegionPeer.WakeUp(lostStoreId));
    }

    /// <summary>The cluster misses that store.</summary>
    public void Miss(ulong storeId) => _mailbox.Post(() => _hibernated.Lost(storeId, WakeReason.Membership));

    /// <summary>Every peer that serves hands its leadership over; then, or after a while, the process ends in order.</summary>
    public void StopInOrder(TimeSpan patience, Action stopped)
    {
        _handingOver.Clear();
        void End()
        {
            World.Coverage.Count(_handingOver.Count == 0 ? "hand-overs done" : "hand-overs given up");
            Crash(powerFails: false);
            stopped();
        }

        var incarnation = Incarnation;
        _handedOver = () =>
        {
            if (_handingOver.Count == 0 && incarnation == Incarnation) End();
        };
        Outside(patience, End);
        foreach (var (regionId, peer) in _router.OrderBy(p => p.Key))
        {
            _handingOver.Add(regionId);
            peer.Post(RegionPeer.HandOver.Instance);
        }
    }

    public void OnHandedOver(ulong regionId)
    {
        if (_handingOver.Remove(regionId)) _mailbox.Post(() => _handedOver());
    }

    public void OnServing(SimPeer peer) => _router[peer.RegionId] = peer;

    public void OnCreated(IReadOnlyList<Protocol.Metapb.Region> regions, bool campaign) =>
        _mailbox.Post(() => _peers!.StartCreated(regions, campaign));

    public void OnDestroyed(ulong regionId, ulong peerId, Protocol.Metapb.Region tombstone) =>
        _mailbox.Post(() => _peers!.Destroyed(regionId, peerId, tombstone));

    // ---- appliers and readers

    private (EntryApplier<SimPeer> Applier, Mailbox Mailbox) ApplierOf(ulong regionId) =>
        _appliers[(int)(regionId % (ulong)_appliers.Count)];

    public void Register(SimPeer peer, RegionApplier applier)
    {
        var (at, mailbox) = ApplierOf(peer.RegionId);
        mailbox.Post(() => at.Register(peer, applier));
    }

    public void Unregister(ulong regionId, Action<object> then)
    {
        var (at, mailbox) = ApplierOf(regionId);
        mailbox.Post(() =>
        {
            at.Unregister(regionId);
            then(new Applier.Unregistered(regionId));
        });
    }

    public void Apply(ulong regionId, IReadOnlyList<Protocol.Eraftpb.Entry> entries)
    {
        var (at, mailbox) = ApplierOf(regionId);
        mailbox.Post(() => at.Apply(regionId, entries));
    }

    public void Read(SimPeer peer, IReadOnlyList<ReadTask> reads, IReadOnlyList<CompareAndSwapRequest> swaps)
    {
        var snapshot = Engine.NewSnapshot();
        foreach (var task in reads) (task.Request.IsScan ? _scans : _points).Post(() => Reader.Execute(task, snapshot, Clock, Log));
        foreach (var swap in swaps) _points.Post(() => peer.Post(Reader.Execute(swap, snapshot, Clock, Cluster.Mode, Log)));
    }

    // ---- other stores

    public void Send(IReadOnlyList<RaftMessage> messages)
    {
        foreach (var link in messages.GroupBy(m => m.ToPeer.StoreId)) Cluster.Network.SendRaft(this, link.Key, [.. link]);
    }

    /// <param name="incarnation">Of the sender.</param>
    public void OnRaftBatch(ulong from, ulong incarnation, List<RaftMessage> batch)
    {
        _mailbox.Post(() =>
        {
            if (!_isServing) return;
            _hibernated.Heard(from, incarnation, Now);
            foreach (var message in batch) _peers!.Deliver(message);
        });
    }

    public void MakeSnapshot(SimPeer peer, Raft.SnapshotRequest request) =>
        _source.Post(() => _offers.Make(peer.RegionId, request.To, request.MinIndex, peer, Now));

    /// <param name="incarnation">Of the receiver's store.</param>
    public void OnChunkRequest(SnapshotChunkRequest request, SimReceiver receiver, int incarnation) => _source.Post(() =>
    {
        if (!_isServing) return;
        var response = _offers.Serve(request, Now);
        Cluster.Network.Send(this, receiver.Store.Id, to =>
        {
            if (to.Incarnation == incarnation) receiver.Post(response);
        });
    });

    public void PullSnapshot(SimPeer peer, RaftMessage announcement) => _mailbox.Post(() => _pulls.Pull(peer, announcement));

    public void OnReceiverStopped(SimReceiver receiver) => _mailbox.Post(() => _pulls.ReceiverStopped(receiver));

    // ---- clients

    /// <summary>What the gateway does with a request that names its region.</summary>
    public void Handle(IRegionRequest message, Func<TimeSpan, RequestScope> scope) => _gateway.Post(() =>
    {
        if (!_isServing) return;
        var (request, refusal) = _factory.Create(message, Now + Cluster.Timeout * 4, scope(DepartsIn));
        World.Check(request is not null, () => $"the gateway refuses {message}: {refusal}");
        Submit(message.Context.RegionId, request!);
    });

    public void Handle(ulong regionId, RegionRequest request) => _gateway.Post(() =>
    {
        if (_isServing) Submit(regionId, request);
    });

    private void Submit(ulong regionId, RegionRequest request)
    {
        if (_router.TryGetValue(regionId, out var peer)) peer.Post(new RegionPeer.Submit([request]));
        else request.Fail(RegionErrors.RegionNotFound(regionId));
    }

    public SimPeer? PeerOf(ulong regionId) => _peers?.Find(regionId);
}

/// <summary>The process ends here and now; whoever catches it is dead already.</summary>
internal sealed class CrashException : Exception;

/// <summary>A disk that errs, or a handler that throws: on purpose.</summary>
internal sealed class SimulatedFaultException(string where) : IOException($"simulated fault at {where}");

/// <summary>Virtual time as a store's clocks show it.</summary>
internal sealed class SimTime(World world, double rate) : TimeProvider
{
    private static readonly DateTimeOffset Begin = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => (world.Now * rate).Ticks;

    public override DateTimeOffset GetUtcNow() => Begin + world.Now;
}
