using Akka.Configuration.Hocon;

namespace Akka.Configuration;

/// <summary>
/// A configuration: an object of values, found by dotted paths. It does not change; <see cref="WithFallback"/> makes a new one
/// in which both are already merged, so that a look-up never goes through a chain.
/// </summary>
public class Config
{
    public static readonly Config Empty = ConfigurationFactory.Empty;

    public Config()
    {
    }

    public Config(HoconRoot root)
    {
        ArgumentNullException.ThrowIfNull(root?.Value, nameof(root));
        Root = root.Value;
    }

    public Config(Config source, Config fallback)
    {
        ArgumentNullException.ThrowIfNull(source);
        Root = source.WithFallback(fallback).Root;
    }

    public virtual HoconValue Root { get; }

    public virtual bool IsEmpty => Root == null || Root.IsEmpty;

    /// <returns>null where the path leads nowhere, as for all getters without a default.</returns>
    public HoconValue GetValue(string path) => Root == null ? null : Paths.Find(Root, path);

    public virtual bool HasPath(string path) => GetValue(path) != null;

    /// <returns>null where the path leads nowhere.</returns>
    public virtual Config GetConfig(string path) => GetValue(path) is { } value ? new Config(new HoconRoot(value)) : null;

    public virtual string GetString(string path, string @default = null) => GetValue(path) is { } value ? value.GetString() : @default;

    public virtual bool GetBoolean(string path, bool @default = false) => Read(path, @default, v => v.GetBoolean());

    public virtual int GetInt(string path, int @default = 0) => Read(path, @default, v => v.GetInt());

    public virtual long GetLong(string path, long @default = 0) => Read(path, @default, v => v.GetLong());

    public virtual float GetFloat(string path, float @default = 0) => Read(path, @default, v => v.GetFloat());

    public virtual double GetDouble(string path, double @default = 0) => Read(path, @default, v => v.GetDouble());

    public virtual decimal GetDecimal(string path, decimal @default = 0) => Read(path, @default, v => v.GetDecimal());

    public virtual TimeSpan GetTimeSpan(string path, TimeSpan? @default = null, bool allowInfinite = true) =>
        Read(path, @default.GetValueOrDefault(), v => v.GetTimeSpan(allowInfinite));

    /// <returns>bytes.</returns>
    public virtual long? GetByteSize(string path) => GetByteSize(path, null);

    /// <returns>bytes.</returns>
    public virtual long? GetByteSize(string path, long? def = null) => Read(path, def, v => v.GetByteSize());

    public virtual IList<bool> GetBooleanList(string path) => GetValue(path).GetBooleanList();

    public virtual IList<byte> GetByteList(string path) => GetValue(path).GetByteList();

    public virtual IList<int> GetIntList(string path) => GetValue(path).GetIntList();

    public virtual IList<long> GetLongList(string path) => GetValue(path).GetLongList();

    public virtual IList<float> GetFloatList(string path) => GetValue(path).GetFloatList();

    public virtual IList<double> GetDoubleList(string path) => GetValue(path).GetDoubleList();

    public virtual IList<decimal> GetDecimalList(string path) => GetValue(path).GetDecimalList();

    /// <returns>Empty where the path leads nowhere, unlike the other lists.</returns>
    public virtual IList<string> GetStringList(string path) => GetStringList(path, []);

    public virtual IList<string> GetStringList(string path, string[] defaultPaths) =>
        GetValue(path) is { } value ? value.GetStringList() : defaultPaths;

    /// <summary>The keys and values of the outermost object.</summary>
    public virtual IEnumerable<KeyValuePair<string, HoconValue>> AsEnumerable() => Root?.GetObject()?.Items ?? [];

    /// <summary>A configuration that takes from the fallback what this one lacks, deep inside of objects too.</summary>
    /// <exception cref="ArgumentException">the fallback is this configuration itself.</exception>
    public virtual Config WithFallback(Config fallback)
    {
        if (ReferenceEquals(fallback, this)) throw new ArgumentException("Config can not have itself as fallback", nameof(fallback));
        if (fallback.IsNullOrEmpty()) return this;
        if (IsEmpty) return fallback;
        return Root.GetObject() is { } mine && fallback.Root.GetObject() is { } theirs
            ? new Config(new HoconRoot(new HoconValue(mine.WithFallback(theirs))))
            : this;
    }

    public override string ToString() => Root?.GetObject()?.ToString(0) ?? Root?.ToString() ?? "";

    public static Config operator +(Config config, string fallback) => config.WithFallback(ConfigurationFactory.ParseString(fallback));

    public static Config operator +(string configHocon, Config fallbackConfig) =>
        ConfigurationFactory.ParseString(configHocon).WithFallback(fallbackConfig);

    public static implicit operator Config(string str) => ConfigurationFactory.ParseString(str);

    private T Read<T>(string path, T @default, Func<HoconValue, T> read)
    {
        if (GetValue(path) is not { } value) return @default;
        try
        {
            return read(value);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{path}: {e.Message}");
        }
    }
}

public static class ConfigExtensions
{
    public static bool IsNullOrEmpty(this Config config) => config == null || config.IsEmpty;

    /// <summary>
    /// Like <see cref="Config.WithFallback"/>, also where there is no configuration or where the fallback is the same one.
    /// </summary>
    public static Config SafeWithFallback(this Config config, Config fallback) =>
        config == null ? fallback : ReferenceEquals(config, fallback) ? config : config.WithFallback(fallback);
}
