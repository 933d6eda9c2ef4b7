using System.Diagnostics;
using System.Globalization;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Check;

/// <summary><c>tkv bench check</c>: a cluster of processes, client processes, faults; then the checker.</summary>
internal static class CheckRun
{
    /// <returns>Whether everything was as it must be.</returns>
    public static async Task<bool> RunAsync(CheckOptions options, Output output, CancellationToken cancellation)
    {
        var directory = Directory.CreateTempSubdirectory("tkv-check-");
        var watch = Stopwatch.StartNew();
        void Message(string text)
        {
            output.Message(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds,7:0.0} s  {text}"));
            output.Flush();
        }

        var passed = false;
        var historyFile = options.HistoryFile ?? Path.Combine(directory.FullName, "history.jsonl");
        try
        {
            var report = await RunAsync(options, directory.FullName, historyFile, Message, cancellation);
            report.Print(output);
            return passed = report.HasPassed;
        }
        finally
        {
            if (passed || cancellation.IsCancellationRequested) directory.Delete(recursive: true);
            else output.Message($"data, history and the stores' log are kept in {directory.FullName}");
        }
    }

    private static async Task<CheckReport> RunAsync(
        CheckOptions options, string directory, string historyFile, Action<string> message, CancellationToken cancellation)
    {
        await using var log = TextWriter.Synchronized(new StreamWriter(Path.Combine(directory, "stores.log")));
        using var clients = new ClientProcesses(options, directory, message);
        await using var cluster = new RelayedCluster(
            Path.Combine(directory, "data"), CheckOptions.Stores, () => clients.Parties, line => log.Write(line + "\n"));
        var processes = cluster.Processes;
        await processes.StartAsync(cancellation);
        message($"{processes.Nodes.Count} stores serve at {processes.Endpoints}; seed {options.Seed}");
        var plan = FaultSchedule.Plan(options.Faults, options.Duration, CheckOptions.Stores, options.Processes, options.Seed);
        foreach (var fault in plan) message(fault.ToString());
        var hasCuts = plan.Any(f => f.Kind is FaultKind.Partition or FaultKind.ClientPartition);
        if (hasCuts && SocketOwners.Problem is { } problem) message(problem);

        var nemesis = new Nemesis(cluster, clients, options, plan, message);
        await clients.StartAsync(processes.Endpoints);
        var began = HistoryWriter.Now;
        var rest = Task.WhenAll(nemesis.RunAsync(cancellation), Task.Delay(options.Duration, cancellation));
        await await Task.WhenAny(rest, clients.EndAsync());
        await processes.ServesAsync(cancellation);
        var ended = HistoryWriter.Now;
        message("the faults are over; waiting for the clients");
        await clients.StopAsync();

        var difference = await processes.DifferenceOfReplicasAsync(cancellation);
        message("checking");
        await HistoryReader.JoinAsync(clients.HistoryFiles.Where(File.Exists), historyFile, cancellation);
        return CheckReport.Of([historyFile], new CheckedFaults(nemesis.Log, began, ended, difference));
    }
}
