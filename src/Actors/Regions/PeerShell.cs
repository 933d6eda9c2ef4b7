using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;
using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Regions;

/// <summary>
/// Everything around one <see cref="Peer"/> that decides in which order things happen: messages in; one <see cref="PeerOutput"/> for many
/// of them out; persist, send, apply, read; installation, truncation and destruction step by step, with a fail point between any two steps.
/// No decision about Raft or the region is made here, and nothing is performed: that is the host's. Single-threaded, deterministic.
/// <code>
///   Recovering ──► Running ◄──► Installing (a snapshot)
///       │             │
///       │             └──────► Destroying ──► stopped
///       ├──► FinishingInstall ──► Running        (a crash interrupted it)
///       ├──► Destroying                          (a crash interrupted it)
///       └──► Refusing                            (damaged: neither votes nor answers)
/// </code>
/// </summary>
internal sealed partial class PeerShell
{
    private enum Phase
    {
        Recovering,
        Running,
        Installing,
        FinishingInstall,
        Destroying,
        Refusing,
    }

    internal sealed record DataSynced(long Number);

    internal sealed record LogEntriesRead(Raft.LogRead Read, IReadOnlyList<Entry> Entries);

    private readonly IPeerHost _host;
    private readonly PeerStart _start;
    private readonly FailPoints _failPoints;

    private Phase _phase = Phase.Recovering;
    private Peer _peer = null!;
    private bool _pumping;
    private TimeSpan _lastTick;
    private TimeSpan _lastReport;
    private bool _wasLeader;
    private bool _handsOver;

    /// <summary>As the host knows it.</summary>
    private bool _isAsleep;

    public PeerShell(IPeerHost host, PeerStart start)
    {
        _host = host;
        _start = start;
        _failPoints = host.Engine.FailPoints;
    }

    /// <summary>The name of its journal.</summary>
    public static string PersistenceIdOf(ulong regionId, ulong peerId) => $"region/{regionId}/{peerId}";

    /// <summary>Null while nothing is known: at recovery, and at the end.</summary>
    public RegionPeer.Status? Status => _phase is Phase.Running or Phase.Installing
        ? new RegionPeer.Status(
            _peer.Region, _peer.Self, _peer.Leader, _peer.Term, _peer.AppliedIndex, _peer.CommittedIndex, _peer.LastIndex,
            _peer.TruncatedIndex, _peer.LogBytes, _peer.State)
        {
            PendingWrites = _peer.PendingWrites,
            PendingWriteBytes = _peer.PendingWriteBytes,
            PendingReads = _peer.PendingReads,
            IsAsleep = _peer.IsAsleep,
            Followers = _peer.Followers,
        }
        : null;

    /// <summary>For those who look on. Null before the start, and for a peer that refuses.</summary>
    internal Peer? Peer => _peer;

    /// <summary>The last call: nobody is left waiting.</summary>
    public void Stopped()
    {
        if (_peer is not null)
        {
            _peer.FailAll($"store {_host.Config.StoreId} stopped the peer with the write in its log");
            Deliver(_peer.TakeOutput(_host.Now).Replies);
        }

        if (_wasLeader)
            _host.Counters.AddLeaders(-1);
    }

    /// <returns>False if the message means nothing to a peer.</returns>
    /// <exception cref="PeerFailedException">This incarnation must stop.</exception>
    public bool Receive(object message)
    {
        switch (message)
        {
            case RegionPeer.Stop:
                _host.Stop();
                return true;
            case RegionPeer.HandOver:
                BeginHandOver();
                return true;
            case SlowWorker.Failed failed when _phase != Phase.Refusing:
                throw new PeerFailedException($"{Name}: {failed.What}", failed.Cause);
        }

        return _phase switch
        {
            Phase.Running => Running(message),
            Phase.Installing => Installing(message),
            Phase.FinishingInstall => FinishingInstall(message),
            Phase.Destroying => Destroying(message),
            Phase.Refusing => Refusing(message),
            _ => throw new InvalidOperationException($"{Name} is still recovering"),
        };
    }

    private string Name => $"region {_start.RegionId}, peer {_start.Self.Id}";

    private bool Running(object message)
    {
        switch (message)
        {
            case RegionPeer.Submit submit:
                var now = _host.Now;
                _peer.DiskFull = submit.DiskFull;
                foreach (var request in submit.Requests)
                    _peer.Submit(request, now);
                break;
            case RaftMessage raft:
                _peer.Step(raft, _host.Now);
                break;
            case Applier.Applied applied:
                _peer.Applied(applied.AppliedIndex, applied.Effects, _host.Now);
                OfferSnapshots();
                break;
            case RegionPeer.Tick:
                OnTick();
                break;
            case RegionPeer.WakeUp wake:
                _peer.WakeUp(wake.LostStoreId, _host.Now);
                break;
            case Reader.SwapRead read:
                OnSwapRead(read);
                break;
            case DataSynced synced:
                _failPoints.Hit(RegionFailPoints.TruncateSynced);
                _peer.DataSynced(synced.Number);
                break;
            case LogEntriesRead read:
                _peer.ProvideEntries(read.Read, read.Entries);
                break;
            case Applier.Failed failed:
                throw new PeerFailedException($"{Name}: committed entries cannot be applied", failed.Cause);
            case Reader.Failed failed:
                throw new PeerFailedException($"{Name}: its data cannot be read", failed.Cause);
            default:
                if (!OnSnapshotMessage(message) && !OnPdMessage(message))
                    return false;
                break;
        }

        ReportSleep();
        PumpLater();
        return true;
    }

