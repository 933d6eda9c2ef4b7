using System.Globalization;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Bench;

/// <summary>Prints what a load measured.</summary>
internal static class BenchReport
{
    private static readonly (string Name, double Share)[] _percentiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

    public static void Print(Output output, LoadResult result, ServerCost? cost)
    {
        if (output.Json) PrintJson(output, result, cost);
        else PrintText(output, result, cost);
    }

    private static void PrintText(Output output, LoadResult result, ServerCost? cost)
    {
        var options = result.Options;
        var (measured, before) = (options.Duration.TotalSeconds, options.Warmup.TotalSeconds);
        output.Line(
            Text($"{options.Workload}: {options.Clients} clients, ")
            + (options.Keys == 0 ? "" : Text($"{options.Keys} keys, values of {options.ValueBytes} bytes, "))
            + (options.Batch == 1 ? "" : Text($"{options.Batch} a call, "))
            + Text($"{measured:0} s after {before:0} s of warm-up"));
        output.Line(Text($"throughput   {result.PerSecond:N0} /s ({result.Latencies.Count:N0} operations)"));
        output.Line("latency      " + string.Join("  ", _percentiles.Select(p => Text($"{p.Name} {Milliseconds(result, p.Share):0.00} ms")))
            + Text($"  max {result.Latencies.Max.TotalMilliseconds:0.00} ms"));
        var errors = string.Join("  ", result.Errors.Select(e => Text($"{e.Key} {e.Value}")));
        output.Line("errors       " + (errors.Length == 0 ? "none" : errors));
        var (cpu, pauses) = (result.Generator.Cpu.TotalSeconds, result.Generator.Pauses.TotalSeconds);
        output.Line(Text($"generator    CPU {cpu:0.0} s, {pauses:0.0} s paused for garbage collection"));
        if (cost == null)
        {
            output.Line("servers      not known: a store stopped or started meanwhile");
            return;
        }

        output.Line(Text($"servers      CPU {cost.Cpu.TotalSeconds:0.0} s, memory {cost.MemoryBytes / 1048576.0:N0} MiB"));
        output.Line(
            Text($"journals     {cost.AcknowledgedWrites:N0} writes acknowledged, ")
            + Text($"{cost.JournalEvents:N0} events in {cost.JournalBatches:N0} batches, {cost.JournalSyncs:N0} syncs"));
    }

    private static void PrintJson(Output output, LoadResult result, ServerCost? cost) => output.JsonLine(json =>
    {
        var options = result.Options;
        json.WriteStartObject();
        json.WriteString("workload", options.Workload);
        json.WriteNumber("clients", options.Clients);
        json.WriteNumber("keys", options.Keys);
        json.WriteNumber("valueBytes", options.ValueBytes);
        json.WriteNumber("batch", options.Batch);
        json.WriteNumber("seconds", options.Duration.TotalSeconds);
        json.WriteNumber("operations", result.Latencies.Count);
        json.WriteNumber("perSecond", Math.Round(result.PerSecond, 1));
        json.WriteStartObject("latencyMs");
        foreach (var (name, share) in _percentiles) json.WriteNumber(name, Math.Round(Milliseconds(result, share), 3));
        json.WriteNumber("max", Math.Round(result.Latencies.Max.TotalMilliseconds, 3));
        json.WriteEndObject();
        json.WriteStartObject("errors");
        foreach (var (kind, count) in result.Errors) json.WriteNumber(kind, count);
        json.WriteEndObject();
        json.WriteStartObject("generator");
        json.WriteNumber("cpuSeconds", Math.Round(result.Generator.Cpu.TotalSeconds, 3));
        json.WriteNumber("pauseSeconds", Math.Round(result.Generator.Pauses.TotalSeconds, 3));
        json.WriteEndObject();
        if (cost != null) WriteCost(json, cost);
        json.WriteEndObject();
    });

    private static void WriteCost(System.Text.Json.Utf8JsonWriter json, ServerCost cost)
    {
        json.WriteStartObject("servers");
        json.WriteNumber("cpuSeconds", Math.Round(cost.Cpu.TotalSeconds, 3));
        json.WriteNumber("memoryBytes", cost.MemoryBytes);
        json.WriteNumber("acknowledgedWrites", cost.AcknowledgedWrites);
        json.WriteNumber("journalEvents", cost.JournalEvents);
        json.WriteNumber("journalBatches", cost.JournalBatches);
        json.WriteNumber("journalSyncs", cost.JournalSyncs);
        json.WriteEndObject();
    }

    private static double Milliseconds(LoadResult result, double share) => result.Latencies.Percentile(share).TotalMilliseconds;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
