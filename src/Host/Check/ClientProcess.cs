using System.Diagnostics;
using System.Globalization;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Check;

/// <summary>A process that runs a <see cref="CheckLoad"/>; it stops when its standard input is closed.</summary>
internal sealed class ClientProcess : IDisposable
{
    private readonly Process _process;
    private readonly string _name;

    public ClientProcess(string name, string endpoints, int clients, int keys, int seed, string historyFile, Action<string> messages)
    {
        _name = name;
        HistoryFile = historyFile;
        string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        _process = SelfProcess.Start(
            ["check-client", "--endpoint", endpoints, "--name", name, "--clients", Text(clients), "--keys", Text(keys), "--seed", Text(seed), "--history", historyFile]);
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { } text) messages($"client process {name}: {text}");
        };
        _process.BeginErrorReadLine();
    }

    public string HistoryFile { get; }

    public Task EndAsync() => _process.WaitForExitAsync();

    /// <exception cref="CommandException">It had failed.</exception>
    public async Task StopAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        if (_process.ExitCode != ExitCode.Done) throw new CommandException(ExitCode.Failed, $"client process {_name} ended with exit status {_process.ExitCode}");
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
