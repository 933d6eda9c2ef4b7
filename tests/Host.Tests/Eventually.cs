using System.Diagnostics;

namespace TiKvActors.Host.Tests;

/// <summary>Waits for a condition, and says what it saw if that never comes.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<bool> condition, Func<string> seen) => TrueAsync(() => Task.FromResult(condition()), seen);

    public static Task TrueAsync(Func<Task<bool>> condition, string what) => TrueAsync(condition, () => what);

    private static async Task TrueAsync(Func<Task<bool>> condition, Func<string> seen)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > _patience) throw new TimeoutException($"waited in vain for {seen()}");
            await Task.Delay(10);
        }
    }
}
