using System.Diagnostics;
using System.Globalization;

namespace TiKvActors.Host.Terminal;

/// <summary>
/// Progress of something that takes longer than a second, on standard error: one line that is redrawn on a terminal, a line
/// every ten seconds elsewhere. Not thread safe.
/// </summary>
public sealed class ProgressLine(TextWriter messages, string what, long? totalBytes, bool terminal)
{
    private static readonly TimeSpan _quiet = TimeSpan.FromSeconds(1);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly TimeSpan _interval = terminal ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(10);
    private TimeSpan _next = _quiet;
    private int _drawn;

    public void Report(long items, long bytes)
    {
        if (_watch.Elapsed < _next) return;
        _next = _watch.Elapsed + _interval;
        var text = Text(items, bytes);
        if (!terminal)
        {
            messages.Write(text + "\n");
            return;
        }

        messages.Write("\r" + text.PadRight(_drawn));
        _drawn = text.Length;
    }

    /// <summary>Ends the redrawn line, if there is one.</summary>
    public void Done()
    {
        if (_drawn > 0) messages.Write("\r" + new string(' ', _drawn) + "\r");
        _drawn = 0;
    }

    private string Text(long items, long bytes)
    {
        var seconds = Math.Max(_watch.Elapsed.TotalSeconds, 0.001);
        var rate = string.Create(
            CultureInfo.InvariantCulture, $"{what}: {items:N0} keys, {items / seconds:N0}/s, {bytes / 1048576.0:N1} MiB");
        if (totalBytes is not > 0) return rate;
        var share = Math.Min(1, (double)bytes / totalBytes.Value);
        var bar = (int)(share * 20);
        return $"[{new string('#', bar)}{new string('.', 20 - bar)}] {share.ToString("P0", CultureInfo.InvariantCulture)} {rate}";
    }
}
