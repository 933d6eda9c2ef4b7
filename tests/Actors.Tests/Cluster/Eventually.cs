using System.Diagnostics;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>Waits for a condition, never for a time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(() => Task.FromResult(condition()), what);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what) =>
        await NotNullAsync<object>(async () => await condition() ? new object() : null, what);

    public static async Task<T> NotNullAsync<T>(Func<Task<T?>> find, string what)
        where T : class
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (await find() is { } found)
                return found;
            if (watch.Elapsed > _patience)
                throw new TimeoutException($"after {_patience.TotalSeconds} s it is still not so that {what}");
            await Task.Delay(20);
        }
    }
}
