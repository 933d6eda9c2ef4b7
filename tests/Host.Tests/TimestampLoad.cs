using TiKvActors.Client;

namespace TiKvActors.Host.Tests;

/// <summary>The greatest timestamp that anybody has been given so far. Thread-safe.</summary>
internal sealed class TimestampOrder
{
    private ulong _greatest;

    public ulong Greatest => Volatile.Read(ref _greatest);

    public void Seen(ulong timestamp)
    {
        for (var seen = Greatest; seen < timestamp;)
        {
            var now = Interlocked.CompareExchange(ref _greatest, timestamp, seen);
            if (now == seen) return;
            seen = now;
        }
    }
}

/// <summary>
/// Somebody who takes timestamps from some endpoints: each must be greater than all that anybody who shares the order had before he asked.
/// Without PD he goes on asking.
/// </summary>
internal sealed class TimestampLoad : IAsyncDisposable
{
    private static readonly RawClientOptions _options = new() { CallTimeout = TimeSpan.FromSeconds(5) };

    private readonly AdminClient _admin;
    private readonly TimestampOrder _order;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private long _count;

    private TimestampLoad(AdminClient admin, TimestampOrder order)
    {
        (_admin, _order) = (admin, order);
        _running = Task.Run(TakeAsync);
    }

    public long Count => Volatile.Read(ref _count);

    public static async Task<TimestampLoad> StartAsync(string endpoints, TimestampOrder order)
    {
        var load = new TimestampLoad(await AdminClient.ConnectAsync(endpoints, _options), order);
        await load.ProgressAsync(50);
        return load;
    }

    public async Task ProgressAsync(int more)
    {
        var goal = Count + more;
        await Eventually.TrueAsync(() => Count >= goal || _running.IsFaulted, () => $"{goal} timestamps, so far {Count}");
        if (_running.IsFaulted) await _running;
    }

    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_running);
        await _admin.DisposeAsync();
        _stop.Dispose();
    }

    private async Task TakeAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var before = _order.Greatest;
            ulong timestamp;
            try
            {
                timestamp = await _admin.GetTimestampAsync();
            }
            catch (TikvException e) when (e is not ServerErrorException)
            {
                continue;
            }

            Assert.True(timestamp > before, $"{timestamp} follows {before}");
            _order.Seen(timestamp);
            Interlocked.Increment(ref _count);
        }
    }
}
