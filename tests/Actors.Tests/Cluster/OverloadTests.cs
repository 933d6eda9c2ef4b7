using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Client;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>More requests than a node takes: each is answered, what is too much with a back-off, and nothing that was acknowledged is lost.</summary>
public sealed class OverloadTests
{
    private const int Requests = 3_000;
    private const int MaxRequests = 100;
    private const int MaxRouted = 20;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(90);

    private static string Config => $"tikv.gateway {{ max-requests = {MaxRequests}, max-routed-requests = {MaxRouted}, attempt-timeout = 80s, default-deadline = 80s }}\ntikv.region.max-pending-requests = 50";

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
            kv.Ask<RawPutResponse>(new RawPutRequest { Context = context.Clone(), Key = TestClient.Key($"a{i}"), Value = ByteString.CopyFromUtf8($"v{i}") }, _patience)));

        var stored = Enumerable.Range(0, Requests).Where(i => answers[i] is { RegionError: null, Error: "" }).ToList();
        var busy = answers.Where(a => a.RegionError?.Kind() == RegionErrorKind.ServerIsBusy).ToList();
        Assert.NotEmpty(stored);
        Assert.NotEmpty(busy);
        // A leader that loses its place under the load says so; nobody is left without an answer.
        var moved = answers.Count(a => a.RegionError?.Kind() is RegionErrorKind.NotLeader or RegionErrorKind.StaleCommand or RegionErrorKind.UndeterminedResult);
        Assert.Equal(Requests, stored.Count + busy.Count + moved);
        Assert.All(busy, a => Assert.InRange(a.RegionError.ServerIsBusy.BackoffMs, 1ul, 10_000ul));
        foreach (var share in stored.Chunk(100))
        {
            var found = await cluster.Client.SendAsync<RawBatchGetResponse>(() => new RawBatchGetRequest { Keys = { share.Select(i => TestClient.Key($"a{i}")) } });
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
            clients.Add(await RawClient.ConnectAsync(endpoints, new RawClientOptions { CallTimeout = _patience, ConnectTimeout = _patience }));
        await Task.WhenAll(Enumerable.Range(0, Requests).Select(i => clients[i % clients.Count].PutAsync(Key(i), Key(i))));
        var values = await clients[0].BatchGetAsync([.. Enumerable.Range(0, Requests).Select(i => (ReadOnlyMemory<byte>)Key(i))]);
        Assert.Equal(Enumerable.Range(0, Requests).Select(Key), values);
        foreach (var client in clients)
            await client.DisposeAsync();

        static byte[] Key(int i) => System.Text.Encoding.UTF8.GetBytes($"client-{i}");
    }
}
