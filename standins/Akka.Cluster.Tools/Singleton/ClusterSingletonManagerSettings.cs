using Akka.Actor;
using Akka.Configuration;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>akka.cluster.singleton</summary>
public sealed class ClusterSingletonManagerSettings : INoSerializationVerificationNeeded
{
    /// <param name="role">null or empty: any member.</param>
    /// <param name="removalMargin">zero: that of the cluster's downing provider.</param>
    /// <param name="considerAppVersion">has no effect: the oldest is the oldest.</param>
    public ClusterSingletonManagerSettings(
        string singletonName, string role, TimeSpan removalMargin, TimeSpan handOverRetryInterval, bool considerAppVersion)
    {
        if (string.IsNullOrWhiteSpace(singletonName)) throw new ArgumentNullException(nameof(singletonName));
        if (removalMargin < TimeSpan.Zero)
            throw new ArgumentException("ClusterSingletonManagerSettings.RemovalMargin must be positive", nameof(removalMargin));
        if (handOverRetryInterval <= TimeSpan.Zero)
            throw new ArgumentException(
                "ClusterSingletonManagerSettings.HandOverRetryInterval must be positive", nameof(handOverRetryInterval));
        SingletonName = singletonName;
        Role = string.IsNullOrEmpty(role) ? null : role;
        RemovalMargin = removalMargin;
        HandOverRetryInterval = handOverRetryInterval;
        ConsiderAppVersion = considerAppVersion;
    }

    public string SingletonName { get; }

    /// <summary>null: any member.</summary>
    public string Role { get; }

    /// <summary>
    /// How long after the removal of a member its singleton may start elsewhere; zero: as the cluster's downing provider says.
    /// </summary>
    public TimeSpan RemovalMargin { get; }

    public TimeSpan HandOverRetryInterval { get; }

    [Obsolete("has no effect")]
    public bool ConsiderAppVersion { get; }

    public static ClusterSingletonManagerSettings Create(ActorSystem system)
    {
        SingletonDefaults.AddTo(system);
        return Create(system.Settings.Config.GetConfig("akka.cluster.singleton"));
    }

    /// <exception cref="ConfigurationException">There is no configuration.</exception>
    public static ClusterSingletonManagerSettings Create(Config config)
    {
        if (config.IsNullOrEmpty()) throw new ConfigurationException("akka.cluster.singleton is missing");
        return new ClusterSingletonManagerSettings(
            config.GetString("singleton-name"), config.GetString("role"), TimeSpan.Zero, config.GetTimeSpan("hand-over-retry-interval"),
            false);
    }

    public ClusterSingletonManagerSettings WithSingletonName(string singletonName) =>
        new(singletonName, Role, RemovalMargin, HandOverRetryInterval, false);

    public ClusterSingletonManagerSettings WithRole(string role) => new(SingletonName, role, RemovalMargin, HandOverRetryInterval, false);

    public ClusterSingletonManagerSettings WithRemovalMargin(TimeSpan removalMargin) =>
        new(SingletonName, Role, removalMargin, HandOverRetryInterval, false);

    public ClusterSingletonManagerSettings WithHandOverRetryInterval(TimeSpan handOverRetryInterval) =>
        new(SingletonName, Role, RemovalMargin, handOverRetryInterval, false);
}

/// <summary>akka.cluster.singleton-proxy</summary>
public sealed class ClusterSingletonProxySettings : INoSerializationVerificationNeeded
{
    private const int LargestBuffer = 10_000;

    /// <param name="role">null or empty: any member.</param>
    /// <param name="bufferSize">messages, 0 to 10000.</param>
    /// <param name="considerAppVersion">has no effect: the oldest is the oldest.</param>
    public ClusterSingletonProxySettings(
        string singletonName, string role, TimeSpan singletonIdentificationInterval, int bufferSize, bool considerAppVersion)
    {
        if (string.IsNullOrWhiteSpace(singletonName)) throw new ArgumentNullException(nameof(singletonName));
        if (singletonIdentificationInterval <= TimeSpan.Zero)
            throw new ArgumentException("singletonIdentificationInterval must be positive", nameof(singletonIdentificationInterval));
        if (bufferSize is < 0 or > LargestBuffer)
            throw new ArgumentException($"bufferSize must be >= 0 and <= {LargestBuffer}", nameof(bufferSize));
        SingletonName = singletonName;
        Role = string.IsNullOrEmpty(role) ? null : role;
        SingletonIdentificationInterval = singletonIdentificationInterval;
        BufferSize = bufferSize;
        ConsiderAppVersion = considerAppVersion;
    }

    public string SingletonName { get; }

    /// <summary>null: any member.</summary>
    public string Role { get; }

    public TimeSpan SingletonIdentificationInterval { get; }

    public int BufferSize { get; }

    /// <summary>Has no effect.</summary>
    public bool ConsiderAppVersion { get; }

    public static ClusterSingletonProxySettings Create(ActorSystem system)
    {
        SingletonDefaults.AddTo(system);
        return Create(system.Settings.Config.GetConfig("akka.cluster.singleton-proxy"), false);
    }

    /// <exception cref="ConfigurationException">There is no configuration.</exception>
    public static ClusterSingletonProxySettings Create(Config config, bool considerAppVersion)
    {
        if (config.IsNullOrEmpty()) throw new ConfigurationException("akka.cluster.singleton-proxy is missing");
        return new ClusterSingletonProxySettings(
            config.GetString("singleton-name"), config.GetString("role"), config.GetTimeSpan("singleton-identification-interval"),
            config.GetInt("buffer-size"), considerAppVersion);
    }

    public ClusterSingletonProxySettings WithSingletonName(string singletonName) =>
        new(singletonName, Role, SingletonIdentificationInterval, BufferSize, ConsiderAppVersion);

    public ClusterSingletonProxySettings WithRole(string role) =>
        new(SingletonName, role, SingletonIdentificationInterval, BufferSize, ConsiderAppVersion);

    public ClusterSingletonProxySettings WithSingletonIdentificationInterval(TimeSpan singletonIdentificationInterval) =>
        new(SingletonName, Role, singletonIdentificationInterval, BufferSize, ConsiderAppVersion);

    public ClusterSingletonProxySettings WithBufferSize(int bufferSize) =>
        new(SingletonName, Role, SingletonIdentificationInterval, bufferSize, ConsiderAppVersion);
}

/// <summary>The package's part of a system's configuration and serializers, which the system has read before the package is used.</summary>
internal static class SingletonDefaults
{
    private static readonly Lock _lock = new();

    public static Config Config { get; } =
        ConfigurationFactory.FromResource("Akka.Cluster.Tools.Singleton.reference.conf", typeof(SingletonDefaults).Assembly);

    public static void AddTo(ActorSystem system)
    {
        lock (_lock)
        {
            if (system.Serialization.FindSerializerForType(typeof(IClusterSingletonMessage))
                is Serialization.ClusterSingletonMessageSerializer)
                return;
            system.Settings.InjectTopLevelFallback(Config);
            var serializer = new Serialization.ClusterSingletonMessageSerializer((ExtendedActorSystem)system);
            system.Serialization.AddSerializer("akka-singleton", serializer);
            system.Serialization.AddSerializationMap(typeof(IClusterSingletonMessage), serializer);
        }
    }
}
