using System.CommandLine;
using System.Globalization;
using TiKvActors.Host.Bench;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv bench stops</c>.</summary>
internal static class StopsCommand
{
    private static readonly (string Name, Func<StopMeasured, TimeSpan> Of)[] _gaps =
        [("writes", m => m.WriteGap), ("reads", m => m.ReadGap), ("one client", m => m.ClientGap), ("timestamps", m => m.TimestampGap)];

    public static Command Create()
    {
        var stops = Numbers.Option("--stops", "How often a node is stopped, in each way", 20, 1, 10_000);
        var clients = Numbers.Option(
            "--clients", "Concurrent clients; half of them put, half of them get; one more for eight takes timestamps", 32, 2, 10_000);
        var nodes = Numbers.Option("--nodes", "Nodes of the cluster, each with PD and a store", 3, 3, 9);
        var together = Numbers.Option("--together", "Nodes that are stopped at a time, a minority", 1, 1, 4);
        var kind = Choice("--kind", "kill (kill -9), stop (in order), pause (SIGSTOP), or both: kill and stop", "both", "kill", "stop", "pause");
        var node = Choice("--node", "Which one: leader (of the first region), pd, or each in its turn", "leader", "pd", "each");
        var json = new Option<bool>("--json") { Description = "Print one JSON document and nothing else" };
        var command = new Command("stops", """
            Measure the gap in service when a node stops: start a cluster of processes in a temporary directory, put a load on it, stop a
            node, wait until every client is served again, start the node, wait until it is a member, and so on. Timestamps out of order
            end it with exit status 1.

            Example: ./tkv bench stops --stops 20 --node pd
            """) { stops, clients, nodes, together, kind, node, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var output = new Output(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(json));
            if (parsed.GetValue(together) * 2 >= parsed.GetValue(nodes))
                throw new CommandException(
                    ExitCode.BadUsage, $"--together {parsed.GetValue(together)}: a majority of {parsed.GetValue(nodes)} nodes has to be left");
            var options = new StopsOptions
            {
                Stops = parsed.GetValue(stops),
                Clients = parsed.GetValue(clients),
                Kinds = parsed.GetValue(kind) == "both"
                    ? [StopKind.Kill, StopKind.Stop] : [Enum.Parse<StopKind>(parsed.GetValue(kind)!, ignoreCase: true)],
                Target = Enum.Parse<StopTarget>(parsed.GetValue(node)!, ignoreCase: true),
                Nodes = parsed.GetValue(nodes),
                Together = parsed.GetValue(together),
            };
            var all = await StopsRun.RunAsync(options, measured => Report(output, measured), cancellation);
            if (output.Json) PrintJson(output, all);
            else PrintText(output, all);
            output.Flush();
            return ExitCode.Done;
        });
        return command;
    }

    private static Option<string> Choice(string name, string description, string byDefault, params string[] others)
    {
        var option = new Option<string>(name)
        {
            Description = $"{description} (default {byDefault})",
            HelpName = name[2..].ToUpperInvariant(),
            DefaultValueFactory = _ => byDefault,
        };
        option.AcceptOnlyFromAmong([byDefault, .. others]);
        return option;
    }

    private static void Report(Output output, StopMeasured measured)
    {
        output.Message(string.Create(
            CultureInfo.InvariantCulture,
            $"node {string.Join(" and ", measured.Nodes)} {Done(measured.Kind)}: no write for {Milliseconds(measured.WriteGap):N0} ms, "
                + $"no read for {Milliseconds(measured.ReadGap):N0} ms, no timestamp for {Milliseconds(measured.TimestampGap):N0} ms, "
                + $"{measured.Errors} errors"));
        output.Flush();
    }

    private static void PrintText(Output output, IReadOnlyList<StopMeasured> all)
    {
        output.Table(["nodes", "times", "gap of", "p50 ms", "p99 ms", "worst ms", "errors"], Rows(all).Select(row => new[]
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
        from stops in all.GroupBy(m => m.Kind)
        from gap in _gaps
        let sorted = stops.Select(m => Milliseconds(gap.Of(m))).Order().ToList()
        select (Done(stops.Key), sorted.Count, gap.Name, Percentile(sorted, 0.5), Percentile(sorted, 0.99), sorted[^1],
            stops.Sum(m => m.Errors));

    private static string Done(StopKind kind) => kind switch
    {
        StopKind.Kill => "killed",
        StopKind.Stop => "stopped",
        _ => "paused",
    };

    private static double Percentile(List<double> sorted, double share) => sorted[(int)Math.Ceiling(share * sorted.Count) - 1];

    private static double Milliseconds(TimeSpan time) => time.TotalMilliseconds;

    private static string Text(double number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
