using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Playground;

/// <summary>
/// The child's side of <see cref="NodeProcess"/>: serves until standard input says <c>stop</c> or is closed. One answer to each line.
/// </summary>
internal sealed class NodeRunner(PlaygroundNode node, Output output)
{
    public const string Answer = "tkv-node-answer ";
    public const string Refusal = "tkv-node-refusal ";

    /// <summary>How long an orphan takes to close its engines before it gives up.</summary>
    private static readonly TimeSpan _orphanTimeout = TimeSpan.FromSeconds(20);

    public async Task RunAsync(TextReader commands, CancellationToken cancellation)
    {
        // Serving is the answer to having been started.
        await node.StartAsync();
        Say(Answer + "serving");
        var isOrphan = await ObeyAsync(commands, cancellation);
        var stopping = node.StopAsync();
        if (isOrphan && await Task.WhenAny(stopping, Task.Delay(_orphanTimeout, CancellationToken.None)) != stopping) Environment.Exit(ExitCode.Failed);
        await stopping;
    }

    /// <returns>True: the parent is gone.</returns>
    private async Task<bool> ObeyAsync(TextReader commands, CancellationToken cancellation)
    {
        try
        {
            while (await Task.Run(commands.ReadLine, cancellation).WaitAsync(cancellation) is { } line)
            {
                if (line == "stop") return false;
                await ObeyAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            }

            return true;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
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
