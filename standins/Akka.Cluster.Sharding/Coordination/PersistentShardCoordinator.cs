using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace Akka.Cluster.Sharding.Coordination;

/// <summary>
/// Says where the shards of one kind live, and moves them. One in the cluster at a time; what it says it has stored before.
/// PersistentShardCoordinator.HandOff.cs holds the moving.
/// </summary>
internal sealed partial class PersistentShardCoordinator : PersistentActor
{
    private readonly string _typeName;
    private readonly ClusterShardingSettings _settings;
    private readonly IShardAllocationStrategy _strategy;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly int _leastRegions;
    private readonly List<ICancelable> _ticks = [];

    /// <summary>Shards about which the strategy is being asked, and who waits for the answer.</summary>
    private readonly Dictionary<string, HashSet<IActorRef>> _allocating = new();

    /// <summary>Shards whose region has not yet said that they run.</summary>
    private readonly HashSet<string> _unconfirmed = [];

    /// <summary>Regions on removed nodes, which may live for the removal margin yet.</summary>
    private readonly HashSet<IActorRef> _terminating = [];

    private CoordinatorState _state = CoordinatorState.Empty;
    private bool _hasHadEnoughRegions;

    public PersistentShardCoordinator(string typeName, ClusterShardingSettings settings, IShardAllocationStrategy strategy)
    {
        (_typeName, _settings, _strategy) = (typeName, settings, strategy);
        // The real package's id, wherever the guardian is.
        PersistenceId = $"/system/sharding/{typeName}Coordinator/singleton/coordinator";
        JournalPluginId = settings.JournalPluginId;
        SnapshotPluginId = settings.SnapshotPluginId;
        _leastRegions = settings.Role == null
            ? _cluster.Settings.MinNrOfMembers : _cluster.Settings.MinNrOfMembersOfRole.GetValueOrDefault(settings.Role, 1);
    }

    /// <param name="Region">null: the strategy failed.</param>
    private sealed record Chosen(string Shard, IActorRef Region, Exception Cause) : INoSerializationVerificationNeeded;

    private sealed record MarginOver(IActorRef Region) : INoSerializationVerificationNeeded;

    private sealed class HostingTick : INoSerializationVerificationNeeded
    {
        public static readonly HostingTick Instance = new();
    }

    public override string PersistenceId { get; }

    public static Props Props(string typeName, ClusterShardingSettings settings, IShardAllocationStrategy strategy) =>
        Actor.Props.Create(() => new PersistentShardCoordinator(typeName, settings, strategy)).WithDeploy(Deploy.Local);

    protected override void PreStart()
    {
        if (_strategy is IStartableAllocationStrategy startable) startable.Start();
        if (_strategy is IActorSystemDependentAllocationStrategy dependent) dependent.Start(Context.System);
        Tick(_settings.TuningParameters.RebalanceInterval, RebalanceTick.Instance);
        Tick(_settings.TuningParameters.ShardStartTimeout, HostingTick.Instance);
    }

    protected override void PostStop()
    {
        foreach (var tick in _ticks) tick.Cancel();
    }

    protected override bool ReceiveRecover(object message)
    {
        switch (message)
        {
            case IDomainEvent happened:
                _state = _state.Updated(happened);
                return true;
            case SnapshotOffer { Snapshot: CoordinatorState state }:
                _state = state;
                return true;
            case RecoveryCompleted:
                Begin();
                return true;
            default:
                return false;
        }
    }

    protected override bool ReceiveCommand(object message)
    {
        switch (message)
        {
            case Register register:
                Admit(register);
                return true;
            case RegisterProxy register:
                Admit(register);
                return true;
            case GetShardHome asked:
                TellHome(asked.Shard, Sender);
                return true;
            case Chosen chosen:
                Allocate(chosen);
                return true;
            case ShardStarted started:
                if (_state.Shards.TryGetValue(started.Shard, out var home) && home.Equals(Sender)) _unconfirmed.Remove(started.Shard);
                return true;
            case HostingTick:
                foreach (var shard in _unconfirmed) TellToHost(shard);
                return true;
            case Terminated terminated:
                Lose(terminated);
                return true;
            case MarginOver over:
                Forget(over.Region);
                return true;
            case GetCurrentRegions:
                Sender.Tell(new CurrentRegions(_state.Regions.Keys.Select(AddressOf).ToImmutableHashSet()));
                return true;
            case GetClusterShardingStats query:
                AskRegions(query.Timeout, _state.Regions.Keys.ToList()).PipeTo(Sender);
                return true;
            case Terminate:
                Context.Stop(Self);
                return true;
            default:
                return ReceiveHandOff(message) || ReceiveSnapshotResult(message);
        }
    }

