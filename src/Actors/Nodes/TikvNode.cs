using Akka.Actor;
using Akka.Event;
using TiKvActors.Actors.Gateway;
using TiKvActors.Actors.Journal;
using TiKvActors.Actors.Membership;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Nodes;

/// <summary>
/// <c>/user/tikv</c>: opens the engines, then starts what uses them. If an engine fails or hangs, what is durable is unknown: everything
/// is stopped, both engines are closed and reopened, and every peer recovers. If a file is damaged, they stay closed: the other stores
/// serve. On a node that keeps no data there is only the door to PD.
/// <code>
///   Opening ──► Serving ──(an engine failed, or a part stopped)──► Stopping ──► Closing ──► Opening
///      └────────────────────────(a file is damaged)───────────────────────────────┴──► Damaged
/// </code>
/// </summary>
internal sealed class TikvNode : UntypedActor, IWithTimers
{
    /// <param name="Membership">Null: the directory is no member's of the meta group.</param>
    private sealed record Opened(StoreEngines Engines, StoresFile StoresFile, MetaMembership? Membership);

    private sealed class Closed
    {
        public static readonly Closed Instance = new();
    }

    private sealed record EnginesFailed(StoreEngines Engines, Exception Cause);

    private sealed class OpenNow
    {
        public static readonly OpenNow Instance = new();
    }

    private readonly TikvSettings _settings;
    private readonly TikvExtension _extension;
    private readonly MonotonicClock _clock;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<IActorRef> _parts = [];
    private IActorRef _slowWorker = null!;
    private StoreEngines? _engines;

    /// <summary>Why a part has stopped, or what damage was found.</summary>
    private Exception? _failure;

