namespace TiKvActors.Host.Terminal;

/// <summary>A failure that a command reports as one line on standard error, with the exit status that belongs to it.</summary>
public sealed class CommandException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
