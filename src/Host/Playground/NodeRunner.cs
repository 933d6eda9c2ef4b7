using TiKvActors.Host.Terminal;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Host.Playground;

/// <summary>
/// The child's side of <see cref="NodeProcess"/>: serves until standard input says to stop or is closed. One answer to each line.
/// </summary>
internal sealed class NodeRunner
{
    public const string Answer = "tkv-node-answer ";
    public const string Refusal = "tkv-node-refusal ";

    /// <summary>What is led here is led elsewhere first.</summary>
    public const string Stop = "stop";

    /// <summary>The other stores stop as well.</summary>
    public const string StopAtOnce = "stop-at-once";

    private enum End
    {
        Stop,
        StopAtOnce,

        /// <summary>The parent is gone.</summary>
        Orphan,
    }

    /// <summary>How long an orphan takes to close its engines before it gives up.</summary>
    private static readonly TimeSpan _orphanTimeout = TimeSpan.FromSeconds(20);

    private readonly PlaygroundNode _node;
    private readonly Output _output;

    public NodeRunner(int number, string root, PlaygroundOptions options, Output output)
    {
        _output = output;
        var cache = new SharedBlockCache(StorageSettings.Default.BlockCacheBytes);
        _node = new PlaygroundNode(number, root, options, cache, output.Alert);
    }

    /// <exception cref="StorageException">The store cannot be opened, or was found to be damaged later.</exception>
    public async Task RunAsync(TextReader commands, CancellationToken cancellation)
    {
        // Serving is the answer to having been started.
        await _node.StartAsync();
        Say(Answer + "serving");
        var obeying = ObeyAsync(commands, cancellation);
        var ended = await Task.WhenAny(obeying, _node.Ended);
        End? end = ended == obeying ? await obeying : null;
        var stopping = _node.StopAsync(handsOver: end == End.Stop);
        if (end == End.Orphan && await Task.WhenAny(stopping, Task.Delay(_orphanTimeout, CancellationToken.None)) != stopping)
            Environment.Exit(ExitCode.Failed);
        await stopping;
        await ended;
    }

    private async Task<End> ObeyAsync(TextReader commands, CancellationToken cancellation)
    {
        try
        {
            while (await Task.Run(commands.ReadLine, cancellation).WaitAsync(cancellation) is { } line)
            {
                if (line == Stop) return End.Stop;
                if (line == StopAtOnce) return End.StopAtOnce;
                await ObeyAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            }

            return End.Orphan;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return End.Stop;
        }
    }

    private async Task ObeyAsync(string[] words)
    {
        try
        {
            Say(Answer + (words switch
            {
                ["checksums"] => _node.Checksums(),
                ["transfer", var region, var store] => await _node.TransferLeaderAsync(Number(region), Number(store)),
                _ => throw new CommandException(ExitCode.BadUsage, $"no such command: {string.Join(' ', words)}"),
            }));
        }
        catch (Exception e)
        {
            Say(Refusal + Failures.Describe(e).Message.ReplaceLineEndings(" "));
        }
    }

    private static ulong Number(string text) =>
        ulong.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number)
            ? number : throw new CommandException(ExitCode.BadUsage, $"\"{text}\" is no id");

    private void Say(string line)
    {
        _output.Line(line);
        _output.Flush();
    }
}
