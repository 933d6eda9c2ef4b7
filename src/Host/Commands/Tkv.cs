using System.CommandLine;
using TiKvActors.Host.Terminal;

namespace TiKvActors.Host.Commands;

/// <summary>The program's root: parses, runs, and turns every failure into a message and an exit status.</summary>
public static class Tkv
{
    public static async Task<int> RunAsync(string[] args, InvocationConfiguration io, CancellationToken cancellation = default)
    {
        io.EnableDefaultExceptionHandler = false;
        var parsed = Root().Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors) io.Error.Write($"tkv: {error.Message}\n");
            io.Error.Write($"tkv: '{CommandPath(parsed)} --help' shows the usage\n");
            return ExitCode.BadUsage;
        }

        try
        {
            return await parsed.InvokeAsync(io, cancellation);
        }
        catch (Exception e)
        {
            var (exitCode, message) = Failures.Describe(e);
            io.Error.Write($"tkv: {message}\n");
            return exitCode;
        }
    }

    private static RootCommand Root() =>
        new(
            "TiKvActors: a distributed key-value store with TiKV's data model.\n\n"
                + "Example: ./tkv playground, then in a second terminal: ./tkv raw put hello world")
        {
            PlaygroundCommand.Create(),
            PlaygroundCommand.CreateNode(),
            ServerCommand.Create(),
            RawCommand.Create(),
            CtlCommand.Create(),
            BenchCommand.Create(),
            CheckCommand.CreateClient(),
            CompletionCommand.Create(),
            ScriptCommand("sim", "Run the deterministic simulation: ./tkv sim --seeds N [--from S] [--profile NAME]"),
            ScriptCommand("test", "Run every test of the repository: ./tkv test"),
        };

    private static string CommandPath(ParseResult parsed)
    {
        var names = new List<string>();
        for (var symbol = parsed.CommandResult; symbol != null; symbol = symbol.Parent as System.CommandLine.Parsing.CommandResult)
            names.Add(symbol.Command is RootCommand ? "tkv" : symbol.Command.Name);
        names.Reverse();
        return string.Join(' ', names);
    }

    /// <summary>A command that the ./tkv script carries out itself, because it needs the sources; listed here for --help.</summary>
    private static Command ScriptCommand(string name, string description)
    {
        var command = new Command(name, description);
        command.SetAction(int (ParseResult _) => throw new CommandException(
            ExitCode.BadUsage, $"'{name}' runs from a checkout of the repository: ./tkv {name}"));
        return command;
    }
}
