using System.Globalization;

namespace Akka.Util;

/// <summary>
/// The version of an application, for comparing: numbers separated by dots, then, behind a hyphen or a plus sign, a text. Without
/// such a text a version is newer than with one; what does not begin with a number is compared as a text.
/// </summary>
public class AppVersion : IComparable<AppVersion>, IEquatable<AppVersion>
{
    public static readonly AppVersion Zero = Create("0.0.0");

    private readonly int[] _numbers;
    private readonly string _rest;

    private AppVersion(string version, int[] numbers, string rest) => (Version, _numbers, _rest) = (version, numbers, rest);

    public string Version { get; }

    public static AppVersion Create(string version)
    {
        ArgumentNullException.ThrowIfNull(version);
        var end = version.AsSpan().IndexOfAnyExceptInRange('.', '9') is var other && other < 0 ? version.Length : other;
        var parts = version[..end].Split('.');
        var numbers = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                return new AppVersion(version, [], version);
        return new AppVersion(version, numbers, version[end..].TrimStart('-', '+'));
    }

    public int CompareTo(AppVersion other)
    {
        if (other is null) return 1;
        for (var i = 0; i < Math.Max(_numbers.Length, other._numbers.Length); i++)
        {
            var order = _numbers.ElementAtOrDefault(i).CompareTo(other._numbers.ElementAtOrDefault(i));
            if (order != 0) return order;
        }
        if (_rest == other._rest) return 0;
        return _rest.Length == 0 ? 1 : other._rest.Length == 0 ? -1 : string.CompareOrdinal(_rest, other._rest);
    }

    public bool Equals(AppVersion other) => other is not null && CompareTo(other) == 0;

    public override bool Equals(object obj) => Equals(obj as AppVersion);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(_rest, StringComparer.Ordinal);
        // 1.0 equals 1.0.0.
        foreach (var number in _numbers.AsSpan().TrimEnd(0)) hash.Add(number);
        return hash.ToHashCode();
    }

    public static bool operator ==(AppVersion first, AppVersion second) => first is null ? second is null : first.Equals(second);

    public static bool operator !=(AppVersion first, AppVersion second) => !(first == second);

    public override string ToString() => Version;
}
