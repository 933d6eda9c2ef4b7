namespace TiKvActors.Host.Bench;

/// <summary>What a load measured: latencies of successful operations, and errors by kind (warm-up included).</summary>
public sealed class LoadResult(LoadOptions options)
{
    private readonly SortedDictionary<string, long> _errors = new(StringComparer.Ordinal);

    public LoadOptions Options { get; } = options;

    public LatencyHistogram Latencies { get; } = new();

    public IReadOnlyDictionary<string, long> Errors => _errors;

    public double PerSecond => Latencies.Count / Options.Duration.TotalSeconds;

    internal void Add(LatencyHistogram latencies, Dictionary<string, long> errors)
    {
        Latencies.Add(latencies);
        foreach (var (kind, count) in errors) _errors[kind] = _errors.GetValueOrDefault(kind) + count;
    }
}
