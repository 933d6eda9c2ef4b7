using System.Reflection;
using Akka.Configuration.Hocon;

namespace Akka.Configuration;

public class ConfigurationFactory
{
    private static readonly Lazy<Config> _reference =
        new(() => FromResource("Akka.Configuration.akka.conf", typeof(ConfigurationFactory).Assembly));

    public static Config Empty { get; } = new(new HoconRoot(new HoconValue(new HoconObject())));

    /// <exception cref="FormatException">the text cannot be read; the message names line and column.</exception>
    public static Config ParseString(string hocon) => ParseString(hocon, null);

    /// <param name="includeCallback">gives the content of each include of the text, in their order.</param>
    public static Config ParseString(string hocon, Func<string, HoconRoot> includeCallback) => new(Parser.Parse(hocon, includeCallback));

    /// <summary>What the application's own configuration file says; there is none here, so nothing.</summary>
    public static Config Load() => Empty;

    /// <summary>The library's reference configuration, read once in a process.</summary>
    public static Config Default() => _reference.Value;

    public static Config FromResource<TAssembly>(string resourceName) => FromResource(resourceName, typeof(TAssembly).Assembly);

    public static Config FromResource(string resourceName, object instanceInAssembly) => instanceInAssembly switch
    {
        Type type => FromResource(resourceName, type.Assembly),
        Assembly assembly => FromResource(resourceName, assembly),
        _ => FromResource(resourceName, instanceInAssembly.GetType().Assembly)
    };

    /// <exception cref="ArgumentException">the assembly embeds no such resource.</exception>
    public static Config FromResource(string resourceName, Assembly assembly)
    {
        using var stream = assembly.GetManifestResourceStream(resourceName)
            ?? throw new ArgumentException(
                $"{assembly.GetName().Name} embeds no resource {resourceName}, "
                    + $"only: {string.Join(", ", assembly.GetManifestResourceNames())}",
                nameof(resourceName));
        using var reader = new StreamReader(stream);
        return ParseString(reader.ReadToEnd());
    }
}
