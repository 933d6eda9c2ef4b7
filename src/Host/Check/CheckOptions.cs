namespace TiKvActors.Host.Check;

/// <summary>What <c>tkv bench check</c> was asked for.</summary>
internal sealed record CheckOptions
{
    public const int Stores = 3;
    public const int Majority = (Stores / 2) + 1;

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
