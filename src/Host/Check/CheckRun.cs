using System.Diagnostics;
using System.Globalization;
using TiKvActors.Host.Playground;
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

    private static async Task<CheckReport> RunAsync(CheckOptions options, string directory, string historyFile, Action<string> message, CancellationToken cancellation)
    {
        await using var log = TextWriter.Synchronized(new StreamWriter(Path.Combine(directory, "stores.log")));
        await using var cluster = await ProcessCluster.StartAsync(Path.Combine(directory, "data"), 3, line => log.Write(line + "\n"), cancellation);
        message($"{cluster.Nodes.Count} stores serve at {cluster.Endpoints}; seed {options.Seed}");
        var nemesis = new Nemesis(cluster, options, message);
        var clients = StartClients(options, cluster.Endpoints, directory, message);
        try
        {
            var load = Stopwatch.StartNew();
            var faults = nemesis.RunAsync(() => load.Elapsed >= options.Duration, cancellation);
            var rest = Task.WhenAll(faults, Task.Delay(options.Duration, cancellation));
            if (await Task.WhenAny([rest, .. clients.Select(c => c.EndAsync())]) != rest) throw new CommandException(ExitCode.Failed, "a client process ended by itself");
            await rest;
            await cluster.HealAsync();
            await cluster.ServesAsync(cancellation);
            message("the faults are over; waiting for the clients");
            await Task.WhenAll(clients.Select(c => c.StopAsync()));
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }

        var difference = await cluster.DifferenceOfReplicasAsync(cancellation);
        message("checking");
        await HistoryReader.JoinAsync(clients.Select(c => c.HistoryFile), historyFile, cancellation);
        return CheckReport.Of([historyFile], nemesis, difference);
    }

    private static List<ClientProcess> StartClients(CheckOptions options, string endpoints, string directory, Action<string> message)
    {
        var clients = new List<ClientProcess>();
        for (var process = 1; process <= options.Processes; process++)
        {
            var name = process.ToString(CultureInfo.InvariantCulture);
            var count = (options.Clients + process - 1) / options.Processes;
            clients.Add(new ClientProcess(name, endpoints, count, options.Keys, unchecked(options.Seed * 31 + process), Path.Combine(directory, $"history-{name}.jsonl"), message));
        }

        return clients;
    }
}
