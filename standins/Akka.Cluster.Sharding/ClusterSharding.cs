using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding.Serialization;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;

namespace Akka.Cluster.Sharding;

public sealed class ClusterShardingExtensionProvider : ExtensionIdProvider<ClusterSharding>
{
    public override ClusterSharding CreateExtension(ExtendedActorSystem system) => new(system);
}

/// <summary>
/// Spreads entities over the cluster's members: an actor for each id, of which there is one at a time, reached by messages to the
/// region of its kind on any node. Every kind has a coordinator (a singleton) that says on which region a shard, a group of ids, lives.
/// Safe for threads.
/// </summary>
public class ClusterSharding : IExtension
{
    private readonly Cluster _cluster;
    private readonly Lazy<IActorRef> _guardian;
    private readonly TimeSpan _creationTimeout;
    private readonly ConcurrentDictionary<string, IActorRef> _regions = new();
    private readonly ConcurrentDictionary<string, IActorRef> _proxies = new();

    public ClusterSharding(ExtendedActorSystem system)
    {
        _cluster = Cluster.Get(system);
        Settings = ClusterShardingSettings.Create(system);
        _creationTimeout = system.Settings.CreationTimeout;
        _guardian = new Lazy<IActorRef>(() =>
        {
            var config = system.Settings.Config.GetConfig("akka.cluster.sharding");
            var dispatcher = config.GetString("use-dispatcher") is { Length: > 0 } chosen
                ? chosen : Dispatch.Dispatchers.InternalDispatcherId;
            return system.SystemActorOf(
                Props.Create(() => new ClusterShardingGuardian(_regions, _proxies)).WithDispatcher(dispatcher),
                config.GetString("guardian-name"));
        });
    }

    public ClusterShardingSettings Settings { get; }

    /// <summary>The kinds of entities that this node may host.</summary>
    public ImmutableHashSet<string> ShardTypeNames => _regions.Keys.ToImmutableHashSet();

    public static ClusterSharding Get(ActorSystem system) => system.WithExtension<ClusterSharding, ClusterShardingExtensionProvider>();

    public static Config DefaultConfig() => ShardingDefaults.Config;

    public IActorRef Start(string typeName, Props entityProps, ClusterShardingSettings settings, IMessageExtractor messageExtractor) =>
        StartAsync(typeName, entityProps, settings, messageExtractor).GetAwaiter().GetResult();

    public IActorRef Start(
        string typeName, Props entityProps, ClusterShardingSettings settings, IMessageExtractor messageExtractor,
        IShardAllocationStrategy allocationStrategy, object handOffStopMessage) =>
        StartAsync(typeName, entityProps, settings, messageExtractor, allocationStrategy, handOffStopMessage).GetAwaiter().GetResult();

    public IActorRef Start(
        string typeName, Func<string, Props> entityPropsFactory, ClusterShardingSettings settings, IMessageExtractor messageExtractor) =>
        StartAsync(typeName, entityPropsFactory, settings, messageExtractor).GetAwaiter().GetResult();

    public IActorRef Start(
        string typeName, Func<string, Props> entityPropsFactory, ClusterShardingSettings settings, IMessageExtractor messageExtractor,
        IShardAllocationStrategy allocationStrategy, object handOffStopMessage) =>
        StartAsync(typeName, entityPropsFactory, settings, messageExtractor, allocationStrategy, handOffStopMessage).GetAwaiter()
            .GetResult();

    public Task<IActorRef> StartAsync(
        string typeName, Props entityProps, ClusterShardingSettings settings, IMessageExtractor messageExtractor) =>
        StartAsync(typeName, entityProps, settings, messageExtractor, DefaultShardAllocationStrategy(settings), PoisonPill.Instance);

    public Task<IActorRef> StartAsync(
        string typeName, Props entityProps, ClusterShardingSettings settings, IMessageExtractor messageExtractor,
        IShardAllocationStrategy allocationStrategy, object handOffStopMessage) =>
        StartAsync(typeName, _ => entityProps, settings, messageExtractor, allocationStrategy, handOffStopMessage);

    public Task<IActorRef> StartAsync(string typeName, Func<string, Props> entityPropsFactory, ClusterShardingSettings settings,
        IMessageExtractor messageExtractor) =>
        StartAsync(typeName, entityPropsFactory, settings, messageExtractor, DefaultShardAllocationStrategy(settings), PoisonPill.Instance);

