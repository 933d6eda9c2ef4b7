using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Stores;
using TiKvActors.Client;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>Nothing runs beside these: they look at the process's memory.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}

/// <summary>
/// More requests than a node takes: each is answered, what is too much with a back-off, nothing that was acknowledged is lost, and neither
/// queues nor memory grow.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class OverloadTests
{
    private const int Requests = 3_000;
    private const int MaxRequests = 100;
    private const int MaxRouted = 20;
    private const int MaxPending = 50;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(90);

    private static string Config => $$"""
        tikv {
          gateway { max-requests = {{MaxRequests}}, max-routed-requests = {{MaxRouted}}, attempt-timeout = 80s, default-deadline = 80s }
          region { max-pending-requests = {{MaxPending}}, log-compaction-threshold = 64 KiB, log-limit = 256 KiB }
          raft.cached-log-size = 64 KiB
        }
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EveryRequestIsAnsweredAndWhatIsTooMuchWithABackOff(bool routed)
    {
        await using var cluster = await TestCluster.StartAsync(3, Config);
        await cluster.Client.PutAsync("warm", "1");
        var leader = await cluster.LeaderOfAsync("a");
        var node = routed ? cluster.Nodes.First(n => n != leader.Node) : leader.Node;
        var kv = await cluster.Client.Selection(node, "kv").ResolveOne(_patience);
        var context = new Context { ApiVersion = APIVersion.V2 };
        if (!routed)
        {
            context.RegionId = leader.Status.Region.Id;
            context.RegionEpoch = leader.Status.Region.RegionEpoch;
            context.Peer = leader.Status.Self;
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, Requests).Select(i =>
            kv.Ask<RawPutResponse>(
                new RawPutRequest { Context = context.Clone(), Key = TestClient.Key($"a{i}"), Value = ByteString.CopyFromUtf8($"v{i}") },
                _patience)));

        var stored = Enumerable.Range(0, Requests).Where(i => answers[i] is { RegionError: null, Error: "" }).ToList();
        var busy = answers.Where(a => a.RegionError?.Kind() == RegionErrorKind.ServerIsBusy).ToList();
        Assert.NotEmpty(stored);
        Assert.NotEmpty(busy);
        // A leader that loses its place under the load says so; nobody is left without an answer.
        var moved = answers.Count(
            a => a.RegionError?.Kind() is RegionErrorKind.NotLeader or RegionErrorKind.StaleCommand or RegionErrorKind.UndeterminedResult);
        Assert.Equal(Requests, stored.Count + busy.Count + moved);
        Assert.All(busy, AsksToWait);
        await QueuesAreWithinTheirBoundsAsync(cluster);
        foreach (var share in stored.Chunk(100))
        {
            var found = await cluster.Client.SendAsync<RawBatchGetResponse>(
                () => new RawBatchGetRequest { Keys = { share.Select(i => TestClient.Key($"a{i}")) } });
            Assert.Equal(share.Select(i => $"v{i}").Order(), found.Pairs.Select(p => p.Value.ToStringUtf8()).Order());
        }
    }

    [Fact]
    public async Task ClientsThatBackOffAllGetThrough()
    {
        await using var cluster = await TestCluster.StartAsync(3, Config);
        var endpoints = string.Join(',', cluster.Nodes.Select(n => $"127.0.0.1:{n.Port}"));
        var clients = new List<RawClient>();
        for (var i = 0; i < 3; i++)
            clients.Add(
                await RawClient.ConnectAsync(endpoints, new RawClientOptions { CallTimeout = _patience, ConnectTimeout = _patience }));
        await Task.WhenAll(Enumerable.Range(0, Requests).Select(i => clients[i % clients.Count].PutAsync(Key(i), Key(i))));
        var values = await clients[0].BatchGetAsync([.. Enumerable.Range(0, Requests).Select(i => (ReadOnlyMemory<byte>)Key(i))]);
        Assert.Equal(Enumerable.Range(0, Requests).Select(Key), values);
        await QueuesAreWithinTheirBoundsAsync(cluster);
        foreach (var client in clients)
            await client.DisposeAsync();

        static byte[] Key(int i) => System.Text.Encoding.UTF8.GetBytes($"client-{i}");
    }

    /// <summary>The applier of the leader's store stands still, as on a disk that hangs for a moment.</summary>
    [Fact]
    public async Task WhileNothingIsAppliedNoMoreThanTheBoundWaits()
    {
        await using var cluster = await TestCluster.StartAsync(3, Config);
        await cluster.Client.PutAsync("warm", "1");
        var leader = await cluster.LeaderOfAsync("a");
        var kv = await cluster.Client.Selection(leader.Node, "kv").ResolveOne(_patience);
        using var goesOn = new ManualResetEventSlim();
        leader.Node.Tikv.FailPoints.Set(StoreFailPoints.BeforeApplierWrite, goesOn.Wait);
        RawPutResponse[] answers;
        try
        {
            var asked = Enumerable.Range(0, Requests).Select(i => kv.Ask<RawPutResponse>(Put(leader, i), _patience)).ToList();
            await Eventually.TrueAsync(() => asked.Count(a => !a.IsCompleted) <= MaxPending, "what is beyond the bound is refused");
            Assert.DoesNotContain(asked, a => a.IsCompleted && a.Result is { RegionError: null });
            var refused = asked.Where(a => a.IsCompleted).Select(a => a.Result);
            Assert.All(refused.Where(a => a.RegionError.Kind() == RegionErrorKind.ServerIsBusy), AsksToWait);
            await QueuesAreWithinTheirBoundsAsync(cluster);
            Assert.InRange(leader.Node.Tikv.Node!.Services!.Queues.Applying.Now, 0, 2 * MaxPending);
            goesOn.Set();
            answers = await Task.WhenAll(asked);
        }
        finally
        {
            leader.Node.Tikv.FailPoints.Clear(StoreFailPoints.BeforeApplierWrite);
            goesOn.Set();
        }

        Assert.InRange(answers.Count(a => a.RegionError is null), 0, MaxPending);
        Assert.InRange(answers.Count(a => a.RegionError?.Kind() == RegionErrorKind.ServerIsBusy), 1, Requests);
    }

    /// <summary>
    /// Hundreds of callers repeat at once whatever was refused: the managed heap is the same after many thousands of requests.
    /// </summary>
    [Fact]
    public async Task UnderALastingOverloadMemoryDoesNotGrow()
    {
        const int Callers = 300;
        const int Rounds = 8;
        const int AnswersARound = 3_000;
        const long Slack = 4 << 20;
        await using var cluster = await TestCluster.StartAsync(3, Config);
        await cluster.Client.PutAsync("warm", "1");
        var (answered, busy, stored, stop) = (0, 0, 0, false);
        var callers = Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            var (leader, kv) = await FindAsync();
            while (!Volatile.Read(ref stop))
            {
                var answer = await kv.Ask<RawPutResponse>(Put(leader, caller), _patience);
                Interlocked.Increment(ref answered);
                if (answer.RegionError is null)
                    Interlocked.Increment(ref stored);
                else if (answer.RegionError.Kind() == RegionErrorKind.ServerIsBusy)
                    Interlocked.Increment(ref busy);
                else
                    (leader, kv) = await FindAsync();
            }
        })).ToList();

        var heap = new List<long>();
        for (var round = 1; round <= Rounds; round++)
        {
            await Eventually.TrueAsync(
                () => Volatile.Read(ref answered) >= round * AnswersARound || callers.Exists(c => c.IsFaulted),
                $"{round * AnswersARound} requests are answered");
            await QueuesAreWithinTheirBoundsAsync(cluster);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            heap.Add(GC.GetTotalMemory(false));
        }

        Volatile.Write(ref stop, true);
        await Task.WhenAll(callers);
        Assert.True(busy > AnswersARound && stored > 0, $"{busy} of {answered} requests were refused, {stored} stored");
        // The first rounds fill caches of fixed size. A leak of 300 bytes a request would be seen.
        var (early, late) = (heap.Skip(1).Take(3).Max(), heap.TakeLast(3).Min());
        var sizes = string.Join(", ", heap.Select(h => $"{h >> 10} KiB"));
        Assert.True(late < early + Slack, $"the heap grows: {sizes} after rounds of {AnswersARound} answers");

        async Task<(TestCluster.Leadership Leader, IActorRef Kv)> FindAsync()
        {
            var leader = await cluster.LeaderOfAsync("a");
            return (leader, await cluster.Client.Selection(leader.Node, "kv").ResolveOne(_patience));
        }
    }

    private static RawPutRequest Put(TestCluster.Leadership leader, int number) => new()
    {
        Context = new Context
        {
            ApiVersion = APIVersion.V2,
            RegionId = leader.Status.Region.Id,
            RegionEpoch = leader.Status.Region.RegionEpoch,
            Peer = leader.Status.Self,
        },
        Key = TestClient.Key($"a{number}"),
        Value = ByteString.CopyFromUtf8($"v{number}"),
    };

    private static void AsksToWait(RawPutResponse answer) => Assert.InRange(answer.RegionError.ServerIsBusy.BackoffMs, 1ul, 10_000ul);

    /// <summary>Every queue between the door and the disk, now and at its longest.</summary>
    private static async Task QueuesAreWithinTheirBoundsAsync(TestCluster cluster)
    {
        foreach (var node in cluster.Running)
        {
            var state = node.Tikv.Node!;
            Assert.InRange(state.Requests.Most, 0, MaxRequests);
            Assert.InRange(state.RoutedRequests.Most, 0, MaxRouted);
            if (state.Services is not { } services)
                continue;
            // A reader gives up its place in the count after the answer gave up the request's.
            Assert.InRange(services.Queues.Reading.Most, 0, 2 * MaxRequests);
            // Raft's windows to two followers, and their answers.
            Assert.InRange(services.Queues.Linking.Most, 0, 4 * services.PeerConfig.Raft.MaxInflightMessages);
            // One write of a peer at a time, and what compaction saves and deletes; PD's on its node.
            Assert.InRange(services.Engines.Journal.Statistics.LargestBatch, 0, 32);
            foreach (var peer in await node.PeersAsync())
            {
                Assert.InRange(peer.PendingWrites, 0, MaxPending);
                Assert.InRange(peer.PendingReads, 0, MaxPending);
                Assert.InRange(peer.PendingWriteBytes, 0, services.PeerConfig.MaxPendingBytes);
            }
        }
    }
}
