using TiKvActors.Host.Bench;

namespace TiKvActors.Host.Tests;

public class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_within_a_bucket_of_the_exact_ones()
    {
        var histogram = new LatencyHistogram();
        var random = new Random(1);
        var exact = new List<long>();
        for (var i = 0; i < 10_000; i++)
        {
            var ticks = (long)Math.Pow(10, 1 + random.NextDouble() * 7);
            exact.Add(ticks);
            histogram.Record(TimeSpan.FromTicks(ticks));
        }

        exact.Sort();
        foreach (var share in new[] { 0.01, 0.5, 0.9, 0.99, 0.999, 1 })
        {
            var expected = exact[(int)Math.Ceiling(share * exact.Count) - 1];
            Assert.InRange(histogram.Percentile(share).Ticks, expected, expected * 1.04 + 1);
        }

        Assert.Equal(exact[^1], histogram.Max.Ticks);
    }

    [Fact]
    public void Nothing_that_several_threads_record_is_lost()
    {
        const int Each = 200_000;
        var histogram = new LatencyHistogram();
        Parallel.For(0, 4, thread =>
        {
            for (var i = 0; i < Each; i++) histogram.Record(TimeSpan.FromMilliseconds(thread < 2 ? 1 : i % 100 + 2));
        });
        Assert.Equal(4 * Each, histogram.Count);
        Assert.Equal(TimeSpan.FromMilliseconds(101), histogram.Max);
        Assert.InRange(histogram.Percentile(0.5), TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1.04));
        Assert.InRange(histogram.Percentile(0.505), TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(2.08));
    }

    [Fact]
    public void An_empty_histogram_has_no_latency() => Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(0.99));

    [Fact]
    public void The_longest_latency_that_fits_is_recorded()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.MaxValue);
        Assert.Equal(TimeSpan.MaxValue, histogram.Percentile(0.5));
    }
}
