using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TiKvActors.Host.Tests;

/// <summary>A <c>tkv playground</c> in a process of its own, on ports of its own.</summary>
internal sealed class PlaygroundProcess : IAsyncDisposable
{
    private const int FirstPort = 2551;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <summary>Test classes run side by side; each call gets ports of its own.</summary>
    private static int _lastOffset = 15_000 + Environment.ProcessId % 1_000 * 10;

    private readonly Process _process;
    private readonly List<string> _output = [];
    private readonly TaskCompletionSource<string> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PlaygroundProcess(string arguments, int portOffset, IReadOnlyDictionary<string, string>? environment)
    {
        PortOffset = portOffset;
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", $"\"{Program}\" playground --port-offset {portOffset} {arguments}")
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

    public int PortOffset { get; }

    public string Endpoint => $"127.0.0.1:{FirstPort + PortOffset}";

    public string Output
    {
        get
        {
            lock (_output) return string.Join('\n', _output);
        }
    }

    /// <summary>It serves; or it ended before it did, see <see cref="Output"/>.</summary>
    public Task Ready => _ready.Task;

    /// <summary>An offset at which three playground stores find their ports free.</summary>
    public static int FreePortOffset()
    {
        while (true)
        {
            var offset = Interlocked.Add(ref _lastOffset, 10);
            try
            {
                for (var i = 0; i < 3; i++)
                {
                    using var probe = new TcpListener(IPAddress.Loopback, FirstPort + offset + i);
                    probe.Start();
                }

                return offset;
            }
            catch (SocketException)
            {
                // Taken: try the next ten.
            }
        }
    }

    /// <summary>Returns when the playground serves.</summary>
    public static async Task<PlaygroundProcess> StartAsync(
        string arguments, int portOffset, IReadOnlyDictionary<string, string>? environment = null)
    {
        var playground = Launch(arguments, portOffset, environment);
        try
        {
            await playground._ready.Task.WaitAsync(_patience);
        }
        catch (Exception e)
        {
            await playground.DisposeAsync();
            throw new InvalidOperationException($"the playground did not become ready:\n{playground.Output}", e);
        }

        return playground;
    }

    /// <summary>For starts that are meant to fail.</summary>
    public static PlaygroundProcess Launch(string arguments, int portOffset, IReadOnlyDictionary<string, string>? environment = null) =>
        new(arguments, portOffset, environment);

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
        using var kill = Process.Start("kill", $"-TERM {_process.Id}");
        await kill.WaitForExitAsync();
        return await ExitAsync();
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
