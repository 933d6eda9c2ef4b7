using System.Collections.Concurrent;
using System.Text;
using TiKvActors.Client;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>
/// Random faults and administrative operations under load. Counters are raised by compare-and-swap, so each acknowledged swap must show
/// exactly once, and an unknown one at most once.
/// </summary>
public sealed class NemesisTests
{
    private const int Counters = 6;
    private const int Steps = 12;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(22)]
    public async Task CountersCountExactlyWhatWasAcknowledged(int seed)
    {
        var random = new Random(seed);
        await using var cluster = await TestCluster.StartAsync(3, """
            tikv.region { log-compaction-threshold = 2 KiB, log-limit = 4 KiB }
            tikv.store { peer-restart-backoff = 50ms, engine-restart-backoff = 50ms }
            """);
        await using var client = await RawClient.ConnectAsync(string.Join(',', cluster.Nodes.Select(n => $"127.0.0.1:{n.Port}")));
        var counts = new ConcurrentDictionary<int, (int Acknowledged, int Unknown)>();
        using var stop = new CancellationTokenSource();
        var workers = Enumerable.Range(0, 12).Select(w => Task.Run(() => CountAsync(client, w % Counters, counts, stop.Token))).ToList();
        var story = new List<string>();
        await ProgressAsync(50);

        var splits = new Queue<string>(["c2", "c4", "c1"]);
        for (var step = 0; step < Steps; step++)
        {
            switch (random.Next(5))
            {
                case 0:
                    var node = cluster.Node(random.Next(1, 4));
                    story.Add($"node {node.Number} stops and returns");
                    await node.StopAsync();
                    // Long enough to need a snapshot. Without PD, on node 1, a client that lost its picture of the regions waits for it.
                    if (node.Number != 1)
                        await ProgressAsync(150);
                    node.Start();
                    break;
                case 1:
                    var failing = cluster.Node(random.Next(1, 4));
                    story.Add($"the journal of node {failing.Number} fails once");
                    await FailOnceAsync(failing, FailPoints.JournalCommit);
                    break;
                case 2:
                    var broken = cluster.Node(random.Next(1, 4));
                    story.Add($"a data write of node {broken.Number} fails once");
                    await FailOnceAsync(broken, FailPoints.DataWrite);
                    break;
                case 3 when splits.TryDequeue(out var key):
                    story.Add($"a split at {key}");
                    await cluster.Client.SplitAsync(key);
                    break;
                default:
                    var moved = await cluster.MoveLeadershipAsync($"c{random.Next(Counters)}");
                    story.Add($"region {moved.Status.Region.Id} went to store {moved.Status.Self.StoreId} in term {moved.Status.Term}");
                    break;
            }

            await ProgressAsync(30);
        }

        await stop.CancelAsync();
        await Task.WhenAll(workers);
        await cluster.AllReplicasAreEqualAsync();
        for (var counter = 0; counter < Counters; counter++)
        {
            var value = int.Parse(Encoding.UTF8.GetString((await client.GetAsync(Key(counter)))!));
            var (acknowledged, unknown) = counts[counter];
            Assert.True(value >= acknowledged && value <= acknowledged + unknown,
                $"counter {counter} is {value} after {acknowledged} acknowledged swaps and {unknown} unknown ones; "
                    + $"seed {seed}: {string.Join("; ", story)}");
        }

        async Task ProgressAsync(int more)
        {
            var goal = counts.Values.Sum(c => c.Acknowledged) + more;
            await Eventually.TrueAsync(
                () => counts.Values.Sum(c => c.Acknowledged) >= goal || workers.Exists(w => w.IsFaulted),
                $"{goal} swaps are acknowledged, after {string.Join("; ", story)}");
            await Task.WhenAll(workers.Where(w => w.IsFaulted));
        }
    }

    private static byte[] Key(int counter) => Encoding.UTF8.GetBytes($"c{counter}");

    private static async Task CountAsync(
        RawClient client, int counter, ConcurrentDictionary<int, (int Acknowledged, int Unknown)> counts, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var before = await client.GetAsync(Key(counter), CancellationToken.None);
                var after = (before is null ? 0 : int.Parse(Encoding.UTF8.GetString(before))) + 1;
                var result = await client.CompareAndSwapAsync(
                    Key(counter), before, Encoding.UTF8.GetBytes($"{after}"), cancellation: CancellationToken.None);
                if (result.Swapped)
                    counts.AddOrUpdate(counter, (1, 0), (_, c) => (c.Acknowledged + 1, c.Unknown));
            }
            catch (UndeterminedException)
            {
                counts.AddOrUpdate(counter, (0, 1), (_, c) => (c.Acknowledged, c.Unknown + 1));
            }
        }
    }

    /// <summary>Completes when it has failed.</summary>
    private static async Task FailOnceAsync(TestNode node, string place)
    {
        var failures = 0;
        node.Tikv.FailPoints.Set(place, () =>
        {
            if (Interlocked.Increment(ref failures) == 1)
                throw new IOException("disk error made by a test");
        });
        await Eventually.TrueAsync(() => Volatile.Read(ref failures) > 0, $"{place} of node {node.Number} has failed");
    }
}
