namespace TiKvActors.Host.Check;

public enum FaultKind
{
    /// <summary>SIGKILL of one store, sometimes of all, and a new start.</summary>
    Kill,

    /// <summary>SIGSTOP for longer than a leader's lease, mostly of a leader, and SIGCONT.</summary>
    Pause,

    /// <summary>An orderly stop and a new start.</summary>
    Stop,

    /// <summary>A region's leadership is moved.</summary>
    Transfer,

    /// <summary>A region is split.</summary>
    Split,
}

/// <summary>What <c>tkv bench check</c> was asked for.</summary>
internal sealed record CheckOptions
{
    public required TimeSpan Duration { get; init; }

    /// <summary>Over all processes.</summary>
    public required int Clients { get; init; }

    public required int Processes { get; init; }

    public required int Keys { get; init; }

    public required IReadOnlyList<FaultKind> Faults { get; init; }

    public required int Seed { get; init; }

    /// <summary>Where the histories of all processes go; null: nowhere, unless something is wrong.</summary>
    public required string? HistoryFile { get; init; }
}
