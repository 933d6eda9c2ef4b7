using System.Globalization;
using Akka.Configuration;
using TiKvActors.Host.Grpc.Services;
using TiKvActors.Host.Management;
using TiKvActors.Host.Terminal;
using TiKvActors.Hosting;

namespace TiKvActors.Host.Server;

/// <summary>What <c>tkv server</c> was asked for: by flags, else by the environment, else by files, else the default.</summary>
internal sealed record ServerOptions
{
    public const int DefaultPort = 2551;

    private const string Tcp = "akka.remote.dot-netty.tcp";
    private const string PortKey = $"{Tcp}.port";
    private const string PublicPortKey = $"{Tcp}.public-port";
    private const string HostKey = $"{Tcp}.hostname";
    private const string DirectoryKey = "tikv.data-directory";

    /// <summary>A file earlier in the list wins over a later one.</summary>
    public IReadOnlyList<string> ConfigFiles { get; init; } = [];

    /// <summary><c>key=value</c>, in HOCON; wins over files.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    public string? Roles { get; init; }

    public string? DataDirectory { get; init; }

    public string? ApiMode { get; init; }

    public string? Host { get; init; }

    public int? Port { get; init; }

    public int PortOffset { get; init; }

    /// <summary>Whatever the configuration says of <c>tikv.grpc.enabled</c>.</summary>
    public bool Grpc { get; init; }

    /// <summary>The PD nodes' addresses, in the same order on all nodes.</summary>
    public IReadOnlyList<string> Seeds { get; init; } = [];

    /// <exception cref="CommandException">A file, a setting or an address cannot be understood.</exception>
    public TikvNodeOptions ToNode()
    {
        var config = Settings.Select(Parse).Concat(ConfigFiles.Select(HoconFile.Read)).Aggregate(Config.Empty, (all, next) => all.WithFallback(next));
        var roles = RolesIn(config);
        var given = Port ?? (config.HasPath(PortKey) ? config.GetInt(PortKey) : DefaultPort);
        return new TikvNodeOptions
        {
            Roles = roles,
            DataDirectory = roles.Contains(TikvRoles.Client)
                ? null
                : Path.GetFullPath(DataDirectory ?? (config.HasPath(DirectoryKey) ? config.GetString(DirectoryKey) : "data")),
            Host = Host ?? (config.HasPath(HostKey) ? config.GetString(HostKey) : new TikvNodeOptions().Host),
            Port = given + PortOffset,
            PublicPort = config.HasPath(PublicPortKey) ? config.GetInt(PublicPortKey) + PortOffset : null,
            Members = [.. Seeds.Select(HostAndPort).Select((seed, i) => string.Create(CultureInfo.InvariantCulture, $"{i + 1}@{seed}"))],
            ApiMode = ApiMode,
            Config = config,
        };
    }

    public ManagementSettings Management(TikvNodeOptions node)
    {
        var settings = ManagementSettings.From(node.Config ?? Config.Empty);
        return settings with { Port = settings.Port + PortOffset };
    }

    public GrpcNodeSettings GrpcOf(TikvNodeOptions node)
    {
        var settings = GrpcNodeSettings.From(node.Config ?? Config.Empty, node.Host).Shifted(PortOffset);
        return settings with { Enabled = settings.Enabled || Grpc };
    }

    private IReadOnlyCollection<string> RolesIn(Config config)
    {
        if (Roles is not null)
            return Roles.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return config.HasPath("akka.cluster.roles") ? [.. config.GetStringList("akka.cluster.roles")] : new TikvNodeOptions().Roles;
    }

    private static Config Parse(string setting)
    {
        var at = setting.IndexOf('=', StringComparison.Ordinal);
        if (at < 1)
            throw new CommandException(ExitCode.BadUsage, $"--set {setting}: it must be of the form key=value");
        try
        {
            return ConfigurationFactory.ParseString(setting);
        }
        catch (FormatException e)
        {
            throw new CommandException(ExitCode.BadUsage, $"--set {setting}: {e.Message}");
        }
    }

    /// <summary>Also of <c>akka.tcp://tikv@host:port</c>.</summary>
    private static string HostAndPort(string seed)
    {
        var address = seed[(seed.LastIndexOf('@') + 1)..].TrimEnd('/');
        var colon = address.LastIndexOf(':');
        return colon > 0 && int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65_536
            ? address
            : throw new CommandException(ExitCode.BadUsage, $"--seed {seed}: it must be host:port or akka.tcp://{TikvHost.SystemName}@host:port");
    }
}
