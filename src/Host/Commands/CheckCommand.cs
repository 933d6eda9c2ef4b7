using System.CommandLine;
using TiKvActors.Host.Check;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv bench check</c>, and the hidden command by which it starts its client processes.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var seconds = Numbers.Option("--seconds", "How long the faults go on", 60, 1, 86_400);
        var clients = Numbers.Option("--clients", "Concurrent clients, over all client processes", 24, 1, 10_000);
        var processes = Numbers.Option("--processes", "Client processes", 3, 1, 64);
        var keys = Numbers.Option("--keys", "Different keys: fewer are harder", 60, 2, 9_999);
        var seed = new Option<int?>("--seed")
        {
            Description = "Of the faults' schedule, which is printed, and of the load (default: a random one)",
            HelpName = "N",
        };
        var faults = new Option<string>("--faults")
        {
            Description = $"Some of {Names(Enum.GetValues<FaultKind>())}, or none",
            HelpName = "KIND[,KIND...]",
            DefaultValueFactory = _ => Names(Enum.GetValues<FaultKind>()),
        };
        faults.Validators.Add(result =>
        {
            if (Parse(result.GetValueOrDefault<string>()) is null)
                result.AddError($"--faults takes some of {Names(Enum.GetValues<FaultKind>())}, with commas between them, or none");
        });
        var history = new Option<FileInfo?>("--history")
        {
            Description = "Keep the recorded history (JSON lines, see docs/testing.md)",
            HelpName = "FILE"
        };
        var checkOnly = new Option<FileInfo[]>("--check-only")
        {
            Description = "Check recorded histories, of processes of one machine; start nothing",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document and nothing else" };
        var command = new Command("check", """
            Check that nothing is lost: start a cluster of processes in a temporary directory, put a load of many client processes on it,
            kill, pause, stop its stores, cut connections between stores and between clients and stores, kill clients, move and split
            regions, several at a time, and check that the clients' history is linearizable, that service came back by itself, and that
            all replicas are equal.
            Exit status 0: it is. 1: it is not, and here are the operations that show it.

            Example: ./tkv bench check --seconds 60 --faults kill,pause
            Example: ./tkv bench check --check-only history.jsonl
            """) { seconds, clients, processes, keys, faults, seed, history, checkOnly, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var output = new Output(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(json));
            if (parsed.GetValue(checkOnly) is { Length: > 0 } files) return CheckOnly(files, output);
            var options = new CheckOptions
            {
                Duration = TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                Clients = parsed.GetValue(clients),
                Processes = Math.Min(parsed.GetValue(processes), parsed.GetValue(clients)),
                Keys = parsed.GetValue(keys),
                Faults = Parse(parsed.GetValue(faults))!,
                Seed = parsed.GetValue(seed) ?? Random.Shared.Next(),
                HistoryFile = parsed.GetValue(history)?.FullName,
            };
            var passed = await CheckRun.RunAsync(options, output, cancellation);
            output.Flush();
            return passed ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    /// <summary>Started by <see cref="ClientProcesses"/>.</summary>
    public static Command CreateClient()
    {
        var endpoint = new Option<string>("--endpoint") { Required = true };
        var name = new Option<string>("--name") { Required = true };
        var clients = new Option<int>("--clients") { Required = true };
        var keys = new Option<int>("--keys") { Required = true };
        var seed = new Option<int>("--seed") { Required = true };
        var history = new Option<string>("--history") { Required = true };
        var command = new Command(
            "check-client", "A client process of 'tkv bench check', which starts it") { endpoint, name, clients, keys, seed, history };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            using var writer = new HistoryWriter(parsed.GetRequiredValue(history), parsed.GetRequiredValue(name));
            var load = new CheckLoad(
                parsed.GetRequiredValue(endpoint), parsed.GetRequiredValue(name), parsed.GetRequiredValue(clients),
                parsed.GetRequiredValue(keys), parsed.GetRequiredValue(seed), writer);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var running = load.RunAsync(() => Console.Out.WriteLine(ClientProcesses.Connected), stop.Token);
            // Standard input is closed when the parent says so, and when it is gone.
            var told = Task.Run(Console.In.ReadToEnd, CancellationToken.None);
            if (await Task.WhenAny(running, told) == told) await stop.CancelAsync();
            await running;
            return ExitCode.Done;
        });
        return command;
    }

    private static int CheckOnly(FileInfo[] files, Output output)
    {
        try
        {
            var report = CheckReport.Of(files.Select(f => f.FullName), faults: null);
            report.Print(output);
            output.Flush();
            return report.HasPassed ? ExitCode.Done : ExitCode.Failed;
        }
        catch (FormatException e)
        {
            throw new CommandException(ExitCode.BadUsage, e.Message);
        }
    }

    private static string Names(IEnumerable<FaultKind> kinds) => string.Join(',', kinds.Select(PlannedFault.NameOf));

    /// <returns>Null: not understood.</returns>
    private static List<FaultKind>? Parse(string? text)
    {
        var kinds = new List<FaultKind>();
        foreach (var name in text is null or "none" ? [] : text.Split(','))
        {
            var known = Enum.GetValues<FaultKind>().Where(k => PlannedFault.NameOf(k) == name).ToList();
            if (known.Count == 0) return null;
            kinds.AddRange(known);
        }

        return kinds;
    }
}
