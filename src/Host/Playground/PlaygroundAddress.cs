using System.Globalization;

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

    /// <summary>host:port by which others reach it.</summary>
    public static string Of(int store, PlaygroundOptions options) =>
        string.Create(CultureInfo.InvariantCulture, $"{Host}:{PublicPortOf(store, options)}");
}