    /// <summary>The region of that kind on this node; if it does not have the role, a proxy. The same at every call.</summary>
    /// <param name="handOffStopMessage">What an entity gets that has to stop because its shard moves or it has been idle. It has to stop
    /// itself then.</param>
    public async Task<IActorRef> StartAsync(
        string typeName, Func<string, Props> entityPropsFactory, ClusterShardingSettings settings, IMessageExtractor messageExtractor,
        IShardAllocationStrategy allocationStrategy, object handOffStopMessage)
    {
        if (!settings.IsHostedBy(_cluster)) return await StartProxyAsync(typeName, settings.Role, messageExtractor).ConfigureAwait(false);
        if (_regions.TryGetValue(typeName, out var known)) return known;
        var start = new ClusterShardingGuardian.Start(
            typeName, entityPropsFactory, settings, new EnvelopeExtractor(messageExtractor), allocationStrategy, handOffStopMessage);
        return (await _guardian.Value.Ask<ClusterShardingGuardian.Started>(start, _creationTimeout).ConfigureAwait(false)).Region;
    }

    public IActorRef StartProxy(string typeName, string role, IMessageExtractor messageExtractor) =>
        StartProxyAsync(typeName, role, messageExtractor).GetAwaiter().GetResult();

    /// <summary>A region that hosts nothing.</summary>
    /// <param name="role">of the members that host; null or empty: all do.</param>
    public async Task<IActorRef> StartProxyAsync(string typeName, string role, IMessageExtractor messageExtractor)
    {
        if (_proxies.TryGetValue(typeName, out var known)) return known;
        var start = new ClusterShardingGuardian.StartProxy(typeName, Settings.WithRole(role), new EnvelopeExtractor(messageExtractor));
        return (await _guardian.Value.Ask<ClusterShardingGuardian.Started>(start, _creationTimeout).ConfigureAwait(false)).Region;
    }

    /// <exception cref="ArgumentException">Neither region nor proxy of that kind has been started on this node.</exception>
    public IActorRef ShardRegion(string typeName) =>
        _regions.TryGetValue(typeName, out var region) || _proxies.TryGetValue(typeName, out region) ? region : throw NotStarted(typeName);

    /// <exception cref="ArgumentException">No proxy of that kind has been started on this node.</exception>
    public IActorRef ShardRegionProxy(string typeName) =>
        _proxies.TryGetValue(typeName, out var proxy) ? proxy : throw NotStarted(typeName);

    public IShardAllocationStrategy DefaultShardAllocationStrategy(ClusterShardingSettings settings)
    {
        var tuning = settings.TuningParameters;
        return tuning.LeastShardAllocationAbsoluteLimit > 0
            ? ShardAllocationStrategy.LeastShardAllocationStrategy(
                tuning.LeastShardAllocationAbsoluteLimit, tuning.LeastShardAllocationRelativeLimit)
            : new LeastShardAllocationStrategy(
                tuning.LeastShardAllocationRebalanceThreshold, tuning.LeastShardAllocationMaxSimultaneousRebalance);
    }

    private static ArgumentException NotStarted(string typeName) => new($"Shard type [{typeName}] must be started first", nameof(typeName));
}

/// <summary>The package's part of a system's configuration and serializers, which the system has read before the package is used.</summary>
internal static class ShardingDefaults
{
    private static readonly Lock _lock = new();

    public static Config Config { get; } = ConfigurationFactory.FromResource(
        "Akka.Cluster.Sharding.reference.conf", typeof(ShardingDefaults).Assembly);

    public static void AddTo(ActorSystem system)
    {
        // Its settings are the coordinator's.
        ClusterSingletonManagerSettings.Create(system);
        lock (_lock)
        {
            if (system.Serialization.FindSerializerForType(typeof(IClusterShardingSerializable)) is ClusterShardingMessageSerializer)
                return;
            system.Settings.InjectTopLevelFallback(Config);
            var serializer = new ClusterShardingMessageSerializer((ExtendedActorSystem)system);
            system.Serialization.AddSerializer("akka-sharding", serializer);
            system.Serialization.AddSerializationMap(typeof(IClusterShardingSerializable), serializer);
        }
    }
}
