using Akka;
using Akka.Actor;
using Akka.Cluster;
using TiKvActors.Actors.Membership;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Stores;
using TiKvActors.Storage;
using TiKvActors.Storage.Journal;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Actors.Nodes;

/// <summary>
/// Runs a node in an actor system, also in an application's own: <c>Tikv.Get(system)</c> starts <c>/user/tikv</c>. The system's
/// configuration needs <see cref="TikvSettings.Reference"/> as a fallback. The engines are closed when the system has terminated.
/// </summary>
public sealed class Tikv : ExtensionIdProvider<TikvExtension>
{
    public static new TikvExtension Get(ActorSystem system) => system.WithExtension<TikvExtension, Tikv>();

    public override TikvExtension CreateExtension(ExtendedActorSystem system) => new(system);
}

public sealed class TikvExtension : IExtension
{
    /// <summary>What the engines need at least to be opened after a failure.</summary>
    private const long RecoveryBytes = 16 << 20;

    private static readonly TimeSpan _handOverGrace = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource<StoreEngines> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _damaged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly ActorSystem _system;
    private StoreEngines? _open;
    private bool _terminated;
    private bool _hasBeenOpen;
    private volatile StoreEngines? _serving;

    /// <exception cref="ArgumentException">A setting is missing or out of its range.</exception>
    public TikvExtension(ExtendedActorSystem system)
    {
        _system = system;
        Settings = SettingsOf(system);
        var address = system.Provider.DefaultAddress;
        Address = $"{address.Host}:{address.Port}";
        if (Settings is { DataDirectory.Length: 0, PdEnabled: true })
            throw new ArgumentException("tikv.data-directory is not set: a node that may run PD needs a directory for its member of the meta group");
        var metrics = new NodeMetrics(this);
        system.RegisterOnTermination(metrics.Dispose);
        system.RegisterOnTermination(OnTerminated);
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "tikv-hand-over", HandOverAsync);
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "tikv-pd-release", ReleasePdAsync);
        if (system.Provider is IClusterActorRefProvider && Settings.Meta.Members.Count > 0)
            Membership = TikvMembership.Get(system);
        system.SystemActorOf(ConnectionLog.Props(), "tikv-connections");
        Root = system.ActorOf(TikvNode.Props(Settings, this, new MonotonicClock(TimeProvider.System)), "tikv");
    }

    public TikvSettings Settings { get; }

    /// <summary>Whether there are engines to be opened. Without: a member that only uses the cluster.</summary>
    public bool KeepsData => Settings.DataDirectory.Length > 0;

    /// <summary>host:port under which other nodes reach this one.</summary>
    public string Address { get; }

    /// <summary>host:port of nodes at which a client finds the cluster: this one, and those of the configuration that may run PD.</summary>
    public IReadOnlyList<string> Endpoints =>
        KeepsData ? [.. MemberAddresses.Prepend(Address).Distinct()] : [.. MemberAddresses];

    private IEnumerable<string> MemberAddresses => Settings.Meta.Members.Select(m => m.Address);

    /// <summary><c>/user/tikv</c>.</summary>
    public IActorRef Root { get; }

    /// <summary>Null on a system that is no member of a cluster, or without a meta group.</summary>
    public TikvMembership? Membership { get; }

    /// <summary>Since the process started.</summary>
    public StoreCounters Counters { get; } = new();

    /// <summary>
    /// Free bytes of the disk that holds a directory. For tests; what is set counts from the next opening of the engines on.
    /// </summary>
    public Func<string, long> FreeSpace { get; set; } = directory => new DriveInfo(directory).AvailableFreeSpace;

    internal DiskState Disk { get; } = new();

    /// <summary>For tests: named places at which the store fails or waits.</summary>
    public FailPoints FailPoints { get; } = new();

    /// <summary>
    /// Completes when the engines are open, or fails with the first reason why they could not be opened (directory in use, of another
    /// store, of a newer format): the node keeps trying, but a host that just starts will rather give up. Never on a node that keeps nothing.
    /// </summary>
    public Task<StoreEngines> Started => _started.Task;

    /// <summary>
    /// Completes with the reason when the store's files are found to be damaged: it stays closed until it is started again.
    /// </summary>
    public Task<string> Damaged => _damaged.Task;

    /// <summary>
    /// Completes with the reason and the remedy when the store has been removed from the cluster: it serves nothing any more, and never will
    /// from this directory. PD and the node's member of the meta group go on until the system is ended.
    /// </summary>
    public Task<string> Removed => _removed.Task;

    internal NodeState? Node { get; set; }

    /// <summary>PD's supervisor, if PD runs here, persists in the meta group, and is no singleton of a cluster.</summary>
    internal IActorRef? Pd { get; set; }

    internal OpenSnapshots Snapshots { get; } = new();

    /// <summary>Null while they are closed.</summary>
    public StoreEngines? Engines
    {
        get => _serving;
        internal set
        {
            _serving = value;
            if (value is not null)
                _started.TrySetResult(value);
        }
    }

    /// <summary>Hands the leadership of a region, if it is here, over to its peer on another store.</summary>
    /// <returns>Null: it has begun; whether it succeeds shows in the region's next leader. Otherwise why not.</returns>
    public async Task<string?> TransferLeaderAsync(ulong regionId, ulong toStoreId, TimeSpan timeout) =>
        Node?.Services?.Router.Find(regionId) is { } peer
            ? await LeaderTransfer.StartAsync(peer, toStoreId, timeout).ConfigureAwait(false)
            : $"there is no peer of region {regionId} here";

    /// <summary>
    /// Whether the regions that are led here, and the meta group, are handed over before the system ends (tikv.store.hand-over-timeout), and PD is
    /// (tikv.pd.release-timeout). False when all stores stop.
    /// </summary>
    public bool HandsOver { get; set; } = true;

    /// <summary>Where PD is a singleton, the role says whether it may run here.</summary>
    private static TikvSettings SettingsOf(ActorSystem system)
    {
        var settings = TikvSettings.From(system.Settings.Config);
        return PdSingleton.IsUsedBy(system, settings)
            ? settings with { PdEnabled = Cluster.Get(system).SelfRoles.Contains(PdSingleton.Role) }
            : settings;
    }

    /// <summary>Null while the engines are closed; they are not closed meanwhile.</summary>
    internal JournalStatistics? JournalStatistics
    {
        get
        {
            lock (_gate)
                return _open?.Journal.Statistics;
        }
    }

    internal StoreEngines OpenEngines()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_terminated, _system);
            // A recovery flushes what it read from the logs. A first opening may make the directory, and has nothing to recover.
            if (_hasBeenOpen && FreeSpace(Settings.DataDirectory) is var free && free < Math.Min(Settings.Disk.ReserveBytes, RecoveryBytes))
                throw new StorageException(
                    $"{free >> 20} MiB are left on the disk of {Settings.DataDirectory}: free space there, "
                        + "then the store goes on by itself");
            var storage = StorageExtension.Get(_system);
            var engines = StoreEngines.Open(Settings.DataDirectory, new StoreEnginesOptions
            {
                Settings = Settings.Storage,
                BlockCache = storage.BlockCache,
                FailPoints = FailPoints,
                // Only PD's node is told the mode; the others learn it from PD.
                Expected = new ExpectedIdentity(ApiVersion: Settings.PdEnabled ? Settings.ApiVersion : null),
            });
            if (Settings is { PdEnabled: true, Meta.Members.Count: 0 } && engines.MetaMembership is { } membership)
            {
                engines.Dispose();
                throw new StorageException(
                    $"{Settings.DataDirectory} is that of member {membership.MemberId} of a meta group, where PD persists, "
                        + "but tikv.meta.members is empty: what PD knew before the group is out of date");
            }

            _open = engines;
            storage.Attach(_open);
            _hasBeenOpen = true;
            return _open;
        }
    }

    internal void CloseEngines()
    {
        lock (_gate)
        {
            if (_open is null)
                return;
            if (!_terminated)
                StorageExtension.Get(_system).Detach();
            Snapshots.CloseAll();
            _open.Dispose();
            _open = null;
        }
    }

    private async Task<Done> HandOverAsync()
    {
        var patience = Settings.HandOverTimeout;
        if (!HandsOver || patience == TimeSpan.Zero || Node is not { } node)
            return Done.Instance;
        await Task.WhenAll(HandOverAsync("store", node.Services?.Store), HandOverAsync("member of the meta group", node.MetaGroup))
            .ConfigureAwait(false);
        return Done.Instance;

        async Task HandOverAsync(string what, IActorRef? leads)
        {
            if (leads is null)
                return;
            try
            {
                // It answers in time; it may fail meanwhile.
                await leads.Ask<PeerSupervisor.HandedOver>(new PeerSupervisor.HandOver(patience), patience + _handOverGrace).ConfigureAwait(false);
            }
            catch (AskTimeoutException)
            {
                _system.Log.HandOverUnanswered(what, Settings.DataDirectory);
            }
        }
    }

    private async Task<Done> ReleasePdAsync()
    {
        if (HandsOver && Pd is { } pd
            && !await pd.GracefulStop(Settings.Pd.ReleaseTimeout + _handOverGrace, Placement.Pd.Release.Instance).ConfigureAwait(false))
        {
            _system.Log.PdNotReleased(Address);
        }

        return Done.Instance;
    }

    internal void ReportStartFailure(Exception cause) => _started.TrySetException(cause);

    internal void ReportRemoval(string why) => _removed.TrySetResult(why);

    internal void ReportDamage(string why) => _damaged.TrySetResult(why);

    // Everything that used the engines has stopped by now.
    private void OnTerminated()
    {
        lock (_gate)
            _terminated = true;
        CloseEngines();
    }
}
