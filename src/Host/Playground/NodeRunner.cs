using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Playground;

/// <summary>
/// The child's side of <see cref="NodeProcess"/>: serves until standard input says to stop or is closed. One answer to each line.
/// </summary>
internal sealed class NodeRunner(PlaygroundNode node, Output output)
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

    public async Task RunAsync(TextReader commands, CancellationToken cancellation)
    {
        // Serving is the answer to having been started.
        await node.StartAsync();
        Say(Answer + "serving");
        var end = await ObeyAsync(commands, cancellation);
        var stopping = node.StopAsync(handsOver: end == End.Stop);
        if (end == End.Orphan && await Task.WhenAny(stopping, Task.Delay(_orphanTimeout, CancellationToken.None)) != stopping)
            Environment.Exit(ExitCode.Failed);
        await stopping;
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
                ["checksums"] => node.Checksums(),
                ["transfer", var region, var store] => await node.TransferLeaderAsync(Number(region), Number(store)),
                _ => throw new CommandException(ExitCode.BadUsage, $"no such command: {string.Join(' ', words)}"),
            }));
        }
        catch (Exception e)
        {
            Say(Refusal + Failures.Describe(e).Message.ReplaceLineEndings(" "));
        }
    }

    private static ulong Number(string text) =>
        ulong.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : throw new CommandException(ExitCode.BadUsage, $"\"{text}\" is no id");

    private void Say(string line)
    {
        output.Line(line);
        output.Flush();
    }
}
