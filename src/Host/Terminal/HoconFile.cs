using Akka.Configuration;

namespace TiKvActors.Host.Terminal;

/// <summary>Settings that the user keeps in a file.</summary>
internal static class HoconFile
{
    /// <exception cref="CommandException">It cannot be read or understood.</exception>
    public static Config Read(string file)
    {
        try
        {
            return ConfigurationFactory.ParseString(File.ReadAllText(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new CommandException(ExitCode.BadUsage, $"{file}: {e.Message}");
        }
    }
}
