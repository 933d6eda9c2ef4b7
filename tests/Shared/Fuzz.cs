using System.Diagnostics;

namespace TiKvActors.Tests.Shared;

/// <summary>
/// Runs a decoder on mutated inputs: for a second, or for TKV_FUZZ_SECONDS; TKV_SEED makes another run. Everything that the decoder throws
/// is a failure (it handles the refusals that it promises), and so is memory that the bytes do not justify.
/// </summary>
internal static class Fuzz
{
    private const int FewestRuns = 2_000;

    public static int Seed { get; } =
        int.Parse(Environment.GetEnvironmentVariable("TKV_SEED") ?? "1", System.Globalization.CultureInfo.InvariantCulture);

    private static readonly TimeSpan _time =
        TimeSpan.FromSeconds(
            int.Parse(Environment.GetEnvironmentVariable("TKV_FUZZ_SECONDS") ?? "1", System.Globalization.CultureInfo.InvariantCulture));

    /// <param name="overhead">Bytes that one run may allocate whatever its input.</param>
    /// <param name="perByte">Bytes that it may allocate for each byte of its input.</param>
    public static void Run(Random random, IReadOnlyList<byte[]> corpus, Action<byte[]> decode, int overhead = 64 * 1024, int perByte = 64)
    {
        var mutations = new Mutations(random, corpus);
        foreach (var bytes in corpus)
            decode(bytes);
        var watch = Stopwatch.StartNew();
        var runs = 0;
        for (; runs < FewestRuns || watch.Elapsed < _time; runs++)
        {
            var bytes = mutations.Next();
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                decode(bytes);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"run {runs} of seed {Seed}, bytes {Convert.ToHexString(bytes)}", e);
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(
                allocated <= overhead + (long)perByte * bytes.Length,
                $"run {runs} of seed {Seed}: {allocated} bytes allocated for {Convert.ToHexString(bytes)}");
        }

        Console.WriteLine($"{runs} mutations of {corpus.Count} inputs, seed {Seed}");
    }
}
