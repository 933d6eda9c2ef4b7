#nullable enable
using System.Diagnostics;

namespace TiKvActors.Tests.Shared;

/// <summary>Waits for a condition, never for a time, and says what it was if that never comes.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(condition, () => what);

    /// <param name="condition">Asked again and again, so it must change nothing.</param>
    /// <param name="what">Asked at the end: it may say what there was instead.</param>
    public static Task TrueAsync(Func<bool> condition, Func<string> what) => TrueAsync(() => Task.FromResult(condition()), what);

    public static Task TrueAsync(Func<Task<bool>> condition, string what) => TrueAsync(condition, () => what);

    public static Task<T> NotNullAsync<T>(Func<Task<T?>> find, string what) where T : class => NotNullAsync(find, () => what);

    public static Task TrueAsync(Func<Task<bool>> condition, Func<string> what) =>
        NotNullAsync(async () => await condition() ? condition : null, what);

    public static async Task<T> NotNullAsync<T>(Func<Task<T?>> find, Func<string> what) where T : class
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (await find() is { } found)
                return found;
            if (watch.Elapsed > _patience)
                throw new TimeoutException($"waited in vain for {_patience.TotalSeconds} s: {what()}");
            await Task.Delay(10);
        }
    }
}
