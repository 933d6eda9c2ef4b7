using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using TiKvActors.Actors.Nodes;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Sharding;

/// <summary>
/// Entity types whose entities live on the stores' nodes, near their data (<see cref="RegionLeaderAllocationStrategy"/>):
/// Akka.Cluster.Sharding with its coordinator in the replicated journal. Entities are not remembered: one that was stopped, or whose node
/// died, begins anew with its next message. Thread-safe.
/// </summary>
public sealed class TikvSharding : IExtension
{
    /// <summary>Of the members that host entities.</summary>
    public const string Role = "store";

    private const string JournalPlugin = "akka.persistence.journal.replicated";
    private const string SnapshotPlugin = "akka.persistence.snapshot-store.replicated";

    private readonly ConcurrentDictionary<string, RegionLeaderAllocationStrategy> _strategies = new();
    private readonly ActorSystem _system;
    private readonly Cluster _cluster;
    private readonly ShardingSettings _settings;

    private TikvSharding(ExtendedActorSystem system)
    {
        _system = system;
        _settings = TikvSettings.ReadSharding(system.Settings.Config);
        _cluster = Cluster.Get(system);
        if (TikvSettings.ReadMeta(system.Settings.Config).Members.Count == 0)
            throw new ArgumentException("tikv.meta.members is empty: there is no meta group that could remember where entities live");
        system.SystemActorOf(ShardMoveDoor.Props(Accept), NodePaths.ShardMoveDoor);
    }

    /// <exception cref="ConfigurationException">The system's provider is not the cluster's.</exception>
    /// <exception cref="ArgumentException">There is no meta group.</exception>
    public static TikvSharding Get(ActorSystem system) => system.WithExtension<TikvSharding, Provider>();

    /// <summary>
    /// Starts an entity type on this node; on one without the role <see cref="Role"/> a way to the entities of others. To be called on
    /// every node that hosts or uses them, with the same name, extractor and stop message, and again after the actor system was started
    /// again.
    /// </summary>
    /// <param name="entityProps">Of the entity with that id.</param>
    /// <param name="extractor">Usually a <see cref="PlacementExtractor"/>. Shards of other ids live anywhere.</param>
    /// <param name="stopMessage">
    /// What an entity gets that has to stop, because its shard moves or it has been idle (tikv.sharding.passivate-idle-after). It has to
    /// stop itself then. Null: <see cref="PoisonPill"/>.
    /// </param>
    /// <param name="tune">Settings beside those that this class decides: role, plugins, and that entities are not remembered.</param>
    /// <returns>The actor to which messages for the entities are told; it answers Akka's queries, too.</returns>
    public Task<IActorRef> StartAsync(
        string typeName,
        Func<string, Props> entityProps,
        IMessageExtractor extractor,
        object? stopMessage = null,
        Func<ClusterShardingSettings, ClusterShardingSettings>? tune = null)
    {
        var sharding = ClusterSharding.Get(_system);
        var given = ClusterShardingSettings.Create(_system).WithPassivateIdleAfter(_settings.PassivateIdleAfter);
        var settings = (tune?.Invoke(given) ?? given)
            .WithRole(Role)
            .WithStateStoreMode(StateStoreMode.Persistence)
            .WithRememberEntities(false)
            .WithJournalPluginId(JournalPlugin)
            .WithSnapshotPluginId(SnapshotPlugin);
        return sharding.StartAsync(
            typeName, entityProps, settings, extractor, new RegionLeaderAllocationStrategy(typeName), stopMessage ?? PoisonPill.Instance);
    }

    /// <summary>
    /// Asks the type's coordinator to move shards, with the entities that live there, to the nodes that lead their ranges' regions now. It
    /// does so at its next rounds (akka.cluster.sharding.rebalance-interval), not more than tikv.sharding.max-moving at a time, while no
    /// member joins, leaves or is unreachable, and forgets what could not be done within tikv.sharding.move-timeout.
    /// </summary>
    /// <param name="shardIds">Null: all shards.</param>
    /// <returns>Null: it has been asked. Otherwise why not; asking again does no harm.</returns>
    public async Task<string?> MoveToLeadersAsync(string typeName, IEnumerable<string>? shardIds, TimeSpan timeout)
    {
        List<string>? chosen = shardIds?.ToList();
        if (chosen is { Count: 0 })
            return null;
        if (Oldest() is not { } oldest)
            return $"no member with the role {Role} is up";
        var request = new MoveShardsRequest { TypeName = typeName, ShardIds = { chosen ?? [] } };
        try
        {
            var response = await _system.ActorSelection($"{oldest}/system/{NodePaths.ShardMoveDoor}")
                .Ask<MoveShardsResponse>(request, timeout).ConfigureAwait(false);
            return response.Error.Length == 0 ? null : response.Error;
        }
        catch (AskTimeoutException)
        {
            return $"{oldest} did not answer in {timeout}";
        }
    }

    internal void Register(string typeName, RegionLeaderAllocationStrategy strategy) => _strategies[typeName] = strategy;

    /// <summary>Where coordinators are. While one moves nothing is rebalanced anyway.</summary>
    private Address? Oldest() => _cluster.State.Members
        .Where(m => m.Status == MemberStatus.Up && m.HasRole(Role)).Order(Member.AgeOrdering).FirstOrDefault()?.Address;

    private MoveShardsResponse Accept(MoveShardsRequest request)
    {
        if (!_strategies.TryGetValue(request.TypeName, out var strategy))
            return new MoveShardsResponse { Error = $"the coordinator of {request.TypeName} is not at {_cluster.SelfAddress}" };
        strategy.AskToMove(request.ShardIds);
        return new MoveShardsResponse();
    }

    public sealed class Provider : ExtensionIdProvider<TikvSharding>
    {
        public override TikvSharding CreateExtension(ExtendedActorSystem system) => new(system);
    }
}

/// <summary><c>/system/tikv-sharding</c>: takes other nodes' requests to move shards.</summary>
internal sealed class ShardMoveDoor(Func<MoveShardsRequest, MoveShardsResponse> accept) : UntypedActor
{
    public static Props Props(Func<MoveShardsRequest, MoveShardsResponse> accept) =>
        Akka.Actor.Props.Create(() => new ShardMoveDoor(accept));

    protected override void OnReceive(object message)
    {
        if (message is MoveShardsRequest request)
            Sender.Tell(accept(request));
        else
            Unhandled(message);
    }
}
