namespace TiKvActors.Client.Calls;

/// <summary>What a pause is for; each has its own curve.</summary>
internal enum BackoffKind
{
    /// <summary>The cache was wrong about a region: PD or the store may not be up to date yet either.</summary>
    RegionMiss,

    /// <summary>An election is under way.</summary>
    NoLeader,

    /// <summary>The peer cannot serve for the moment: merging, catching up, waiting for a read index.</summary>
    NotReady,

    /// <summary>A store refused more work.</summary>
    ServerIsBusy,

    /// <summary>A store did not answer or could not be reached.</summary>
    Unreachable,

    /// <summary>No endpoint's PD answered.</summary>
    Pd,
}

/// <summary>
/// Exponential pauses of one call, a curve a kind, half of each random so that callers who failed together do not return together.
/// </summary>
internal sealed class Backoff(Func<double> random)
{
    private readonly int[] _steps = new int[Enum.GetValues<BackoffKind>().Length];

    /// <param name="kind">Every pause of a kind is up to twice the one before it.</param>
    /// <param name="atLeast">What the server asked for.</param>
    public TimeSpan Next(BackoffKind kind, TimeSpan atLeast = default)
    {
        var (first, cap) = Curve(kind);
        var full = Math.Min(cap, first * Math.Pow(2, Math.Min(_steps[(int)kind]++, 30)));
        var pause = TimeSpan.FromMilliseconds(full / 2 + full / 2 * random());
        return pause > atLeast ? pause : atLeast;
    }

    /// <summary>Milliseconds.</summary>
    private static (double First, double Cap) Curve(BackoffKind kind) => kind switch
    {
        BackoffKind.RegionMiss => (2, 500),
        BackoffKind.NoLeader => (20, 500),
        BackoffKind.NotReady => (10, 500),
        BackoffKind.ServerIsBusy => (50, 2000),
        BackoffKind.Unreachable => (20, 1000),
        BackoffKind.Pd => (50, 1000),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
