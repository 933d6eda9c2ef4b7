namespace Akka.Util;

/// <summary>Writes whole lines to standard output, so that the lines of several threads are not mixed.</summary>
public static class StandardOutWriter
{
    private static readonly Lock _lock = new();

    public static void Write(string message, ConsoleColor? foregroundColor = null, ConsoleColor? backgroundColor = null) =>
        Colored(() => Console.Write(message), foregroundColor, backgroundColor);

    public static void WriteLine(string message, ConsoleColor? foregroundColor = null, ConsoleColor? backgroundColor = null) =>
        Colored(() => Console.WriteLine(message), foregroundColor, backgroundColor);

    private static void Colored(Action write, ConsoleColor? foreground, ConsoleColor? background)
    {
        lock (_lock)
        {
            // Colours in redirected output would be escape sequences in a file.
            var colored = (foreground != null || background != null) && !Console.IsOutputRedirected;
            if (colored && foreground is { } f) Console.ForegroundColor = f;
            if (colored && background is { } b) Console.BackgroundColor = b;
            try
            {
                write();
            }
            finally
            {
                if (colored) Console.ResetColor();
            }
        }
    }
}
