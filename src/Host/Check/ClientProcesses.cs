using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Check;

/// <summary>
/// The client processes of a check, each with a <see cref="CheckLoad"/>; one that is killed is followed by another with a name and a
/// history of its own. Each stops when its standard input is closed.
/// </summary>
internal sealed class ClientProcesses(CheckOptions options, string directory, Action<string> messages) : IDisposable
{
    /// <summary>What a process prints when its calls begin.</summary>
    public const string Connected = "connected";

    /// <param name="Id">Of the process; it can be asked for it no longer once it is disposed.</param>
    private sealed record Running(Process Process, int Id);

    private readonly ConcurrentDictionary<int, Running> _running = new();
    private readonly ConcurrentDictionary<int, int> _starts = new();
    private readonly ConcurrentQueue<string> _historyFiles = new();
    private readonly TaskCompletionSource<string> _unexpectedEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _endpoints = "";

    /// <summary>Of all that ever ran.</summary>
    public IEnumerable<string> HistoryFiles => _historyFiles;

    /// <summary>By the ids of the processes that run. Any thread.</summary>
    public IReadOnlyDictionary<int, Party> Parties => _running.ToDictionary(p => p.Value.Id, p => Party.Client(p.Key));

    /// <exception cref="CommandException">A process has ended by itself. It never completes otherwise.</exception>
    public async Task EndAsync() => throw Failed(await _unexpectedEnd.Task);

    /// <returns>When all of them are connected.</returns>
    /// <exception cref="CommandException">One has failed.</exception>
    public async Task StartAsync(string endpoints)
    {
        _endpoints = endpoints;
        for (var number = 1; number <= options.Processes; number++) Start(number);
        foreach (var (number, running) in _running)
        {
            var line = await running.Process.StandardOutput.ReadLineAsync();
            if (line != Connected) throw Failed($"client process {number} did not connect, but said: {line}");
        }
    }

    /// <summary>SIGKILL: calls under way stay without an end in the history.</summary>
    /// <returns>False: it does not run at the moment.</returns>
    public async Task<bool> KillAsync(int number)
    {
        if (!_running.TryRemove(number, out var running)) return false;
        var process = running.Process;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        return true;
    }

    public void Start(int number)
    {
        var life = _starts.AddOrUpdate(number, 1, (_, last) => last + 1);
        var name = string.Create(CultureInfo.InvariantCulture, $"{number}.{life}");
        var history = Path.Combine(directory, $"history-{name}.jsonl");
        var clients = (options.Clients + number - 1) / options.Processes;
        var seed = unchecked(options.Seed * 31 + number + (life - 1) * 1_000);
        string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
        var process = SelfProcess.Start(
        [
            "check-client", "--endpoint", _endpoints, "--name", name, "--clients", Text(clients), "--keys", Text(options.Keys),
            "--seed", Text(seed), "--history", history,
        ]);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { } text) messages($"client process {name}: {text}");
        };
        process.BeginErrorReadLine();
        _historyFiles.Enqueue(history);
        _running[number] = new Running(process, process.Id);
        _ = WatchAsync(number, process, name);
    }

    /// <exception cref="CommandException">One has failed.</exception>
    public async Task StopAsync()
    {
        var all = _running.OrderBy(p => p.Key).Select(p => (Number: p.Key, p.Value.Process)).ToList();
        _running.Clear();
        foreach (var (_, process) in all) process.StandardInput.Close();
        foreach (var (number, process) in all)
        {
            await process.WaitForExitAsync();
            var status = process.ExitCode;
            process.Dispose();
            if (status != ExitCode.Done) throw Failed($"client process {number} ended with exit status {status}");
        }
    }

    public void Dispose()
    {
        foreach (var (process, _) in _running.Values)
        {
            if (!process.HasExited) process.Kill();
            process.Dispose();
        }

        _running.Clear();
    }

    private static CommandException Failed(string why) => new(ExitCode.Failed, why);

    private async Task WatchAsync(int number, Process process, string name)
    {
        try
        {
            await process.WaitForExitAsync();
        }
        catch (InvalidOperationException)
        {
            // Disposed: it was killed.
        }

        if (_running.TryGetValue(number, out var current) && ReferenceEquals(current.Process, process))
            _unexpectedEnd.TrySetResult($"client process {name} ended by itself");
    }
}
