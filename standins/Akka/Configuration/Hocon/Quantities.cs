using System.Globalization;

namespace Akka.Configuration.Hocon;

/// <summary>Numbers with a unit. Which units exist is recorded behaviour: no microseconds, and KB is not one (kB, K and KiB are).</summary>
internal static class Quantities
{
    public static TimeSpan ParseDuration(string text, bool allowInfinite)
    {
        if (allowInfinite && string.Equals(text, "infinite", StringComparison.OrdinalIgnoreCase)) return Timeout.InfiniteTimeSpan;
        var (number, unit) = Split(text);
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var amount))
            throw NotADuration(text);
        var ticks = amount * TicksOf(unit, text);
        return ticks <= long.MaxValue ? TimeSpan.FromTicks((long)Math.Round(ticks)) : throw NotADuration(text);
    }

    private static double TicksOf(ReadOnlySpan<char> unit, string text) => unit switch
    {
        "ns" or "nano" or "nanos" or "nanosecond" or "nanoseconds" => 0.01,
        "" or "ms" or "milli" or "millis" or "millisecond" or "milliseconds" => TimeSpan.TicksPerMillisecond,
        "s" or "second" or "seconds" => TimeSpan.TicksPerSecond,
        "m" or "minute" or "minutes" => TimeSpan.TicksPerMinute,
        "h" or "hour" or "hours" => TimeSpan.TicksPerHour,
        "d" or "day" or "days" => TimeSpan.TicksPerDay,
        _ => throw NotADuration(text)
    };

    private static FormatException NotADuration(string text) =>
        new($"'{text}' is not a duration: a positive number with one of the units ns, ms, s, m, h, d, or infinite where that is allowed");

    public static long ParseByteSize(string text)
    {
        var (number, unit) = Split(text);
        if (!long.TryParse(number, NumberStyles.AllowLeadingSign, NumberFormatInfo.InvariantInfo, out var amount)) throw NotASize(text);
        return checked(amount * BytesOf(unit, text));
    }

    private static long BytesOf(ReadOnlySpan<char> unit, string text)
    {
        const long Kilo = 1000, Kibi = 1024;
        return unit switch
        {
            "" or "b" or "B" or "byte" or "bytes" => 1,
            "kB" or "kilobyte" or "kilobytes" => Kilo,
            "k" or "K" or "Ki" or "KiB" or "kibibyte" or "kibibytes" => Kibi,
            "MB" or "megabyte" or "megabytes" => Kilo * Kilo,
            "m" or "M" or "Mi" or "MiB" or "mebibyte" or "mebibytes" => Kibi * Kibi,
            "GB" or "gigabyte" or "gigabytes" => Kilo * Kilo * Kilo,
            "g" or "G" or "Gi" or "GiB" or "gibibyte" or "gibibytes" => Kibi * Kibi * Kibi,
            "TB" or "terabyte" or "terabytes" => Kilo * Kilo * Kilo * Kilo,
            "t" or "T" or "Ti" or "TiB" or "tebibyte" or "tebibytes" => Kibi * Kibi * Kibi * Kibi,
            "PB" or "petabyte" or "petabytes" => Kilo * Kilo * Kilo * Kilo * Kilo,
            "p" or "P" or "Pi" or "PiB" or "pebibyte" or "pebibytes" => Kibi * Kibi * Kibi * Kibi * Kibi,
            _ => throw NotASize(text)
        };
    }

    private static FormatException NotASize(string text) =>
        new(
            $"'{text}' is not a size in bytes: a whole number with one of the units "
                + "b, kB (1000), K or KiB (1024), MB, M, MiB, GB, G, GiB, ...");

    private static Parts Split(string text)
    {
        var rest = text.AsSpan().Trim();
        var digits = 0;
        while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] is '.' or '-' or '+')) digits++;
        return new Parts(rest[..digits], rest[digits..].TrimStart());
    }

    private readonly ref struct Parts(ReadOnlySpan<char> number, ReadOnlySpan<char> unit)
    {
        private readonly ReadOnlySpan<char> _number = number;
        private readonly ReadOnlySpan<char> _unit = unit;

        public void Deconstruct(out ReadOnlySpan<char> number, out ReadOnlySpan<char> unit)
        {
            number = _number;
            unit = _unit;
        }
    }
}
