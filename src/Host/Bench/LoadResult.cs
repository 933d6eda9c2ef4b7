using System.Collections.Concurrent;

namespace TiKvActors.Host.Bench;

/// <summary>
/// What a load measures while it runs: latencies of successful operations, and errors by kind (warm-up included). Any thread.
/// </summary>
public sealed class LoadResult(LoadOptions options)
{
    private readonly ConcurrentDictionary<string, long> _errors = new(StringComparer.Ordinal);

    public LoadOptions Options { get; } = options;

    public LatencyHistogram Latencies { get; } = new();

    public IEnumerable<KeyValuePair<string, long>> Errors => _errors.OrderBy(e => e.Key, StringComparer.Ordinal);

    /// <summary>What the load generator itself used, warm-up included: it may be what limits the throughput.</summary>
    public GeneratorCost Generator { get; internal set; } = new(TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>Of what the operations brought, see <see cref="LoadOptions.Batch"/>.</summary>
    public double PerSecond => Latencies.Count * Options.Batch / Options.Duration.TotalSeconds;

    internal void AddError(string kind) => _errors.AddOrUpdate(kind, 1, (_, count) => count + 1);
}

/// <param name="Pauses">For garbage collection.</param>
public sealed record GeneratorCost(TimeSpan Cpu, TimeSpan Pauses)
{
    /// <summary>Of this process, since its start.</summary>
    public static GeneratorCost Read() => new(Environment.CpuUsage.TotalTime, GC.GetTotalPauseDuration());

    public GeneratorCost Since(GeneratorCost earlier) => new(Cpu - earlier.Cpu, Pauses - earlier.Pauses);
}
