namespace TiKvActors.Host.Check;

public enum HistoryKind
{
    Get,
    Put,
    Delete,
    CompareAndSwap,
    BatchPut,
    BatchGet,
    Scan,
}

public enum HistoryOutcome
{
    Ok,

    /// <summary>It is certain that it had no effect.</summary>
    Failed,

    /// <summary>It may have had its effect, may still have it, or never.</summary>
    Unknown,
}

/// <summary>
/// One call of a client, as docs/testing.md describes it. Keys and values are text, escaped as on the command line; null stands for
/// absent.
/// </summary>
public sealed record HistoryOperation
{
    /// <summary>Of the client process; with <see cref="Number"/> it names the operation.</summary>
    public required string Process { get; init; }

    public required long Number { get; init; }

    public int Client { get; init; }

    public required HistoryKind Kind { get; init; }

    /// <summary>Nanoseconds of the machine's monotonic clock.</summary>
    public required long Invoked { get; init; }

    /// <summary><see cref="RegisterOperation.Never"/> if the process ended first.</summary>
    public long Completed { get; init; } = RegisterOperation.Never;

    public HistoryOutcome Outcome { get; init; } = HistoryOutcome.Unknown;

    public string? Error { get; init; }

    /// <summary>Tries of a write that were sent and never answered: each may have taken effect too.</summary>
    public int LostTries { get; init; }

    /// <summary>The keys asked for; of a scan, the keys that it found.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>One for each key: written, or found. Empty for reads that found nothing out.</summary>
    public IReadOnlyList<string?> Values { get; init; } = [];

    /// <summary>Of a compare-and-swap.</summary>
    public string? Expected { get; init; }

    public bool Swapped { get; init; }

    /// <summary>The value before a compare-and-swap.</summary>
    public string? Previous { get; init; }

    /// <summary>Of a scan over [Start, End), from the end if it is reverse.</summary>
    public string Start { get; init; } = "";

    public string End { get; init; } = "";

    public int Limit { get; init; }

    public bool Reverse { get; init; }

    public string Name => $"process {Process}, client {Client}, operation {Number}";

    public bool IsWrite => Kind is HistoryKind.Put or HistoryKind.Delete or HistoryKind.CompareAndSwap or HistoryKind.BatchPut;
}
