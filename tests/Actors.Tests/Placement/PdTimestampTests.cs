using Akka.Actor;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Tests.Cluster;
using TiKvActors.Actors.Tests.Journal;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Tests.Placement;

/// <summary>Timestamps of PD on the replicated journal, from one incarnation to the next.</summary>
public sealed class PdTimestampTests : IAsyncLifetime
{
    private readonly MetaNodes _nodes = new("""
        tikv.pd.restart-backoff = 50ms
        tikv.pd.tso.lease = 1s
        tikv.pd.snapshot-interval = 3
        """);

    public PdTimestampTests() => _nodes.Start();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _nodes.DisposeAsync().AsTask();

    [Fact]
    public async Task AWindowIsInTheJournalBeforeATimestampOfItIsIssued()
    {
        var pd = _nodes[0].StartPd();
        var cluster = await pd.ClusterIdAsync();
        Assert.Empty((await _nodes[0].PdEventsAsync()).OfType<TimestampWindowExtended>());
        var timestamp = await pd.TimestampAsync(cluster);
        var events = await _nodes[0].PdEventsAsync();
        var window = Assert.Single(events.OfType<TimestampWindowExtended>());
        Assert.True(TimestampLayout.Physical(timestamp) < window.End);
        Assert.Equal(1000ul, window.LeaseMillis);
        Assert.Equal(events.OfType<IncarnationStarted>().Single().Id, window.IncarnationId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TimestampsGrowFromOneIncarnationToTheNext(bool released)
    {
        var pd = _nodes[0].StartPd();
        var cluster = await pd.ClusterIdAsync();
        var last = 0L;
        for (var node = 1; node <= 4; node++)
        {
            for (var i = 0; i < 3; i++)
            {
                var next = await pd.TimestampAsync(cluster, count: 10);
                Assert.True(next >= last + 10);
                last = next;
            }

            var ended = pd.WatchAsync();
            pd.Tell(released ? Pd.Release.Instance : PoisonPill.Instance);
            Assert.True(await ended);
            pd = _nodes[node % 3].StartPd();
        }
    }

    [Fact]
    public async Task TheMinimumOfAllOraclesIsATimestampOfTheOneThereIs()
    {
        var pd = _nodes[0].StartPd();
        var cluster = await pd.ClusterIdAsync();
        var before = await pd.TimestampAsync(cluster);
        var answer = await pd.AskPdAsync<GetMinTSResponse>(new GetMinTSRequest { Header = new RequestHeader { ClusterId = cluster } });
        Assert.Equal(new ResponseHeader { ClusterId = cluster }, answer.Header);
        var minimum = TimestampLayout.Compose(answer.Timestamp.Physical, answer.Timestamp.Logical);
        Assert.True(before < minimum && minimum < await pd.TimestampAsync(cluster));
        var refused = await pd.AskPdAsync<GetMinTSResponse>(new GetMinTSRequest { Header = new RequestHeader { ClusterId = 7 } });
        Assert.Equal($"mismatch cluster id, need {cluster} but got 7", refused.Header.Error.Message);
        Assert.Null(refused.Timestamp);
    }

    /// <summary>Whoever answers: an answer is greater than everything that was answered before its question.</summary>
    [Fact]
    public async Task OfTwoLivingPdsTheOlderIssuesNothingAfterTheYounger()
    {
        var older = _nodes[0].StartPd();
        var cluster = await older.ClusterIdAsync();
        var last = await older.TimestampAsync(cluster);
        var younger = _nodes[1].StartPd();
        var answersOfOlder = 0;
        var first = younger.TimestampAsync(cluster);
        while (!first.IsCompleted)
        {
            var answer = await older.TryTimestampAsync(cluster);
            if (answer is null)
                continue;
            answersOfOlder++;
            Assert.True(answer > last);
            last = answer.Value;
        }

        // A later incarnation of the older one's supervisor may have overtaken the younger one.
        for (var i = 0; i < 20; i++)
        {
            foreach (var pd in new[] { older, younger })
            {
                if (await pd.TryTimestampAsync(cluster) is not { } answer)
                    continue;
                Assert.True(answer > last, $"{answer} after {last}");
                last = answer;
            }
        }

        Assert.True(answersOfOlder > 0 || await first > last);
    }

    [Fact]
    public async Task BadCountsAndAnotherClusterAreRefused()
    {
        var pd = _nodes[0].StartPd();
        var cluster = await pd.ClusterIdAsync();
        foreach (var count in new[] { 0u, 262_145u })
        {
            var request = new TsoRequest { Header = new RequestHeader { ClusterId = cluster }, Count = count };
            var refused = await pd.AskPdAsync<TsoResponse>(request);
            Assert.Equal(ErrorType.InvalidValue, refused.Header.Error.Type);
        }

        var other = await pd.AskPdAsync<TsoResponse>(new TsoRequest { Header = new RequestHeader { ClusterId = cluster + 1 }, Count = 1 });
        Assert.Contains("mismatch cluster id", other.Header.Error.Message);
    }
}

/// <summary>Timestamps of a PD whose journal is its node's own, through the client.</summary>
public sealed class LocalPdTimestampTests
{
    [Fact]
    public async Task ConcurrentCallersGetDifferentTimestampsInTheirOrderAlsoAfterRestartsAndCrashes()
    {
        await using var cluster = await TestCluster.StartAsync(1, "");
        var node = cluster.Node(1);
        var highest = 0UL;
        for (var life = 0; life < 3; life++)
        {
            await using (var admin = await Client.AdminClient.ConnectAsync($"127.0.0.1:{node.Port}"))
            {
                var taken = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
                {
                    var mine = new List<ulong>();
                    while (mine.Count < 100)
                        mine.Add(await admin.GetTimestampAsync());
                    return mine;
                })));
                Assert.All(taken, mine => Assert.Equal(mine.Order(), mine));
                var all = taken.SelectMany(mine => mine).ToList();
                Assert.Equal(all.Count, all.Distinct().Count());
                Assert.True(all.Min() > highest);
                highest = all.Max();
            }

            // As kill -9 leaves it, and in order.
            if (life == 0)
            {
                node.TakeImage();
                await node.BecomeImageAsync();
            }
            else
            {
                await node.StopAsync();
            }

            node.Start();
        }
    }

    /// <summary>With a window on its way nearly all the time, and a snapshot after every event.</summary>
    [Fact]
    public async Task IdsThatArePersistedBesideWindowsComeOnceOverRestarts()
    {
        await using var cluster = await TestCluster.StartAsync(1, """
            tikv.pd.id-window = 1
            tikv.pd.snapshot-interval = 1
            tikv.pd.tso.window = 4ms
            """);
        var node = cluster.Node(1);
        var highest = 0UL;
        for (var life = 0; life < 5; life++)
        {
            var pd = node.System.ActorSelection("/user/tikv/pd");
            var id = await pd.ClusterIdAsync();
            using var stop = new CancellationTokenSource();
            var timestamps = Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                    await pd.TryTimestampAsync(id);
            });
            for (var i = 0; i < 50; i++)
            {
                var next = await pd.AllocateIdAsync(id);
                Assert.True(next > highest, $"{next} after {highest}");
                highest = next;
            }

            await node.StopAsync();
            await stop.CancelAsync();
            await timestamps;
            node.Start();
        }
    }
}

file static class TimestampQuestions
{
    /// <summary>Asked until PD serves.</summary>
    /// <returns>The highest.</returns>
    public static async Task<long> TimestampAsync(this ICanTell pd, ulong cluster, uint count = 1)
    {
        var request = new TsoRequest { Header = new RequestHeader { ClusterId = cluster }, Count = count };
        return ValueOf(await pd.AskPdAsync<TsoResponse>(request), count);
    }

    public static async Task<long?> TryTimestampAsync(this ICanTell pd, ulong cluster)
    {
        var request = new TsoRequest { Header = new RequestHeader { ClusterId = cluster }, Count = 1 };
        try
        {
            var response = await pd.Ask<TsoResponse>(request, TimeSpan.FromMilliseconds(100));
            return response.Header.Error is null ? ValueOf(response, 1) : null;
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    private static long ValueOf(TsoResponse response, uint count)
    {
        Assert.Null(response.Header.Error);
        Assert.Equal(count, response.Count);
        return TimestampLayout.Compose(response.Timestamp.Physical, response.Timestamp.Logical);
    }
}
