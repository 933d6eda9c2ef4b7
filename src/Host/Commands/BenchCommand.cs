using System.CommandLine;
using TiKvActors.Client;
using TiKvActors.Host.Bench;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Commands;

/// <summary>
/// <c>tkv bench put|get|tso</c>: a closed loop of many clients, and what it cost the servers; <c>check</c> is <see cref="CheckCommand"/>.
/// </summary>
internal static class BenchCommand
{
    private const string Timestamps = "tso";

    private static readonly CommonOptions _common = new();

    private static readonly Option<int> _clients =
        Numbers.Option("--clients", "Concurrent clients, each with one operation under way", 64, 1, 100_000);
    private static readonly Option<int> _seconds = Numbers.Option("--seconds", "How long to measure", 10, 1, 86_400);
    private static readonly Option<int> _warmup = Numbers.Option("--warmup", "Seconds before measuring begins", 3, 0, 3_600);
    private static readonly Option<int> _keyCount = Numbers.Option("--keys", "Different keys, chosen uniformly", 100_000, 1, int.MaxValue);
    private static readonly Option<int> _batch =
        Numbers.Option("--batch", "Timestamps that a client takes at a time", 1, 1, (int)TimestampLayout.LogicalCount);
    private static readonly Option<int> _valueBytes = Numbers.Option("--value-size", "Bytes of a value", 100, 0, 8 * 1024 * 1024 - 64);

    public static Command Create()
    {
        var put = new Command(
            "put", "Store random values under uniformly chosen keys\n\nExample: ./tkv bench put --clients 256 --seconds 30");
        put.SetAction((parsed, cancellation) => Run(parsed, cancellation, "put", prefill: false,
            (client, _, _) => (key, value, c) => client.PutAsync(key, value, null, c)));
        var get = new Command(
            "get", "Read uniformly chosen keys, after storing all of them\n\nExample: ./tkv bench get --clients 64 --seconds 30");
        get.SetAction((parsed, cancellation) => Run(parsed, cancellation, "get", prefill: true,
            (client, _, _) => (key, _, c) => client.GetAsync(key, c)));
        var tso = new Command(Timestamps, "Take timestamps from PD\n\nExample: ./tkv bench tso --clients 64 --seconds 30");
        tso.SetAction((parsed, cancellation) => Run(parsed, cancellation, Timestamps, prefill: false,
            (_, admin, batch) => (_, _, c) => admin.GetTimestampsAsync(batch, c)));
        tso.Add(_batch);
        foreach (var load in new[] { put, get, tso })
        {
            foreach (var option in new Option[] { _clients, _seconds, _warmup }) load.Add(option);
            _common.AddTo(load);
        }

        foreach (var load in new[] { put, get })
            foreach (var option in new Option[] { _keyCount, _valueBytes }) load.Add(option);

        return new Command(
            "bench", "Put a load on a cluster and measure it, or check what it does under faults\n\nExample: ./tkv bench put --clients 256")
            {
                put,
                get,
                tso,
                CheckCommand.Create(),
                StopsCommand.Create()
            };
    }

    private static Task<int> Run(
        ParseResult parsed, CancellationToken cancellation, string workload, bool prefill,
        Func<RawClient, AdminClient, int, LoadGenerator.Operation> operation) =>
        _common.WithClient(parsed, cancellation, async (client, output) =>
        {
            var options = new LoadOptions
            {
                Workload = workload,
                Clients = parsed.GetValue(_clients),
                Duration = TimeSpan.FromSeconds(parsed.GetValue(_seconds)),
                Warmup = TimeSpan.FromSeconds(parsed.GetValue(_warmup)),
                // Timestamps have neither.
                Keys = workload == Timestamps ? 0 : parsed.GetValue(_keyCount),
                ValueBytes = workload == Timestamps ? 0 : parsed.GetValue(_valueBytes),
                Batch = workload == Timestamps ? parsed.GetValue(_batch) : 1,
            };
            await using var admin = await _common.AdminAsync(parsed, cancellation);
            if (prefill)
                await PrefillAsync(
                    client, options, new ProgressLine(parsed.InvocationConfiguration.Error, "prefill", null, !Console.IsErrorRedirected),
                    cancellation);
            var before = await ServerCost.ReadAsync(admin, cancellation);
            var progress = new ProgressLine(parsed.InvocationConfiguration.Error, workload, null, !Console.IsErrorRedirected);
            var result = await LoadGenerator.RunAsync(
                options, operation(client, admin, options.Batch), (_, finished) => progress.Report(finished, finished * options.ValueBytes), cancellation);
            progress.Done();
            BenchReport.Print(output, result, (await ServerCost.ReadAsync(admin, cancellation)).Since(before));
            return result.Latencies.Count > 0 ? ExitCode.Done : ExitCode.Failed;
        });

    private static async Task PrefillAsync(RawClient client, LoadOptions options, ProgressLine progress, CancellationToken cancellation)
    {
        const int Batch = 512;
        var random = new Random(0);
        for (var first = 0; first < options.Keys; first += Batch)
        {
            var pairs = Enumerable.Range(first, Math.Min(Batch, options.Keys - first)).Select(i =>
            {
                var value = new byte[options.ValueBytes];
                random.NextBytes(value);
                return new RawKeyValue(LoadGenerator.Key(i), value);
            });
            await client.BatchPutAsync([.. pairs], null, cancellation);
            progress.Report(first + Batch, (long)(first + Batch) * options.ValueBytes);
        }

        progress.Done();
    }
}
