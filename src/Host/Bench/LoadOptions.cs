namespace TiKvActors.Host.Bench;

/// <summary>
/// What a load consists of. Keys are <c>bench</c> + ten digits, chosen uniformly; values are random bytes, so nothing compresses well.
/// </summary>
public sealed record LoadOptions
{
    public required string Workload { get; init; }

    public required int Clients { get; init; }

    public required TimeSpan Warmup { get; init; }

    public required TimeSpan Duration { get; init; }

    public required int Keys { get; init; }

    public required int ValueBytes { get; init; }

    /// <summary>What one operation counts for.</summary>
    public int Batch { get; init; } = 1;
}
