using System.Collections.Immutable;
using System.Reflection;
using Akka.Actor;
using Akka.Cluster.Membership;
using Akka.Configuration;
using Akka.Util;

namespace Akka.Cluster;

/// <summary>akka.cluster</summary>
public sealed class ClusterSettings
{
    private readonly Config _config;

    /// <exception cref="ConfigurationException">A setting makes no sense; the text names it.</exception>
    public ClusterSettings(Config config, string systemName)
    {
        _config = config.GetConfig("akka.cluster") ?? throw new ConfigurationException("akka.cluster is missing");
        FailureDetectorConfig = _config.GetConfig("failure-detector");
        FailureDetectorImplementationClass = FailureDetectorConfig.GetString("implementation-class");
        HeartbeatInterval = Positive(FailureDetectorConfig, "failure-detector.", "heartbeat-interval");
        HeartbeatExpectedResponseAfter = Positive(FailureDetectorConfig, "failure-detector.", "expected-response-after");
        MonitoredByNrOfMembers = AtLeastOne(
            FailureDetectorConfig.GetInt("monitored-by-nr-of-members"), "failure-detector.monitored-by-nr-of-members");
        SeedNodes = _config.GetStringList("seed-nodes").Select(text => SeedNode(text, systemName)).ToImmutableList();
        SeedNodeTimeout = Positive(_config, "", "seed-node-timeout");
        RetryUnsuccessfulJoinAfter = TimeUnlessOff("retry-unsuccessful-join-after");
        ShutdownAfterUnsuccessfulJoinSeedNodes = TimeUnlessOff("shutdown-after-unsuccessful-join-seed-nodes");
        PeriodicTasksInitialDelay = _config.GetTimeSpan("periodic-tasks-initial-delay");
        GossipInterval = Positive(_config, "", "gossip-interval");
        LeaderActionsInterval = Positive(_config, "", "leader-actions-interval");
        UnreachableNodesReaperInterval = Positive(_config, "", "unreachable-nodes-reaper-interval");
        GossipDifferentViewProbability = _config.GetDouble("gossip-different-view-probability");
        ReduceGossipDifferentViewProbability = _config.GetInt("reduce-gossip-different-view-probability");
        UseDispatcher = _config.GetString("use-dispatcher") is { Length: > 0 } dispatcher
            ? dispatcher : Dispatch.Dispatchers.InternalDispatcherId;
        Roles = _config.GetStringList("roles").ToImmutableHashSet();
        AppVersion = AppVersion.Create(VersionText(_config.GetString("app-version")));
        MinNrOfMembers = AtLeastOne(_config.GetInt("min-nr-of-members"), "min-nr-of-members");
        MinNrOfMembersOfRole = ReadMinNrOfMembersOfRole();
        RunCoordinatedShutdownWhenDown = _config.GetBoolean("run-coordinated-shutdown-when-down");
        LogInfo = _config.GetBoolean("log-info");
        var weaklyUp = TimeUnlessOff("allow-weakly-up-members");
        AllowWeaklyUpMembers = weaklyUp != null;
        WeaklyUpAfter = weaklyUp ?? TimeSpan.MaxValue;
        DowningProviderType = ReadDowningProvider();
    }

    public bool LogInfo { get; }

    public Config FailureDetectorConfig { get; }

    public string FailureDetectorImplementationClass { get; }

    public TimeSpan HeartbeatInterval { get; }

    public TimeSpan HeartbeatExpectedResponseAfter { get; }

    public int MonitoredByNrOfMembers { get; }

    public ImmutableList<Address> SeedNodes { get; }

    public TimeSpan SeedNodeTimeout { get; }

    /// <summary>null: off.</summary>
    public TimeSpan? RetryUnsuccessfulJoinAfter { get; }

    /// <summary>null: off.</summary>
    public TimeSpan? ShutdownAfterUnsuccessfulJoinSeedNodes { get; }

    public TimeSpan PeriodicTasksInitialDelay { get; }

    public TimeSpan GossipInterval { get; }

    public TimeSpan LeaderActionsInterval { get; }

    public TimeSpan UnreachableNodesReaperInterval { get; }

    public double GossipDifferentViewProbability { get; }

    public int ReduceGossipDifferentViewProbability { get; }

    public string UseDispatcher { get; }

    public ImmutableHashSet<string> Roles { get; }

    public AppVersion AppVersion { get; }

    public int MinNrOfMembers { get; }

    public ImmutableDictionary<string, int> MinNrOfMembersOfRole { get; }

    public bool RunCoordinatedShutdownWhenDown { get; }

    public bool AllowWeaklyUpMembers { get; }

    public TimeSpan WeaklyUpAfter { get; }

    public Type DowningProviderType { get; }

    internal MembershipSettings ForMembership() => new()
    {
        Rules = new MembershipRules(MinNrOfMembers, MinNrOfMembersOfRole),
        RetryUnsuccessfulJoinAfter = RetryUnsuccessfulJoinAfter,
        SeedNodeTimeout = SeedNodeTimeout,
        ShutdownAfterUnsuccessfulJoinSeedNodes = ShutdownAfterUnsuccessfulJoinSeedNodes,
        WeaklyUpAfter = AllowWeaklyUpMembers ? WeaklyUpAfter : null,
        GossipDifferentViewProbability = GossipDifferentViewProbability,
        ReduceGossipDifferentViewProbability = ReduceGossipDifferentViewProbability
    };

    private static TimeSpan Positive(Config config, string at, string key)
    {
        var time = config.GetTimeSpan(key);
        return time > TimeSpan.Zero ? time : throw new ConfigurationException($"akka.cluster.{at}{key}: {time}, must be positive");
    }

    private static int AtLeastOne(int number, string key) =>
        number >= 1 ? number : throw new ConfigurationException($"akka.cluster.{key}: {number}, must be at least 1");

    private static Address SeedNode(string text, string systemName)
    {
        if (!Address.TryParse(text, out var address) || address.HasLocalScope || address.Port == null)
            throw new ConfigurationException($"akka.cluster.seed-nodes: '{text}' is not an address like akka.tcp://{systemName}@host:port");
        return address;
    }

    private TimeSpan? TimeUnlessOff(string key) =>
        _config.GetString(key).ToLowerInvariant() is "off" or "false" ? null : Positive(_config, "", key);

    private ImmutableDictionary<string, int> ReadMinNrOfMembersOfRole()
    {
        var result = ImmutableDictionary.CreateBuilder<string, int>();
        foreach (var (role, _) in _config.GetConfig("role")?.AsEnumerable() ?? [])
            if (_config.HasPath($"role.{role}.min-nr-of-members")) result[role] = _config.GetInt($"role.{role}.min-nr-of-members");
        return result.ToImmutable();
    }

    private Type ReadDowningProvider()
    {
        var name = _config.GetString("downing-provider-class");
        if (string.IsNullOrWhiteSpace(name)) return typeof(NoDowning);
        return Type.GetType(name) ?? throw new ConfigurationException($"akka.cluster.downing-provider-class: there is no type [{name}]");
    }

    private static string VersionText(string configured)
    {
        if (configured != "assembly-version") return configured;
        var version = Assembly.GetEntryAssembly()?.GetName().Version;
        return version == null ? "0.0.0" : $"{version.Major}.{version.Minor}.{version.Build}";
    }
}