    /// <summary>
    /// An event that is not stored would leave who asked without an answer, and this state different from the next one's.
    /// </summary>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        Context.Stop(Self);
    }

    private void Begin()
    {
        // Of those whose nodes were removed while no coordinator watched there is no news to come.
        var gone = _state.Regions.Keys.Where(r => !IsOnMember(r)).Select(r => (IDomainEvent)new ShardRegionTerminated(r))
            .Concat(_state.Proxies.Where(p => !IsOnMember(p)).Select(p => new ShardRegionProxyTerminated(p))).ToList();
        foreach (var region in _state.RegionsAndProxies.Where(IsOnMember)) Context.Watch(region);
        _unconfirmed.UnionWith(_state.Shards.Where(s => IsOnMember(s.Value)).Select(s => s.Key));
        PersistAll(gone, Apply);
        DeferAsync(_state.Regions.Count, _ => SeeWhetherRegionsSuffice());
    }

    private void Store(IDomainEvent happened, Action then) => Persist(happened, e =>
    {
        Apply(e);
        then();
    });

    private void Apply(IDomainEvent happened)
    {
        _state = _state.Updated(happened);
        if (LastSequenceNr % _settings.TuningParameters.SnapshotAfter == 0) SaveSnapshot(_state);
    }

    private bool ReceiveSnapshotResult(object message)
    {
        var tuning = _settings.TuningParameters;
        switch (message)
        {
            case SaveSnapshotSuccess saved:
                var deleteTo = saved.Metadata.SequenceNr - ((long)tuning.KeepNrOfBatches * tuning.SnapshotAfter);
                if (deleteTo > 0) DeleteMessages(deleteTo);
                return true;
            case DeleteMessagesSuccess deleted:
                DeleteSnapshots(new SnapshotSelectionCriteria(deleted.ToSequenceNr - 1));
                return true;
            case DeleteSnapshotsSuccess:
                return true;
            default:
                // Failures are logged as what nobody handles, and the next snapshot makes up for them.
                return false;
        }
    }

    private void Admit(Register register)
    {
        if (!IsOnMember(register.Region))
        {
            Log.Debug("{0}: Region [{1}] is not on a member yet", _typeName, register.Region);
            return;
        }
        var events = new List<IDomainEvent>();
        if (!_state.Regions.ContainsKey(register.Region)) events.Add(new ShardRegionRegistered(register.Region));
        events.AddRange(register.Shards.Where(s => !_state.Shards.ContainsKey(s)).Select(s => new ShardHomeAllocated(s, register.Region)));
        _hasNewRegions |= events.Count > 0;
        PersistAll(events, Apply);
        DeferAsync(register, admitted =>
        {
            Context.Watch(admitted.Region);
            admitted.Region.Tell(new RegisterAck(Self), Self);
            SeeWhetherRegionsSuffice();
        });
    }

    private void Admit(RegisterProxy register)
    {
        if (!IsOnMember(register.Proxy)) return;
        if (!_state.Proxies.Contains(register.Proxy)) Persist(new ShardRegionProxyRegistered(register.Proxy), Apply);
        DeferAsync(register, admitted =>
        {
            Context.Watch(admitted.Proxy);
            admitted.Proxy.Tell(new RegisterAck(Self), Self);
        });
    }

    /// <summary>Only a cluster of at least min-nr-of-members begins to allocate; then it goes on whatever its size.</summary>
    private void SeeWhetherRegionsSuffice() => _hasHadEnoughRegions |= _state.Regions.Count >= _leastRegions;

    private void TellHome(string shard, IActorRef requester)
    {
        if (_handOffs.TryGetValue(shard, out var handOff))
        {
            handOff.Waiting.Add(requester);
        }
        else if (_state.Shards.TryGetValue(shard, out var home))
        {
            if (!_terminating.Contains(home)) requester.Tell(new ShardHome(shard, home), Self);
        }
        else if (_allocating.TryGetValue(shard, out var waiting))
        {
            waiting.Add(requester);
        }
        else if (_hasHadEnoughRegions)
        {
            AskStrategy(shard, requester);
        }
    }

    private void AskStrategy(string shard, IActorRef requester)
    {
        var regions = ActiveRegions();
        if (regions.IsEmpty)
        {
            if (_shuttingDown.Contains(requester)) requester.Tell(new NoShardHome(shard), Self);
            return;
        }
        _allocating[shard] = [requester];
        Attempt(() => _strategy.AllocateShard(requester, shard, regions))
            .PipeTo(Self, success: region => new Chosen(shard, region, null), failure: e => new Chosen(shard, null, e));
    }

    /// <summary>Whoever gets no answer now asks again.</summary>
    private void Allocate(Chosen chosen)
    {
        _allocating.Remove(chosen.Shard, out var waiting);
        if (chosen.Region == null)
        {
            Log.Error(chosen.Cause, "{0}: Shard [{1}] could not be allocated by [{2}]", _typeName, chosen.Shard, _strategy);
        }
        else if (_state.Shards.ContainsKey(chosen.Shard))
        {
            foreach (var requester in waiting) TellHome(chosen.Shard, requester);
        }
        else if (!ActiveRegions().ContainsKey(chosen.Region))
        {
            Log.Debug("{0}: Shard [{1}] was to be allocated on [{2}], which takes none now", _typeName, chosen.Shard, chosen.Region);
        }
        else
        {
            Store(new ShardHomeAllocated(chosen.Shard, chosen.Region), () =>
            {
                _unconfirmed.Add(chosen.Shard);
                TellToHost(chosen.Shard);
                foreach (var requester in waiting) TellHome(chosen.Shard, requester);
            });
        }
    }

    private void TellToHost(string shard)
    {
        if (_state.Shards.TryGetValue(shard, out var region)) region.Tell(new HostShard(shard), Self);
    }

    private void Lose(Terminated terminated)
    {
        var margin = _cluster.DowningProvider.DownRemovalMargin;
        if (!terminated.AddressTerminated || margin <= TimeSpan.Zero || !_state.Regions.ContainsKey(terminated.ActorRef))
        {
            Forget(terminated.ActorRef);
        }
        else if (_terminating.Add(terminated.ActorRef))
        {
            // On the other side of a partition it may not yet know.
            Context.System.Scheduler.ScheduleTellOnce(margin, Self, new MarginOver(terminated.ActorRef), Self);
        }
    }

    private void Forget(IActorRef ended)
    {
        if (_state.Regions.TryGetValue(ended, out var shards)) Store(new ShardRegionTerminated(ended), () =>
        {
            _terminating.Remove(ended);
            _shuttingDown.Remove(ended);
            _unconfirmed.ExceptWith(shards);
            TellWorkers(ended);
        });
        if (_state.Proxies.Contains(ended)) Store(new ShardRegionProxyTerminated(ended), () => TellWorkers(ended));
    }

    /// <summary>Those that take shards.</summary>
    private ImmutableDictionary<IActorRef, IImmutableList<string>> ActiveRegions() =>
        _state.Regions.RemoveRange(_terminating).RemoveRange(_shuttingDown);

    private async Task<ClusterShardingStats> AskRegions(TimeSpan timeout, List<IActorRef> regions)
    {
        var answers = await Task.WhenAll(regions.Select(async region =>
        {
            try
            {
                return (Address: AddressOf(region), Stats: await region.Ask<ShardRegionStats>(GetShardRegionStats.Instance, timeout)
                    .ConfigureAwait(false));
            }
            catch (AskTimeoutException)
            {
                return default;
            }
        })).ConfigureAwait(false);
        return new ClusterShardingStats(answers.Where(a => a.Stats != null).ToImmutableDictionary(a => a.Address, a => a.Stats));
    }

    private static Task<T> Attempt<T>(Func<Task<T>> ask)
    {
        try
        {
            return ask();
        }
        catch (Exception e)
        {
            return Task.FromException<T>(e);
        }
    }

    private bool IsOnMember(IActorRef region)
    {
        var address = AddressOf(region);
        return _cluster.State.Members.Any(m => m.Address == address);
    }

    private Address AddressOf(IActorRef region) => region.Path.Address.HasLocalScope ? _cluster.SelfAddress : region.Path.Address;

    private void Tick(TimeSpan interval, object message) =>
        _ticks.Add(Context.System.Scheduler.ScheduleTellRepeatedlyCancelable(interval, interval, Self, message, Self));
}
