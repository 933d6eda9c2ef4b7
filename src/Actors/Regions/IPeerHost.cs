using Akka.Event;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Raft;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// What the shell of a peer has done by others: <see cref="RegionPeer"/> with messages to actors, the simulation in virtual time. No call
/// waits, and none calls the shell; what comes of it comes later, as the call or the message to <see cref="PeerShell.Receive"/> that is
/// named with it.
/// </summary>
internal interface IPeerHost
{
    TimeSpan Now { get; }

    /// <summary>Another one for each incarnation.</summary>
    Random NewRandom();

    PeerConfig Config { get; }

    StoreSettings Settings { get; }

    SnapshotSettings SnapshotSettings { get; }

    ulong ClusterId { get; }

    IDataEngine Engine { get; }

    RegionRanges Ranges { get; }

    StoreCounters Counters { get; }

    ILoggingAdapter Log { get; }

    // ---- the journal, of this peer's id

    /// <summary>Of the last event that was handed to the journal.</summary>
    long LastSequenceNr { get; }

    /// <summary>Then <see cref="PeerShell.Persisted"/>. If it cannot be written, the peer stops without another word.</summary>
    void Persist(RaftAdvanced advanced);

    /// <summary>Then <see cref="PeerShell.SnapshotSaved"/>.</summary>
    void SaveSnapshot(long sequenceNr, RaftTruncated snapshot);

    /// <summary>Then <see cref="PeerShell.EventsDeleted"/>.</summary>
    void DeleteEvents(long toSequenceNr);

    /// <summary>Nobody waits for it: a snapshot with a higher number hides those before it.</summary>
    void DeleteSnapshots(long toSequenceNr);

    /// <summary>
    /// Nothing else is on its way to the journal. Then <see cref="PeerShell.JournalPurged"/> or <see cref="SlowWorker.Failed"/>.
    /// </summary>
    void PurgeJournal();

    /// <summary>Then <see cref="PeerShell.LogEntriesRead"/> or <see cref="SlowWorker.Failed"/>.</summary>
    void ReadLog(LogReadTask task);

    // ---- appliers and readers

    void RegisterApplier(RegionApplier applier);

    /// <summary>Then <see cref="Applier.Unregistered"/>, behind everything that the appliers still have to say.</summary>
    void UnregisterApplier();

    /// <summary>Then <see cref="Applier.Applied"/> or <see cref="Applier.Failed"/>.</summary>
    void Apply(IReadOnlyList<Entry> entries);

    /// <summary>
    /// Takes a snapshot of the data engine now; answers the reads from it, and the swaps by <see cref="Reader.SwapRead"/>.
    /// </summary>
    void Read(IReadOnlyList<ReadTask> reads, IReadOnlyList<CompareAndSwapRequest> swaps);

    /// <summary>
    /// Installations, destructions: one job of the store after the other. Then what the work returns, or <see cref="SlowWorker.Failed"/>.
    /// </summary>
    void RunSlow(string what, Func<object> work);

    /// <summary>
    /// Syncs of the data engine, which wait for nothing else. Then what the work returns, or <see cref="SlowWorker.Failed"/>.
    /// </summary>
    void RunSync(string what, Func<object> work);

    // ---- others

    void Send(IReadOnlyList<RaftMessage> messages);

    void TellPd(IMessage message);

    /// <summary>
    /// With those of the store's other regions. Then, if there is anything to do, <see cref="RegionHeartbeatResponse"/> or
    /// <see cref="RegionPeer.ReportToPd"/>.
    /// </summary>
    void Beat(RegionBeat beat);

    /// <summary>The peer needs no ticks until <see cref="Woke"/>. Then <see cref="RegionPeer.WakeUp"/> when it may have missed something.</summary>
    void Slept(Hibernation hibernation);

    void Woke();

    /// <summary>Then <see cref="SnapshotSource.Made"/>, and <see cref="SnapshotSource.Delivered"/> when it is dropped.</summary>
    void MakeSnapshot(SnapshotRequest request);

    /// <summary>Then <see cref="SnapshotReceiver.Staged"/> or <see cref="SnapshotReceiver.Failed"/>.</summary>
    void PullSnapshot(RaftMessage announcement);

    void RegionsCreated(IReadOnlyList<Region> regions, bool campaign);

    void PeerDestroyed(Region tombstone);

    /// <summary>The answer to <see cref="RegionPeer.HandOver"/>.</summary>
    void HandedOver();

    /// <summary>Requests may come from now on.</summary>
    void Serve();

    /// <summary>Then <see cref="PeerShell.Pump"/>, behind everything that waits already.</summary>
    void PumpLater();

    void Stop();
}
