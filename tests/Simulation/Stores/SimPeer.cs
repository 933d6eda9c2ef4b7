using Akka.Event;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Simulation.Stores;

/// <summary>
/// One incarnation of a peer: the host of the real <see cref="PeerShell"/>, as <see cref="RegionPeer"/> is in the product.
/// </summary>
internal sealed class SimPeer : IPeerHost
{
    private readonly SimStore _store;
    private readonly Mailbox _mailbox;
    private readonly List<Action> _stash = [];
    private readonly string _persistenceId;
    private bool _isRecovered;

    // Durably; until the next incarnation, which has everything to say again.
    private bool _isPurged;

    public SimPeer(SimStore store, PeerStart start)
    {
        (_store, Start) = (store, start);
        _mailbox = store.NewMailbox();
        _persistenceId = PeerShell.PersistenceIdOf(start.RegionId, start.Self.Id);
        Shell = new PeerShell(this, start);
        if (World.IsTracing)
            World.Trace($"{Name} is started ({start.State?.State.ToString() ?? "uninitialised"}, applied {start.Apply?.AppliedIndex})");
        store.Journal.Read(disk => _mailbox.Post(() => Run(() => Recover(disk))));
    }

    public PeerStart Start { get; }

    public PeerShell Shell { get; }

    public ulong RegionId => Start.RegionId;

    public bool IsStopped => _mailbox.IsClosed;

    public string Name => $"{_store.Id}/region {RegionId}, peer {Start.Self.Id}";

    public SimStore Store => _store;

    private World World => _store.World;

    /// <summary>A message to the peer; before its recovery is over it waits.</summary>
    public void Post(object message) => Post(() =>
    {
        if (World.IsTracing && message is RaftMessage raft) World.Trace($"{Name} <- {Describe(raft)}");
        var wasAsleep = Shell.Peer is { IsAsleep: true };
        Shell.Receive(message);
        if (wasAsleep && Shell.Peer is { IsAsleep: false }) World.Coverage.Count($"hibernation: woken by {NameOf(message)}");
    });

    private static string NameOf(object message) => message switch
    {
        RegionPeer.Submit => "a request",
        RaftMessage { ExtraMsg: { } extra } => extra.Type.ToString(),
        RaftMessage { Message: { } raft } => raft.MsgType.ToString(),
        RegionPeer.WakeUp { LostStoreId: 0 } => "a check",
        RegionPeer.WakeUp => "the loss of a store",
        _ => message.GetType().Name,
    };

    private void Post(Action work)
    {
        if (_isRecovered) _mailbox.Post(() => Run(work));
        else _stash.Add(work);
    }

    private void Recover(JournalDisk disk)
    {
        if (disk.Find(_persistenceId) is { } log)
        {
            if (log.Snapshot is { } truncated) Shell.Recover(truncated);
            foreach (var (sequenceNr, advanced) in log.Replayed) Shell.Recover(advanced, sequenceNr);
            LastSequenceNr = log.Highest;
        }

        _isRecovered = true;
        foreach (var work in _stash) _mailbox.Post(() => Run(work));
        _stash.Clear();
        Shell.Start();
    }

    /// <summary>What it throws stops this peer and nothing else.</summary>
    private void Run(Action work)
    {
        try
        {
            work();
            _store.Cluster.Checker.Observe(this);
        }
        catch (Exception e) when (e is not (CrashException or ViolationException))
        {
            if (World.IsTracing) World.Trace($"{Name} fails: {e.Message}");
            _store.Cluster.Checker.ObserveFailure(this, e);
            World.Coverage.Count("peers failed");
            Stop();
        }
    }

    private void Stop()
    {
        _mailbox.Close();
        Shell.Stopped();
        _store.OnStopped(this);
    }

    public static string Describe(RaftMessage m) => m.ExtraMsg is { } extra
        ? $"region {m.RegionId}: {m.FromPeer.Id} -> {m.ToPeer.Id} {extra}"
        : m.Message is null
        ? $"region {m.RegionId}: {m.FromPeer?.Id} -> {m.ToPeer?.Id} {(m.IsTombstone ? "is gone" : "asks whether it is a member")} "
            + $"epoch {m.RegionEpoch?.Version}.{m.RegionEpoch?.ConfVer}"
        : $"region {m.RegionId}: {m.FromPeer.Id} -> {m.ToPeer.Id} {m.Message.MsgType} term {m.Message.Term} "
            + $"index {m.Message.Index}/{m.Message.LogTerm} commit {m.Message.Commit}"
            + (m.Message.Entries.Count > 0 ? $" entries {m.Message.Entries[0].Index}..{m.Message.Entries[^1].Index}" : "")
            + (m.Message.Reject ? $" rejected, hint {m.Message.RejectHint}" : "")
            + (m.Message.Snapshot is { } s ? $" snapshot {s.Metadata.Index}/{s.Metadata.Term}" : "")
            + $" epoch {m.RegionEpoch?.Version}.{m.RegionEpoch?.ConfVer}";

    // ---- what the shell wants done

    public TimeSpan Now => _store.Now;

    public Random NewRandom() => new(World.Random.Next());

    public PeerConfig Config => _store.Cluster.PeerConfigs[_store.Id];

    public StoreSettings Settings => _store.Cluster.Settings;