    public TikvNode(TikvSettings settings, TikvExtension extension, MonotonicClock clock)
    {
        _settings = settings;
        _extension = extension;
        _clock = clock;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(TikvSettings settings, TikvExtension extension, MonotonicClock clock) =>
        Akka.Actor.Props.Create(() => new TikvNode(settings, extension, clock));

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(e =>
    {
        _failure = e;
        return Directive.Stop;
    });

    protected override void PreStart()
    {
        if (_extension.Membership is not null)
            Context.ActorOf(ClusterDoor.Props(), NodePaths.ClusterDoor);
        _slowWorker = Context.ActorOf(SlowWorker.Props().WithDispatcher("tikv.dispatchers.slow"), "slow-worker");
        if (_settings.Meta.Members.Count > 0)
            StartPdOfGroup();
        Context.ActorOf(MembersDoor.Props(_settings.Meta), "members");
        if (_extension.KeepsData)
            Open();
    }

    /// <summary>It uses the group's members, whatever becomes of this node's engines.</summary>
    private void StartPdOfGroup()
    {
        var system = Context.System;
        if (!PdSingleton.IsUsedBy(system, _settings))
        {
            if (_settings.PdEnabled)
                _extension.Pd = Context.ActorOf(PdProps(), "pd");
            return;
        }

        if (_settings.PdEnabled)
            Context.ActorOf(PdSingleton.Manager(system, PdProps()), PdSingleton.ManagerName);
        Context.ActorOf(PdSingleton.Door(system), "pd");
    }

    protected override void OnReceive(object message) => Opening(message);

    private void Open()
    {
        Become(Opening);
        var extension = _extension;
        _slowWorker.Tell(new SlowWorker.Run("opening the engines", () =>
        {
            var engines = extension.OpenEngines();
            try
            {
                return new Opened(engines, StoresFile.Load(engines.Directory), engines.MetaMembership);
            }
            catch
            {
                // The next attempt would find the directory in use by this very process.
                extension.CloseEngines();
                throw;
            }
        }));
    }

    private void Opening(object message)
    {
        switch (message)
        {
            case Opened opened:
                _engines = opened.Engines;
                if (opened.StoresFile.Damage is { } damage)
                    _log.StoresFileDamaged(_settings.DataDirectory, damage);
                foreach (var end in opened.Engines.LogDamages)
                    _log.LogEndDamaged(end);
                opened.Engines.Journal.Failed.PipeTo(Self, success: e => new EnginesFailed(opened.Engines, e));
                opened.Engines.Data.Failed.PipeTo(Self, success: e => new EnginesFailed(opened.Engines, e));
                StartParts(opened);
                break;
            case SlowWorker.Failed failed:
                if (!DiskErrors.IsDamage(failed.Cause))
                    _log.NodeOpenFailed(_settings.DataDirectory, failed.Cause);
                _extension.ReportStartFailure(failed.Cause);
                OpenLater(failed.Cause);
                break;
            case OpenNow:
                Open();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OpenLater(Exception? failure)
    {
        if (DiskErrors.IsDamage(failure))
        {
            _log.NodeDamaged(_settings.DataDirectory, failure!);
            Become(Damaged);
            _extension.ReportDamage(failure!.Message);
            return;
        }

        Timers.StartSingleTimer("open", OpenNow.Instance, _settings.Store.EngineRestartBackoff);
        Become(Opening);
    }

    /// <summary>Until the process is started again: what it would do with damaged files is anybody's guess.</summary>
    private void Damaged(object message) => Unhandled(message);

    private void StartParts(Opened opened)
    {
        Become(Serving);
        _failure = null;
        var node = new NodeState(opened.Engines, _extension.Snapshots, opened.StoresFile, _clock, _extension.Counters, _extension.Disk)
        {
            Requests = new Admission(_settings.Gateway.MaxRequests, _settings.Gateway.MaxRequestsBytes),
            RoutedRequests = new Admission(_settings.Gateway.MaxRoutedRequests),
            ReportRemoval = _extension.ReportRemoval,
        };
        if (_settings is { PdEnabled: true, Meta.Members.Count: 0 })
            Start(PdProps(), "pd");
        Start(DiskWatch.Props(_settings.DataDirectory, _settings.Disk, _extension.FreeSpace, _extension.Disk), "disk");
        // Of an added member an old list may know nothing.
        var member = _settings.Meta.Members.FirstOrDefault(m => m.Address == _extension.Address)?.Id
            ?? (_settings.Meta.Members.Count > 0 ? opened.Membership?.MemberId : null);
        if (member is { } id)
            node.MetaGroup = Start(MetaGroup.Props(_settings, node, id, _extension.Address), "meta");
        if (member is { } origin && opened.Membership is not { Added: true })
        {
            Start(OriginRecorder.Props(
                _settings.Pd.Config, origin, opened.Engines.Ident?.ClusterId ?? 0, _settings.Pd.RestartBackoff), "pd-origin");
        }

        if (_settings.StoreEnabled)
            Start(Store.Props(_settings, node, _extension.Address), "store");
        Start(RequestGateway.Props(_settings, node), "kv");
        _extension.Node = node;
        _extension.Engines = opened.Engines;
    }

    private IActorRef Start(Props props, string name)
    {
        var part = Context.Watch(Context.ActorOf(props, name));
        _parts.Add(part);
        return part;
    }

    private Props PdProps() => Pd.Props(
        _settings.Pd with { Config = _settings.Pd.Config with { Address = _extension.Address } }, _settings.Meta.Members, PdRandom.Secure);

    private void Serving(object message)
    {
        switch (message)
        {
            case EnginesFailed failed when ReferenceEquals(failed.Engines, _engines):
                _failure = failed.Cause;
                StopParts(failed.Cause.Message);
                break;
            case Terminated terminated:
                _parts.Remove(terminated.ActorRef);
                StopParts($"{terminated.ActorRef.Path.Name} has stopped{(_failure is null ? "" : $": {_failure.Message}")}");
                break;
            case EnginesFailed:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void StopParts(string why)
    {
        _log.EnginesClose(_settings.DataDirectory, why);
        _extension.Engines = null;
        _extension.Node = null;
        Become(Stopping);
        foreach (var part in _parts)
            Context.Stop(part);
        if (_parts.Count == 0)
            Close();
    }

    private void Stopping(object message)
    {
        if (message is not Terminated terminated)
            return;
        _parts.Remove(terminated.ActorRef);
        if (_parts.Count == 0)
            Close();
    }

    private void Close()
    {
        Become(Closing);
        var extension = _extension;
        _slowWorker.Tell(new SlowWorker.Run("closing the engines", () =>
        {
            extension.CloseEngines();
            return Closed.Instance;
        }));
    }

    private void Closing(object message)
    {
        switch (message)
        {
            case Closed:
                _engines = null;
                OpenLater(_failure);
                break;
            case SlowWorker.Failed failed:
                _log.EngineCloseFailed(_settings.DataDirectory, failed.Cause);
                Close();
                break;
        }
    }
}
