using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace TiKvActors.Host.Bench;

/// <summary>
/// A closed loop: every client sends its next operation when the last one was answered. Latencies of operations that began in the
/// warm-up are not counted.
/// </summary>
public static class LoadGenerator
{
    /// <summary>One operation on a key; the buffer holds the value to write.</summary>
    public delegate Task Operation(byte[] key, byte[] value, CancellationToken cancellation);

    public static byte[] Key(int number) => Encoding.ASCII.GetBytes("bench" + number.ToString("D10", CultureInfo.InvariantCulture));

    public static async Task<LoadResult> RunAsync(
        LoadOptions options, Operation operation, Action<TimeSpan, long>? progress, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var end = options.Warmup + options.Duration;
        var result = new LoadResult(options);
        var before = GeneratorCost.Read();
        var workers = new Worker[options.Clients];
        for (var i = 0; i < workers.Length; i++) workers[i] = new Worker(result, operation, watch, end, seed: i + 1);
        var running = Task.WhenAll(workers.Select(w => Task.Run(() => w.RunAsync(cancellation), cancellation)));
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(500), CancellationToken.None));
            progress?.Invoke(watch.Elapsed, workers.Sum(w => w.Finished));
        }

        await running;
        result.Generator = GeneratorCost.Read().Since(before);
        return result;
    }

    private sealed class Worker(LoadResult result, Operation operation, Stopwatch watch, TimeSpan end, int seed)
    {
        private long _finished;

        public long Finished => Volatile.Read(ref _finished);

        public async Task RunAsync(CancellationToken cancellation)
        {
            var options = result.Options;
            var random = new Random(seed);
            var value = new byte[options.ValueBytes];
            while (watch.Elapsed < end && !cancellation.IsCancellationRequested)
            {
                random.NextBytes(value);
                var begin = watch.Elapsed;
                try
                {
                    await operation(Key(random.Next(options.Keys)), value, cancellation);
                    if (begin >= options.Warmup) result.Latencies.Record(watch.Elapsed - begin);
                }
                catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception e) when (e is Client.TikvException or TimeoutException)
                {
                    result.AddError(e.GetType().Name);
                }

                Volatile.Write(ref _finished, _finished + 1);
            }
        }
    }
}
