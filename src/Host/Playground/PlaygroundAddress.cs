using System.Globalization;
using Akka.Configuration;
using TiKvActors.Host.Grpc.Services;
using TiKvActors.Host.Management;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Playground;

/// <summary>Where a playground's stores listen.</summary>
internal static class PlaygroundAddress
{
    public const string Host = "127.0.0.1";
    private const int FirstPort = 2551;

    public static int PortOf(int store, int portOffset) => FirstPort + portOffset + store - 1;

    /// <summary>By which others reach it.</summary>
    public static int PublicPortOf(int store, PlaygroundOptions options) =>
        options.PublicPorts.Count == 0 ? PortOf(store, options.PortOffset) : options.PublicPorts[store - 1];

    /// <summary>As a server's, the ports one after the other.</summary>
    public static ManagementSettings ManagementOf(int store, PlaygroundOptions options)
    {
        var settings = ManagementSettings.From(Settings(options));
        return settings with { Enabled = settings.Enabled && options.HasManagement, Port = settings.Port + options.PortOffset + store - 1 };
    }

    /// <inheritdoc cref="ManagementOf"/>
    public static GrpcNodeSettings GrpcOf(int store, PlaygroundOptions options)
    {
        var settings = GrpcNodeSettings.From(Settings(options), Host).Shifted(options.PortOffset + store - 1);
        return settings with { Enabled = settings.Enabled || options.Grpc };
    }

    /// <summary>host:port by which others reach it.</summary>
    public static string Of(int store, PlaygroundOptions options) =>
        string.Create(CultureInfo.InvariantCulture, $"{Host}:{PublicPortOf(store, options)}");

    private static Config Settings(PlaygroundOptions options) => options.ConfigFile is { } file ? HoconFile.Read(file) : Config.Empty;
}
