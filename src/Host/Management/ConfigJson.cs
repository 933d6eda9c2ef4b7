using System.Text.Json;
using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace TiKvActors.Host.Management;

/// <summary>The settings in force, key by key. What looks like a secret is not shown.</summary>
internal static class ConfigJson
{
    private static readonly JsonSerializerOptions _options =
        new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Text(Config config)
    {
        var keys = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in new[] { "akka", "tikv" })
        {
            foreach (var (key, value) in config.GetConfig(section).AsEnumerable())
                Add(keys, $"{section}.{key}", value);
        }

        return JsonSerializer.Serialize(keys, _options);
    }

    private static void Add(SortedDictionary<string, string> keys, string key, HoconValue value)
    {
        if (value.IsObject())
        {
            foreach (var (name, item) in value.GetObject().Items)
                Add(keys, $"{key}.{name}", item);
        }
        else
        {
            // The first one is the one in force.
            keys.TryAdd(key, key.Contains("password", StringComparison.Ordinal) ? "(not shown)" : Show(value));
        }
    }

    private static string Show(HoconValue value) =>
        value.IsArray() ? $"[{string.Join(", ", value.GetStringList())}]" : value.GetString() ?? "";
}