    /// <summary>The store ticks those that are awake, and wakes the others.</summary>
    private void ReportSleep()
    {
        if (_peer.IsAsleep == _isAsleep)
            return;
        _isAsleep = _peer.IsAsleep;
        if (!_isAsleep)
        {
            _host.Woke();
            return;
        }

        if (_peer.IsLeader && HasCaughtUp())
            SendBeat(_host.Now);
        var others = _peer.Region.Peers.Where(p => p.Id != _peer.Self.Id).Select(p => p.StoreId);
        _host.Slept(new Hibernation(_start.RegionId, [.. others], _peer.IsLeader ? MakeBeat() : null));
    }

    private void PumpLater()
    {
        if (_pumping || !_peer.HasOutput)
            return;
        _pumping = true;
        _host.PumpLater();
    }

    /// <summary>Handles what has accumulated.</summary>
    public void Pump()
    {
        _pumping = false;
        if (_phase != Phase.Running || !_peer.HasOutput)
            return;
        var output = _peer.TakeOutput(_host.Now);
        if (output.Persist is { } advanced)
        {
            _failPoints.Hit(RegionFailPoints.BeforePersist);
            _host.Persist(advanced);
        }

        if (output.Messages.Count > 0)
        {
            _failPoints.Hit(RegionFailPoints.BeforeSend);
            _host.Send(output.Messages);
        }

        if (output.Apply.Count > 0)
        {
            _failPoints.Hit(RegionFailPoints.BeforeApply);
            _host.Apply(output.Apply);
        }

        if (output.Reads.Count > 0 || output.CompareAndSwapReads.Count > 0)
        {
            _failPoints.Hit(RegionFailPoints.BeforeRead);
            _host.Read(output.Reads, output.CompareAndSwapReads);
        }

        foreach (var split in output.Splits)
            OnSplit(split);
        if (output.Replies.Count > 0)
        {
            _failPoints.Hit(RegionFailPoints.BeforeReply);
            Deliver(output.Replies);
        }

        foreach (var read in output.LogReads)
        {
            _failPoints.Hit(RegionFailPoints.BeforeLogRead);
            _host.ReadLog(read);
        }

        foreach (var request in output.SnapshotRequests)
        {
            _failPoints.Hit(RegionFailPoints.SnapshotWanted);
            _host.MakeSnapshot(request);
        }

        if (output.SnapshotUnused)
        {
            _failPoints.Hit(RegionFailPoints.SnapshotUnused);
            _host.Ranges.CancelReservation(_start.RegionId);
        }

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
        if (output.Destroy)
        {
            BeginDestroy();
        }
        else if (output.GiveUp)
        {
            GiveUp();
        }
        else
        {
            if (output.Install is { } install)
                BeginInstall(install);
            PumpLater();
        }

        ReportSleep();
        ReportHandOver();
    }

    private void GiveUp()
    {
        _failPoints.Hit(RegionFailPoints.GivesUp);
        _host.Log.PeerGivesUp(_start.RegionId, _start.Self.Id);
        _host.Stop();
    }

    /// <summary>The event of the last <see cref="IPeerHost.Persist"/> is durable, under this number. Comes in every phase.</summary>
    public void Persisted(long sequenceNr)
    {
        _failPoints.Hit(RegionFailPoints.Persisted);
        _peer.Persisted(sequenceNr, _host.Now);
        if (_phase == Phase.Running)
            PumpLater();
        else
            PurgeJournal();
    }

    /// <summary>Only a running peer can lead.</summary>
    private void BeginHandOver()
    {
        _handsOver = true;
        if (_phase == Phase.Running)
        {
            _peer.HandOver(_host.Now);
            ReportSleep();
            PumpLater();
        }

        ReportHandOver();
    }

    private void ReportHandOver()
    {
        if (!_handsOver || (_phase == Phase.Running && (!_peer.HasHandedOver || _peer.HasOutput)))
            return;
        _handsOver = false;
        _host.HandedOver();
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
            _host.Counters.AddAcknowledgedWrites(acknowledged);
    }

    private void OnSwapRead(Reader.SwapRead read)
    {
        _failPoints.Hit(RegionFailPoints.SwapRead);
        if (read.Failure is not { } failure)
        {
            _peer.CompareAndSwapRead(read.Request, read.Current);
            return;
        }

        _peer.CompareAndSwapFailed(read.Request, $"region {_start.RegionId} could not be read: {failure.Message}");
        if (DiskErrors.Is(failure))
            throw new PeerFailedException($"{Name}: its data cannot be read", failure);
    }

    /// <summary>Ticks that queued up behind a pause count once (invariant 5).</summary>
    private void OnTick()
    {
        var now = _host.Now;
        if (now - _lastTick < _host.Settings.TickInterval / 2)
            return;
        // Told to one that was about to hibernate.
        if (_peer.IsAsleep)
            return;
        _lastTick = now;
        _peer.Tick(now);
        ReportHandOver();
        if (_peer.IsLeader)
            BeatIfDue(now);
        ExpireSplits(now);
    }

    /// <summary>What the events of a <see cref="LogReadTask"/> mean: later ones overwrite from their first index on.</summary>
    public static List<Entry> ReadEntries(IEnumerable<RaftAdvanced> events, Raft.LogRead wanted)
    {
        var entries = new List<Entry>();
        foreach (var advanced in events)
        {
            if (advanced.Entries.Count == 0)
                continue;
            while (entries.Count > 0 && entries[^1].Index >= advanced.Entries[0].Index)
                entries.RemoveAt(entries.Count - 1);
            entries.AddRange(advanced.Entries.Where(e => e.Index >= wanted.FirstIndex && e.Index <= wanted.LastIndex));
        }

        return entries;
    }
}
