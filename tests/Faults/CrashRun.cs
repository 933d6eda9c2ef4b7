using System.Diagnostics;
using System.Globalization;
using TiKvActors.Client;
using TiKvActors.Host.Tests;

namespace TiKvActors.Faults;

internal sealed record CrashOptions
{
    public int Rounds { get; init; } = 10;

    public int Seed { get; init; } = 1;

    /// <summary>After each kill the directory is brought into the state that a power loss would have left.</summary>
    public bool PowerLoss { get; init; }

    /// <summary>What is left of unsynced tails, see <see cref="FaultFs.LosePower"/>.</summary>
    public string Tails { get; init; } = "random";

    /// <summary>Rules of <see cref="FaultFs"/> that hold from the beginning of each load to the kill.</summary>
    public IReadOnlyList<string> Rules { get; init; } = [];
}

/// <summary>
/// <c>kill -9</c> of a playground in the middle of a write load, again and again on the same data: what was acknowledged is there after
/// each restart, what was not is wholly there or wholly absent, and at the end the replicas are equal. Some rounds kill it while it starts.
/// </summary>
internal sealed class CrashRun : IDisposable
{
    // Small, so that logs are compacted, memory is flushed and files are merged in every round.
    private const string Hocon = """
        tikv.region { log-compaction-threshold = 64 KiB, log-limit = 256 KiB, idle-compaction-interval = 500ms, idle-log-entries = 4 }
        tikv.storage.data { write-buffer-size = 256 KiB, max-wal-size = 1 MiB }
        tikv.storage.raft { write-buffer-size = 256 KiB, max-wal-size = 1 MiB }
        """;

    private readonly CrashOptions _options;
    private readonly TextWriter _output;
    private readonly Random _random;
    private readonly Load _load;
    private readonly TemporaryDirectory _folder = new();
    private readonly FaultFs? _fs;
    private readonly int _portOffset = PlaygroundProcess.FreePortOffset();
    private string _lastLoss = "";
    private int _killedAtStart;
    private long _files;

    public CrashRun(CrashOptions options, TextWriter output)
    {
        _options = options;
        _output = output;
        _random = new Random(options.Seed);
        _load = new Load(24, options.Seed);
        File.WriteAllText(_folder.File("crash.conf"), Hocon);
        if (options.PowerLoss) _fs = new FaultFs();
    }

    private string Data => _fs?.Root ?? _folder.Path;

    /// <returns>What was done, for people.</returns>
    /// <exception cref="LostWriteException"/>
    /// <exception cref="InvalidOperationException">The playground does not start.</exception>
    public async Task<string> RunAsync()
    {
        var clock = Stopwatch.StartNew();
        for (var round = 1; round <= _options.Rounds; round++)
        {
            try
            {
                await RoundAsync();
            }
            catch (Exception e) when (e is LostWriteException or InvalidOperationException or TimeoutException or TikvException)
            {
                throw new LostWriteException($"round {round} of seed {_options.Seed}: {e.Message}\nthe power loss before it:\n{_lastLoss}");
            }

            await _output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"round {round}: {_load.Acknowledged:N0} writes acknowledged so far, {clock.Elapsed.TotalSeconds:0} s"));
        }

        await EndAsync();
        var losses = _options.PowerLoss ? $"{_files:N0} files lost something unsynced; " : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{_options.Rounds} kills ({_killedAtStart} of them while starting){(_options.PowerLoss ? " with loss of power" : "")} "
                + $"in {clock.Elapsed.TotalSeconds:0} s; {losses}{_load.Acknowledged:N0} acknowledged writes are there; "
                + $"of {_load.UnknownThatHappened + _load.UnknownThatDidNot} unanswered ones {_load.UnknownThatHappened} are wholly there "
                + $"and {_load.UnknownThatDidNot} wholly absent; replicas are equal");
    }

    public void Dispose()
    {
        _fs?.Dispose();
        _folder.Dispose();
    }

    private async Task RoundAsync()
    {
        if (_random.Next(7) == 0)
        {
            await using var starting = PlaygroundProcess.Launch(Arguments, _portOffset, _fs?.Environment);
            // Whatever it is doing by then is what it is killed in.
            await Task.Delay(_random.Next(4_000));
            await starting.KillAsync();
            _killedAtStart++;
        }
        else
        {
            await using var playground = await StartAsync();
            await using var client = await ConnectAsync(playground);
            await _load.VerifyAsync(client);
            using var stop = new CancellationTokenSource();
            var before = _load.Acknowledged;
            _fs?.Set([.. _options.Rules]);
            var load = _load.RunAsync(client, stop.Token);
            await Eventually.TrueAsync(
                () => _load.Acknowledged > before || load.IsCompleted, () => $"the first write: {playground.Output}");
            await Task.WhenAny(load, Task.Delay(_random.Next(1_500), stop.Token));
            await playground.KillAsync();
            await stop.CancelAsync();
            await load;
        }

        if (_fs is null) return;
        _fs.Set();
        _lastLoss = _fs.LosePower(_random.Next(2) == 0, _options.Tails, (ulong)_random.Next());
        _files += _lastLoss.Count(c => c == '\n');
    }

    private async Task EndAsync()
    {
        const int attempts = 10;
        for (var attempt = 1; ; attempt++)
        {
            await using (var playground = await StartAsync())
            {
                await using var client = await ConnectAsync(playground);
                await _load.VerifyAsync(client);
                var status = await playground.TerminateAsync();
                if (status != 0) throw new InvalidOperationException($"exit status {status}:\n{playground.Output}");
            }

            // A follower may have been stopped before it applied the last entries.
            if (Replicas.AreEqual(Data)) return;
            if (attempt == attempts) throw new LostWriteException($"replicas never had the same applied index in {attempts} runs");
        }
    }

    private string Arguments => $"--data \"{Data}\" --config \"{_folder.File("crash.conf")}\"";

    /// <summary>Whatever was killed, a start has nothing to complain about.</summary>
    private async Task<PlaygroundProcess> StartAsync()
    {
        var playground = PlaygroundProcess.Launch(Arguments, _portOffset, _fs?.Environment);
        try
        {
            await Eventually.TrueAsync(
                () => playground.Ready.IsCompleted || HasErrors(playground), () => $"the playground to serve:\n{playground.Output}");
            if (!playground.Ready.IsCompletedSuccessfully || HasErrors(playground))
                throw new InvalidOperationException($"the playground does not start as it should:\n{playground.Output}");
            return playground;
        }
        catch
        {
            await playground.DisposeAsync();
            throw;
        }
    }

    private static bool HasErrors(PlaygroundProcess playground) => playground.Output.Contains("[ERROR]", StringComparison.Ordinal);

    private static Task<RawClient> ConnectAsync(PlaygroundProcess playground) =>
        RawClient.ConnectAsync(playground.Endpoint, new RawClientOptions { CallTimeout = TimeSpan.FromSeconds(30) });
}
