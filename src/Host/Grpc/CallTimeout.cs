using System.Globalization;

namespace TiKvActors.Host.Grpc;

/// <summary>The header <c>grpc-timeout</c>: at most eight digits and a unit.</summary>
internal static class CallTimeout
{
    public const string Header = "grpc-timeout";

    private const int MaxDigits = 8;

    // What a timer can wait for; a longer time-out is none.
    private static readonly TimeSpan _longest = TimeSpan.FromDays(24);

    /// <returns>Null: the call has no deadline that could be met.</returns>
    /// <exception cref="GrpcException">It cannot be understood.</exception>
    public static TimeSpan? Parse(string? header)
    {
        if (string.IsNullOrEmpty(header))
            return null;
        if (header.Length > MaxDigits + 1
            || !long.TryParse(header.AsSpan(0, header.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || TicksOf(header[^1], number) is not { } ticks)
            throw new GrpcException(
                GrpcStatus.Internal, $"{Header} \"{header}\" is not of the form 1-8 digits and one of H, M, S, m, u, n");
        return ticks > _longest.Ticks ? null : TimeSpan.FromTicks(ticks);
    }

    private static long? TicksOf(char unit, long number) => unit switch
    {
        'H' => number * TimeSpan.TicksPerHour,
        'M' => number * TimeSpan.TicksPerMinute,
        'S' => number * TimeSpan.TicksPerSecond,
        'm' => number * TimeSpan.TicksPerMillisecond,
        'u' => number * TimeSpan.TicksPerMicrosecond,
        'n' => number / TimeSpan.NanosecondsPerTick,
        _ => null,
    };
}