    public SnapshotSettings SnapshotSettings => _store.Cluster.Snapshots;

    public ulong ClusterId => StoreCluster.ClusterId;

    public IDataEngine Engine => _store.Engine;

    public RegionRanges Ranges => _store.Ranges;

    public StoreCounters Counters => _store.Counters;

    public ILoggingAdapter Log => NoLogger.Instance;

    public long LastSequenceNr { get; private set; }

    public JournalDisk.Log? DurableLog => _store.JournalDisk.Find(_persistenceId);

    public void Persist(RaftAdvanced advanced)
    {
        var sequenceNr = ++LastSequenceNr;
        // What the journal holds is what was said when it was asked.
        var copy = new RaftAdvanced { HardState = advanced.HardState.Clone(), Entries = { advanced.Entries } };
        _store.Journal.Write(disk =>
        {
            CheckNotPurged();
            var log = disk.Get(_persistenceId);
            _store.Cluster.Checker.ObservePersisted(this, log, copy);
            log.Append(sequenceNr, copy);
        }, () => Post(() => Shell.Persisted(sequenceNr)));
    }

    public void SaveSnapshot(long sequenceNr, RaftTruncated snapshot) => _store.Journal.WriteSnapshot(disk =>
    {
        CheckNotPurged();
        _store.Cluster.Checker.ObserveTruncation(this, snapshot);
        disk.Get(_persistenceId).Save(sequenceNr, snapshot.Clone());
    }, () => Post(() => Shell.SnapshotSaved(sequenceNr, null)));

    public void DeleteEvents(long toSequenceNr) => _store.Journal.Delete(
        disk => disk.Find(_persistenceId)?.DeleteEvents(toSequenceNr),
        () => Post(() => Shell.EventsDeleted(toSequenceNr, null)));

    public void DeleteSnapshots(long toSequenceNr) =>
        _store.Journal.WriteSnapshot(disk => disk.Find(_persistenceId)?.DeleteSnapshots(toSequenceNr), () => { });

    public void PurgeJournal() => _store.Journal.Purge(disk =>
    {
        _store.Cluster.Checker.ObservePurge(this);
        disk.Logs.Remove(_persistenceId);
        _isPurged = true;
    }, () => Post(() => Shell.JournalPurged()));

    private void CheckNotPurged() => _store.Cluster.Checker.Check(
        !_isPurged, () => $"{Name} has deleted its journal, and what it wrote before comes into it now: nobody will ever delete that");

    public void ReadLog(LogReadTask task) => _store.RunSlow(
        () => new PeerShell.LogEntriesRead(
            task.Read, PeerShell.ReadEntries(DurableLog?.Read(task.FromSequenceNr, task.ToSequenceNr) ?? [], task.Read)),
        Post,
        "reading entries");

    public void RegisterApplier(RegionApplier applier) => _store.Register(this, applier);

    public void UnregisterApplier() => _store.Unregister(RegionId, Post);

    public void Apply(IReadOnlyList<Entry> entries)
    {
        _store.Cluster.Checker.ObserveHandedOut(this, entries);
        _store.Apply(RegionId, entries);
    }

    public void Read(IReadOnlyList<ReadTask> reads, IReadOnlyList<CompareAndSwapRequest> swaps) => _store.Read(this, reads, swaps);

    public void RunSlow(string what, Func<object> work) => _store.RunSlow(work, Post, what);

    public void RunSync(string what, Func<object> work) => _store.RunSync(work, Post, what);

    public void Send(IReadOnlyList<RaftMessage> messages)
    {
        foreach (var message in messages)
        {
            if (World.IsTracing) World.Trace($"{Name} sends {Describe(message)}");
            _store.Cluster.Checker.ObserveSent(this, message);
        }

        _store.Send(messages);
    }

    public void TellPd(IMessage message) => _store.Cluster.Pd.Tell(this, message);

    public void Beat(RegionBeat beat) => _store.Cluster.Pd.Tell(this, beat);

    public void Slept(Hibernation hibernation)
    {
        if (World.IsTracing) World.Trace($"{Name} hibernates");
        World.Coverage.Count(hibernation.Beat is null ? "hibernation: of a follower" : "hibernation: of a leader");
        if (hibernation.Beat is not null) _store.Cluster.Checker.ObserveSlept(this);
        _store.OnSlept(this, hibernation);
    }

    public void Woke()
    {
        if (World.IsTracing) World.Trace($"{Name} is awake");
        _store.OnWoke(this);
    }

    public void MakeSnapshot(SnapshotRequest request) => _store.MakeSnapshot(this, request);

    public void PullSnapshot(RaftMessage announcement) => _store.PullSnapshot(this, announcement);

    public void RegionsCreated(IReadOnlyList<Region> regions, bool campaign) => _store.OnCreated(regions, campaign);

    public void PeerDestroyed(Region tombstone)
    {
        _store.Cluster.Checker.ObserveDestroyed(this, tombstone);
        _store.OnDestroyed(RegionId, Start.Self.Id, tombstone);
    }

    public void HandedOver() => _store.OnHandedOver(RegionId);

    public void Serve() => _store.OnServing(this);

    public void PumpLater() => Post(Shell.Pump);

    void IPeerHost.Stop() => Stop();
}
