using System.Collections.Concurrent;
using System.Text;
using TiKvActors.Client;
using TiKvActors.Storage;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>The library that applications use, against real nodes.</summary>
public sealed class RawClientTests
{
    /// <summary>
    /// "Will happen" is one of the things that undetermined means: what waits for the followers' disks is in the log, and no read shows it.
    /// </summary>
    [Fact]
    public async Task AnUndeterminedSwapMayHappenAfterAReadThatDidNotShowIt()
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var client = await RawClient.ConnectAsync(
            string.Join(',', cluster.Nodes.Select(n => $"127.0.0.1:{n.Port}")),
            new RawClientOptions { CallTimeout = TimeSpan.FromSeconds(2) });
        var key = "swapped"u8.ToArray();
        await client.PutAsync(key, "60"u8.ToArray());
        var leader = (await cluster.LeaderOfAsync("s")).Node;
        using var goesOn = new ManualResetEventSlim();
        var followers = cluster.Nodes.Where(n => n != leader).ToList();
        followers.ForEach(f => f.Tikv.FailPoints.Set(FailPoints.JournalCommit, goesOn.Wait));
        try
        {
            await Assert.ThrowsAsync<UndeterminedException>(() => client.CompareAndSwapAsync(key, "60"u8.ToArray(), "61"u8.ToArray()));
            Assert.Equal("60", await GetAsync());
        }
        finally
        {
            followers.ForEach(f => f.Tikv.FailPoints.Clear(FailPoints.JournalCommit));
            goesOn.Set();
        }

        await Eventually.TrueAsync(async () => await GetAsync() == "61", "it happens");

        async Task<string> GetAsync() => Encoding.UTF8.GetString((await client.GetAsync(key))!);
    }

    [Fact]
    public async Task AClientWorksThroughSplitsAndTheLossOfALeader()
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var client = await RawClient.ConnectAsync(string.Join(',', cluster.Nodes.Select(n => $"127.0.0.1:{n.Port}")));
        await using var admin = await AdminClient.ConnectAsync($"127.0.0.1:{cluster.Node(1).Port}");
        var acknowledged = new ConcurrentDictionary<string, string>();
        using var stop = new CancellationTokenSource();
        var undetermined = 0;
        var writers = Enumerable.Range(0, 32).Select(w => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var (key, value) = ($"{(char)('a' + (i % 26))}-{w}-{i}", $"{w}.{i}");
                try
                {
                    await client.PutAsync(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value));
                    acknowledged[key] = value;
                }
                catch (UndeterminedException)
                {
                    Interlocked.Increment(ref undetermined);
                }
            }
        })).ToList();

        await Progress(500);
        await admin.SplitRegionAsync("m"u8.ToArray());
        await admin.SplitRegionAsync("t"u8.ToArray());
        await Progress(500);
        var leader = (await cluster.LeaderOfAsync("n")).Node;
        await leader.StopAsync();
        await Progress(500);
        leader.Start();
        await Progress(500);
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        foreach (var (key, value) in acknowledged)
            Assert.Equal(value, Encoding.UTF8.GetString((await client.GetAsync(Encoding.UTF8.GetBytes(key)))!));
        var scanned = 0;
        await foreach (var pair in client.ScanAsync(default, default))
            scanned++;
        Assert.InRange(scanned, acknowledged.Count, acknowledged.Count + undetermined);
        await cluster.AllReplicasAreEqualAsync();

        async Task Progress(int more)
        {
            var goal = acknowledged.Count + more;
            await Eventually.TrueAsync(
                () => acknowledged.Count >= goal || writers.Exists(w => w.IsFaulted), $"{goal} writes are acknowledged");
            await Task.WhenAll(writers.Where(w => w.IsFaulted));
        }
    }
}
