using System.Globalization;
using System.Text;
using TiKvActors.Client;

namespace TiKvActors.Host.Tests;

/// <summary>A writer, and somebody who takes timestamps: what was acknowledged is there, and no timestamp is out of order.</summary>
internal sealed class ClusterLoad : IAsyncDisposable
{
    private static readonly byte[] _key = "count"u8.ToArray();

    private readonly RawClient _client;
    private readonly TimestampLoad _timestamps;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private long _acknowledged;

    private ClusterLoad(RawClient client, TimestampLoad timestamps)
    {
        (_client, _timestamps) = (client, timestamps);
        _running = Task.Run(WriteAsync);
    }

    /// <param name="order">Shared with others who take timestamps.</param>
    public static async Task<ClusterLoad> StartAsync(string endpoints, TimestampOrder? order = null)
    {
        var load = new ClusterLoad(
            await RawClient.ConnectAsync(endpoints), await TimestampLoad.StartAsync(endpoints, order ?? new TimestampOrder()));
        await load.ProgressAsync();
        return load;
    }

    public async Task ProgressAsync()
    {
        await WritesAsync();
        await _timestamps.ProgressAsync(50);
    }

    public async Task WritesAsync()
    {
        var goal = Volatile.Read(ref _acknowledged) + 50;
        await Eventually.TrueAsync(
            () => Volatile.Read(ref _acknowledged) >= goal || _running.IsFaulted, () => $"{goal} writes, so far {_acknowledged}");
        if (_running.IsFaulted) await _running;
    }

    public Task TimestampsAsync(int more) => _timestamps.ProgressAsync(more);

    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _timestamps.EndAsync();
        var found = long.Parse(Encoding.UTF8.GetString((await _client.GetAsync(_key))!), CultureInfo.InvariantCulture);
        Assert.True(found >= _acknowledged, $"{_acknowledged} was acknowledged, {found} is there");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_running);
        await _client.DisposeAsync();
        await _timestamps.DisposeAsync();
        _stop.Dispose();
    }

    private async Task WriteAsync()
    {
        for (var count = 1L; !_stop.IsCancellationRequested;)
        {
            try
            {
                await _client.PutAsync(_key, Encoding.UTF8.GetBytes(count.ToString(CultureInfo.InvariantCulture)));
                Volatile.Write(ref _acknowledged, count);
                Assert.Equal(
                    count, long.Parse(Encoding.UTF8.GetString((await _client.GetAsync(_key))!), CultureInfo.InvariantCulture));
                count++;
            }
            catch (TikvException e) when (e is UndeterminedException or DeadlineExceededException)
            {
                // The same again: nobody else writes.
            }
        }
    }
}
