using System.CommandLine;
using System.Globalization;
using TiKvActors.Host.Bench;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv bench stops</c>.</summary>
internal static class StopsCommand
{
    private static readonly (string Name, Func<StopMeasured, TimeSpan> Of)[] _gaps =
        [("writes", m => m.WriteGap), ("reads", m => m.ReadGap), ("one client", m => m.ClientGap)];

    public static Command Create()
    {
        var stops = Numbers.Option("--stops", "How often the leader's store is stopped, in each way", 20, 1, 10_000);
        var clients = Numbers.Option("--clients", "Concurrent clients; half of them put, half of them get", 32, 2, 10_000);
        var kind = new Option<string>("--kind")
        {
            Description = "kill (kill -9), stop (in order), or both (default)",
            HelpName = "KIND",
            DefaultValueFactory = _ => "both"
        };
        kind.AcceptOnlyFromAmong("kill", "stop", "both");
        var json = new Option<bool>("--json") { Description = "Print one JSON document and nothing else" };
        var command = new Command("stops", """
            Measure the gap in service when the leader's store stops: start a cluster of three processes in a temporary directory, put a
            load on it, stop the store that leads, wait until every client is served again, start the store, and so on.

            Example: ./tkv bench stops --stops 20
            """) { stops, clients, kind, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var output = new Output(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(json));
            var options = new StopsOptions
            {
                Stops = parsed.GetValue(stops),
                Clients = parsed.GetValue(clients),
                Kills = parsed.GetValue(kind) != "stop",
                OrderlyStops = parsed.GetValue(kind) != "kill",
            };
            var all = await StopsRun.RunAsync(options, measured => Report(output, measured), cancellation);
            if (output.Json) PrintJson(output, all);
            else PrintText(output, all);
            output.Flush();
            return ExitCode.Done;
        });
        return command;
    }

    private static void Report(Output output, StopMeasured measured)
    {
        output.Message(string.Create(
            CultureInfo.InvariantCulture,
            $"store {measured.Store} {(measured.ByKill ? "killed" : "stopped")}: no write for {Milliseconds(measured.WriteGap):N0} ms, "
                + $"no read for {Milliseconds(measured.ReadGap):N0} ms"));
        output.Flush();
    }

    private static void PrintText(Output output, IReadOnlyList<StopMeasured> all)
    {
        output.Table(["leader's store", "stops", "gap of", "p50 ms", "p99 ms", "worst ms", "errors"], Rows(all).Select(row => new[]
        {
            row.Kind, Text(row.Stops), row.Gap, Text(row.P50), Text(row.P99), Text(row.Worst), Text(row.Errors),
        }));
    }

    private static void PrintJson(Output output, IReadOnlyList<StopMeasured> all) => output.JsonLine(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("gaps");
        foreach (var row in Rows(all))
        {
            json.WriteStartObject();
            json.WriteString("kind", row.Kind);
            json.WriteNumber("stops", row.Stops);
            json.WriteString("gapOf", row.Gap);
            json.WriteNumber("p50Ms", Math.Round(row.P50, 1));
            json.WriteNumber("p99Ms", Math.Round(row.P99, 1));
            json.WriteNumber("worstMs", Math.Round(row.Worst, 1));
            json.WriteNumber("errors", row.Errors);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static IEnumerable<(string Kind, int Stops, string Gap, double P50, double P99, double Worst, int Errors)> Rows(
        IReadOnlyList<StopMeasured> all) =>
        from stops in all.GroupBy(m => m.ByKill)
        from gap in _gaps
        let sorted = stops.Select(m => Milliseconds(gap.Of(m))).Order().ToList()
        select (stops.Key ? "killed" : "stopped", sorted.Count, gap.Name, Percentile(sorted, 0.5), Percentile(sorted, 0.99), sorted[^1],
            stops.Sum(m => m.Errors));

    private static double Percentile(List<double> sorted, double share) => sorted[(int)Math.Ceiling(share * sorted.Count) - 1];

    private static double Milliseconds(TimeSpan time) => time.TotalMilliseconds;

    private static string Text(double number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
