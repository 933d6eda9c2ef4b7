using System.Globalization;
using System.Text;
using Akka.Configuration;
using TiKvActors.Client;

namespace TiKvActors.Host.Check;

/// <summary>
/// One client process of <c>tkv bench check</c>: clients that read and write a few keys in every way, each value written once, until they
/// are told to stop.
/// Half of them wait for the store that they asked until the call's end. One reads on and on, without waiting for answers: it asks a
/// paused leader when another one has
/// taken writes already, and hears what that one answers when it is resumed.
/// </summary>
internal sealed class CheckLoad(string endpoints, string process, int clients, int keys, int seed, HistoryWriter history)
{
    private const int MaxPauseMilliseconds = 20;
    private const int MaxBatch = 5;
    private const int MaxKnocks = 200;
    private const string PatientConfig = "tikv.client { attempt-timeout = 10s, slow-attempt-timeout = 10s, max-in-flight-batches = 256 }";

    private static readonly TimeSpan _callTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _connectInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _knockInterval = TimeSpan.FromMilliseconds(50);

    public static byte[] Key(int number) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"check-{number:D4}"));

    /// <param name="connected">Called before the first call.</param>
    /// <returns>When every call under way has ended and every key was read once more.</returns>
    public async Task RunAsync(Action connected, CancellationToken stop)
    {
        var options = new RawClientOptions { CallTimeout = _callTimeout, ConnectTimeout = TimeSpan.FromSeconds(60) };
        await using var hasty = await ConnectAsync(options);
        await using var patient = await ConnectAsync(
            options with { Config = ConfigurationFactory.ParseString(PatientConfig) });
        connected();
        var knocks = KnockAsync(new RecordingClient(patient, history, clients + 1), stop);
        await Task.WhenAll(Enumerable.Range(1, clients)
            .Select(number => Task.Run(() => WorkerOf(number, number % 2 == 0 ? hasty : patient).RunAsync(stop), CancellationToken.None)));
        await knocks;
        var last = new RecordingClient(hasty, history, 0);
        for (var key = 0; key < keys; key++) await Worker.TolerateAsync(() => last.GetAsync(Key(key)));
    }

    /// <summary>A client process may begin while nobody can be reached; that ends by itself.</summary>
    private async Task<RawClient> ConnectAsync(RawClientOptions options)
    {
        while (true)
        {
            try
            {
                return await RawClient.ConnectAsync(endpoints, options, CancellationToken.None);
            }
            catch (ConnectionFailedException)
            {
                await Task.Delay(_connectInterval, CancellationToken.None);
            }
        }
    }

    private async Task KnockAsync(RecordingClient client, CancellationToken stop)
    {
        var random = new Random(seed);
        var open = new List<Task>();
        while (!stop.IsCancellationRequested)
        {
            open.RemoveAll(t => t.IsCompletedSuccessfully);
            if (open.Count < MaxKnocks) open.Add(Worker.TolerateAsync(() => client.GetAsync(Key(random.Next(keys)))));
            await Task.Delay(_knockInterval, CancellationToken.None);
        }

        await Task.WhenAll(open);
    }

    private Worker WorkerOf(int number, RawClient client) =>
        new(new RecordingClient(client, history, number), new Random(unchecked(seed * 1_000 + number)), keys, string.Create(
            CultureInfo.InvariantCulture, $"{process}.{number}."));

    private sealed class Worker(RecordingClient client, Random random, int keys, string valuePrefix)
    {
        private readonly Dictionary<int, byte[]?> _lastSeen = [];
        private int _lastValue;

        public async Task RunAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                await TolerateAsync(NextAsync);
                await Task.Delay(random.Next(MaxPauseMilliseconds), CancellationToken.None);
            }
        }

        /// <summary>What goes wrong with a cluster is in the history; anything else ends the process.</summary>
        public static async Task TolerateAsync(Func<Task> call)
        {
            try
            {
                await call();
            }
            catch (TikvException)
            {
                // Recorded.
            }
        }

        private async Task NextAsync()
        {
            var key = random.Next(keys);
            switch (random.Next(100))
            {
                case < 35:
                    _lastSeen[key] = await client.GetAsync(Key(key));
                    break;
                case < 55:
                    await client.PutAsync(Key(key), NewValue());
                    break;
                case < 62:
                    await client.DeleteAsync(Key(key));
                    break;
                case < 80:
                    var swapped = NewValue();
                    var result = await client.CompareAndSwapAsync(Key(key), _lastSeen.GetValueOrDefault(key), swapped);
                    _lastSeen[key] = result.Swapped ? swapped : result.Previous;
                    break;
                case < 86:
                    await client.BatchPutAsync([.. SomeKeys().Select(k => (Key(k), NewValue()))]);
                    break;
                case < 93:
                    await client.BatchGetAsync([.. SomeKeys().Select(Key)]);
                    break;
                default:
                    await client.ScanAsync(Key(key), Key(Math.Min(keys, key + 20)), 1 + random.Next(15), random.Next(2) == 0);
                    break;
            }
        }

        private IEnumerable<int> SomeKeys() => Enumerable.Range(0, 1 + random.Next(MaxBatch)).Select(_ => random.Next(keys)).Distinct();

        private byte[] NewValue() => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{valuePrefix}{++_lastValue}"));
    }
}
