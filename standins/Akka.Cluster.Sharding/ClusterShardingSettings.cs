using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;

namespace Akka.Cluster.Sharding;

/// <summary>Where the coordinator's state is kept.</summary>
public enum StateStoreMode
{
    Persistence = 0,
    DData = 1,
    Custom = 2
}

/// <summary>akka.cluster.sharding</summary>
public sealed class ClusterShardingSettings : INoSerializationVerificationNeeded
{
    public readonly string Role;
    public readonly bool RememberEntities;
    public readonly string JournalPluginId;
    public readonly string SnapshotPluginId;

    /// <summary>Zero: never.</summary>
    public readonly TimeSpan PassivateIdleEntityAfter;

    public readonly StateStoreMode StateStoreMode;
    public readonly TimeSpan ShardRegionQueryTimeout;
    public readonly TuningParameters TuningParameters;
    public readonly ClusterSingletonManagerSettings CoordinatorSingletonSettings;

    /// <param name="role">null or empty: any member.</param>
    /// <exception cref="ConfigurationException">It asks for what this stand-in does not have.</exception>
    public ClusterShardingSettings(
        string role, bool rememberEntities, string journalPluginId, string snapshotPluginId, TimeSpan passivateIdleEntityAfter,
        StateStoreMode stateStoreMode, TuningParameters tuningParameters, ClusterSingletonManagerSettings coordinatorSingletonSettings)
        : this(role, rememberEntities, journalPluginId, snapshotPluginId, passivateIdleEntityAfter, stateStoreMode, TimeSpan.FromSeconds(3),
            tuningParameters, coordinatorSingletonSettings)
    {
    }

    private ClusterShardingSettings(
        string role, bool rememberEntities, string journalPluginId, string snapshotPluginId, TimeSpan passivateIdleEntityAfter,
        StateStoreMode stateStoreMode,
        TimeSpan shardRegionQueryTimeout, TuningParameters tuningParameters, ClusterSingletonManagerSettings coordinatorSingletonSettings)
    {
        if (rememberEntities)
            throw new ConfigurationException("Entities are not remembered here: akka.cluster.sharding.remember-entities has to be off");
        if (stateStoreMode != StateStoreMode.Persistence)
            throw new ConfigurationException(
                $"The coordinator's state is kept by persistence here: akka.cluster.sharding.state-store-mode cannot be {stateStoreMode}");
        Role = string.IsNullOrEmpty(role) ? null : role;
        RememberEntities = rememberEntities;
        JournalPluginId = journalPluginId;
        SnapshotPluginId = snapshotPluginId;
        PassivateIdleEntityAfter = passivateIdleEntityAfter;
        StateStoreMode = stateStoreMode;
        ShardRegionQueryTimeout = shardRegionQueryTimeout;
        TuningParameters = tuningParameters;
        CoordinatorSingletonSettings = coordinatorSingletonSettings;
    }

    public static ClusterShardingSettings Create(ActorSystem system)
    {
        ShardingDefaults.AddTo(system);
        var config = system.Settings.Config.GetConfig("akka.cluster.sharding");
        return Create(config, system.Settings.Config.GetConfig(config.GetString("coordinator-singleton")));
    }

    /// <exception cref="ConfigurationException">There is no configuration, or it asks for what this stand-in does not have.</exception>
    public static ClusterShardingSettings Create(Config config, Config singletonConfig)
    {
        if (config.IsNullOrEmpty()) throw new ConfigurationException("akka.cluster.sharding is missing");
        if (!string.IsNullOrEmpty(config.GetString("use-lease")))
            throw new ConfigurationException("There are no leases here: akka.cluster.sharding.use-lease has to be empty");
        return new ClusterShardingSettings(
            config.GetString("role"), config.GetBoolean("remember-entities"), config.GetString("journal-plugin-id"),
            config.GetString("snapshot-plugin-id"),
            IdleTime(config), StoreMode(config.GetString("state-store-mode")), config.GetTimeSpan("shard-region-query-timeout"),
            TuningParameters.Create(config), ClusterSingletonManagerSettings.Create(singletonConfig));
    }

    public ClusterShardingSettings WithRole(string role) => Copy(role: role ?? "");

    public ClusterShardingSettings WithRememberEntities(bool rememberEntities) => Copy(rememberEntities: rememberEntities);

    public ClusterShardingSettings WithJournalPluginId(string journalPluginId) => Copy(journalPluginId: journalPluginId ?? "");

    public ClusterShardingSettings WithSnapshotPluginId(string snapshotPluginId) => Copy(snapshotPluginId: snapshotPluginId ?? "");

    public ClusterShardingSettings WithPassivateIdleAfter(TimeSpan duration) => Copy(passivateIdleEntityAfter: duration);

    public ClusterShardingSettings WithStateStoreMode(StateStoreMode mode) => Copy(stateStoreMode: mode);

    public ClusterShardingSettings WithTuningParameters(TuningParameters tuningParameters) =>
        Copy(tuningParameters: tuningParameters ?? throw new ArgumentNullException(nameof(tuningParameters)));

    public ClusterShardingSettings WithCoordinatorSingletonSettings(ClusterSingletonManagerSettings coordinatorSingletonSettings) =>
        Copy(coordinatorSingletonSettings:
            coordinatorSingletonSettings ?? throw new ArgumentNullException(nameof(coordinatorSingletonSettings)));

    internal bool IsHostedBy(Cluster cluster) => Role == null || cluster.SelfRoles.Contains(Role);

    private ClusterShardingSettings Copy(
        string role = null, bool? rememberEntities = null, string journalPluginId = null, string snapshotPluginId = null,
        TimeSpan? passivateIdleEntityAfter = null, StateStoreMode? stateStoreMode = null, TuningParameters tuningParameters = null,
        ClusterSingletonManagerSettings coordinatorSingletonSettings = null) =>
        new(role ?? Role, rememberEntities ?? RememberEntities, journalPluginId ?? JournalPluginId, snapshotPluginId ?? SnapshotPluginId,
            passivateIdleEntityAfter ?? PassivateIdleEntityAfter, stateStoreMode ?? StateStoreMode, ShardRegionQueryTimeout,
            tuningParameters ?? TuningParameters, coordinatorSingletonSettings ?? CoordinatorSingletonSettings);

    private static TimeSpan IdleTime(Config config) =>
        config.GetString("passivate-idle-entity-after") is "off" or "false" or "no"
            ? TimeSpan.Zero : config.GetTimeSpan("passivate-idle-entity-after", allowInfinite: false);

    private static StateStoreMode StoreMode(string name) => name?.ToLowerInvariant() switch
    {
        "persistence" => StateStoreMode.Persistence,
        "ddata" => StateStoreMode.DData,
        "custom" => StateStoreMode.Custom,
        _ => throw new ConfigurationException($"akka.cluster.sharding.state-store-mode is '{name}', not persistence")
    };
}
