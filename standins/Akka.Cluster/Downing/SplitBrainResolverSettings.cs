using Akka.Configuration;

namespace Akka.Cluster.SBR;

/// <summary>akka.cluster.split-brain-resolver</summary>
public sealed class SplitBrainResolverSettings
{
    public const string KeepMajorityName = "keep-majority";
    public const string StaticQuorumName = "static-quorum";
    public const string KeepOldestName = "keep-oldest";
    public const string DownAllName = "down-all";

    private readonly Config _config;

    /// <exception cref="ConfigurationException">A setting makes no sense; the text names it.</exception>
    public SplitBrainResolverSettings(Config config)
    {
        _config = config.GetConfig("akka.cluster.split-brain-resolver")
            ?? throw new ConfigurationException("akka.cluster.split-brain-resolver is missing");
        DowningStableAfter = _config.GetTimeSpan("stable-after");
        if (DowningStableAfter <= TimeSpan.Zero)
            throw new ConfigurationException("[akka.cluster.split-brain-resolver.stable-after] must be >= 0s");
        DowningStrategy = _config.GetString("active-strategy").ToLowerInvariant();
        if (DowningStrategy is not (KeepMajorityName or StaticQuorumName or KeepOldestName or DownAllName))
        {
            throw new ConfigurationException(
                $"Unknown downing strategy [akka.cluster.split-brain-resolver.active-strategy={DowningStrategy}]. "
                    + $"Select one of [{KeepMajorityName}, {StaticQuorumName}, {KeepOldestName}, {DownAllName}]");
        }
        DownAllWhenUnstable = ReadDownAllWhenUnstable();
    }

    public string DowningStrategy { get; }

    public TimeSpan DowningStableAfter { get; }

    /// <summary>Zero: off.</summary>
    public TimeSpan DownAllWhenUnstable { get; }

    public string KeepMajorityRole => Role(KeepMajorityName);

    /// <exception cref="ConfigurationException">The size is not a positive number.</exception>
    public StaticQuorumSettings StaticQuorumSettings
    {
        get
        {
            var size = int.TryParse(_config.GetString("static-quorum.quorum-size"), out var number) ? number : 0;
            if (size < 1) throw new ConfigurationException("[akka.cluster.split-brain-resolver.static-quorum.quorum-size] must be >= 1");
            return new StaticQuorumSettings(size, Role(StaticQuorumName));
        }
    }

    public KeepOldestSettings KeepOldestSettings => new(_config.GetBoolean("keep-oldest.down-if-alone"), Role(KeepOldestName));

    private string Role(string strategy) => _config.GetString(strategy + ".role") is { Length: > 0 } role ? role : null;

    private TimeSpan ReadDownAllWhenUnstable()
    {
        const string Key = "down-all-when-unstable";
        switch (_config.GetString(Key)?.ToLowerInvariant())
        {
            case "on" or "true":
                // Long enough for the other side to have decided.
                var share = DowningStableAfter * 3 / 4;
                return share < TimeSpan.FromSeconds(4) ? TimeSpan.FromSeconds(4) : share;
            case "off" or "false":
                return TimeSpan.Zero;
            default:
                return _config.GetTimeSpan(Key);
        }
    }
}

public sealed class StaticQuorumSettings
{
    public StaticQuorumSettings(int size, string role) => (Size, Role) = (size, role);

    public int Size { get; }

    public string Role { get; }
}

public sealed class KeepOldestSettings
{
    public KeepOldestSettings(bool downIfAlone, string role) => (DownIfAlone, Role) = (downIfAlone, role);

    public bool DownIfAlone { get; }

    public string Role { get; }
}
