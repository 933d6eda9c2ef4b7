using System.Diagnostics;

namespace TiKvActors.Host.Tests;

/// <summary>A <c>tkv</c> that serves, in a process of its own.</summary>
internal class TkvProcess : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private readonly List<string> _output = [];
    private readonly TaskCompletionSource<string> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="within">A command that runs the one that follows it, in the same process.</param>
    public TkvProcess(string arguments, IReadOnlyDictionary<string, string>? environment = null, string? within = null)
    {
        var (program, before) = within?.Split(' ', 2) is [var first, var rest] ? (first, $"{rest} dotnet ") : ("dotnet", "");
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(program, $"{before}\"{Program}\" {arguments}")
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) _process.StartInfo.Environment[name] = value;
        _process.OutputDataReceived += (_, line) => Seen(line.Data);
        _process.ErrorDataReceived += (_, line) => Seen(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "tkv.dll");

    public string Output
    {
        get
        {
            lock (_output) return string.Join('\n', _output);
        }
    }

    /// <summary>It serves; or it ended before it did, see <see cref="Output"/>.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Returns when it serves; ends it if it does not.</summary>
    public async Task ReadyAsync()
    {
        try
        {
            await _ready.Task.WaitAsync(_patience);
        }
        catch (Exception e)
        {
            await KillAsync();
            throw new InvalidOperationException($"it did not become ready:\n{Output}", e);
        }
    }

    /// <summary>A line to its standard input.</summary>
    public async Task TypeAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>SIGKILL: nothing is flushed or closed.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(_patience);
    }

    /// <summary>SIGTERM, and the exit status.</summary>
    public async Task<int> TerminateAsync()
    {
        await SignalAsync("TERM");
        return await ExitAsync();
    }

    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", $"-{signal} {_process.Id}");
        await kill.WaitForExitAsync();
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(_patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await KillAsync();
        _process.Dispose();
    }

    private void Seen(string? line)
    {
        if (line == null)
        {
            _ready.TrySetException(new InvalidOperationException("it ended"));
            return;
        }

        lock (_output) _output.Add(line);
        if (line.StartsWith("ready in", StringComparison.Ordinal)) _ready.TrySetResult(line);
    }
}
