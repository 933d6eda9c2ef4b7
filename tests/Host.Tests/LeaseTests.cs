using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using TiKvActors.Client;
using TiKvActors.Host.Playground;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Serialization;

namespace TiKvActors.Host.Tests;

/// <summary>
/// Nobody reads from a lease that is over, with real processes: a counter goes up, and every store is asked for it directly, all the
/// time; one that is paused is asked
/// through connections of their own when another one leads. No answer may be less than what was acknowledged before its question was asked.
/// </summary>
public class LeaseTests
{
    private static readonly byte[] _key = "counter"u8.ToArray();

    [Fact]
    public async Task A_leader_that_was_paused_answers_nothing_old()
    {
        await using var story = await Story.StartAsync();
        for (var round = 0; round < 8; round++)
        {
            var leader = await story.LeaderAsync();
            await story.KnockAsync(leader);
            await leader.PauseAsync();
            // A process reads its connections in the order in which they had something to read: these come before the ones that tell it
            // that it is deposed.
            var first = story.KnockAsync(leader, 1);
            // Longer than any lease: another one has been elected. What is asked now must not be answered with what was before.
            await story.ProgressAsync(20);
            var then = story.KnockAsync(leader);
            await story.ProgressAsync(20);
            await leader.ResumeAsync();
            await Task.WhenAll(first, then);
            await story.ProgressAsync(20);
        }
    }

    [Fact]
    public async Task Neither_does_a_leader_whose_followers_restart()
    {
        // PD stays with the leader: its own return is not waited for.
        await using var story = await Story.StartAsync(pds: 1);
        var (leader, followers) = (story.Cluster.Nodes[0], story.Cluster.Nodes.Skip(1).ToList());
        for (var round = 0; round < 5; round++)
        {
            await story.TransferAsync(leader);
            // Whoever comes back has forgotten whom it promised what: it must not help to elect another one under the lease.
            await Task.WhenAll(followers.Select(f => f.KillAsync()));
            await Task.WhenAll(followers.Select(f => f.StartAsync()));
            await story.ProgressAsync(20);
        }
    }

    [Fact]
    public async Task Neither_does_one_that_has_given_its_leadership_away()
    {
        await using var story = await Story.StartAsync();
        for (var round = 0; round < 10; round++)
        {
            var leader = await story.LeaderAsync();
            await story.TransferAsync(story.Cluster.Nodes.First(n => n != leader));
            await story.ProgressAsync(20);
        }
    }

    private sealed class Story : IAsyncDisposable
    {
        private const int Knockers = 8;
        private const int KnocksEach = 20;

        private static readonly TimeSpan _answerTimeout = TimeSpan.FromSeconds(60);

        private readonly TemporaryDirectory _directory;
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentQueue<string> _wrong = new();
        private readonly List<ActorSystem> _systems;
        private readonly RawClient _client;
        private readonly AdminClient _admin;
        private Task _running = Task.CompletedTask;
        private Protocol.Metapb.Region _region = new();
        private IReadOnlyList<Protocol.Metapb.Store> _stores = [];
        private long _acknowledged;

        private Story(TemporaryDirectory directory, ProcessCluster cluster, RawClient client, AdminClient admin)
        {
            (_directory, Cluster, _client, _admin) = (directory, cluster, client, admin);
            _systems = [.. Enumerable.Range(0, 1 + Knockers).Select(_ => ActorSystem.Create("asker", ConfigurationFactory.ParseString("""
                akka {
                  loglevel = ERROR
                  actor.provider = remote
                  remote.retry-gate-closed-for = 100ms
                  remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
                }
                """).WithFallback(ConfigurationFactory.ParseString(ProtocolHocon.Reference))))];
        }

        public ProcessCluster Cluster { get; }

        public static async Task<Story> StartAsync(int? pds = null)
        {
            var directory = new TemporaryDirectory();
            var cluster = await ProcessCluster.StartAsync(ProcessCluster.Options(directory.Path, 3, pds), _ => { }, CancellationToken.None);
            var story = new Story(
                directory, cluster, await RawClient.ConnectAsync(cluster.Endpoints), await AdminClient.ConnectAsync(cluster.Endpoints));
            story._region = Assert.Single(await story._admin.ListRegionsAsync()).Region;
            story._stores = await story._admin.ListStoresAsync();
            story._running = Task.WhenAll([Task.Run(story.CountAsync), .. cluster.Nodes.Select(story.AskAsync)]);
            await story.ProgressAsync(20);
            return story;
        }

        public async Task<NodeProcess> LeaderAsync()
        {
            // A PD that has just moved here waits for the leader's next heartbeat.
            var leader = await Eventually.NotNullAsync(
                async () => Assert.Single(await _admin.ListRegionsAsync()).Leader, "PD knows the region's leader");
            var address = (await _admin.ListStoresAsync()).First(s => s.Id == leader.StoreId).Address;
            return Cluster.Nodes.First(n => n.Endpoint == address);
        }

        /// <summary>Returns when it leads. Asked for again each time: a transfer to a store that lags runs out.</summary>
        public Task TransferAsync(NodeProcess to) => Eventually.TrueAsync(
            async () =>
            {
                var leader = await LeaderAsync();
                if (leader == to) return true;
                var store = _stores.First(s => s.Address == to.Endpoint).Id;
                try
                {
                    await leader.AskAsync(string.Create(CultureInfo.InvariantCulture, $"transfer {_region.Id} {store}"));
                }
                catch (CommandException)
                {
                    // It leads no more, and PD does not know it yet.
                }

                return false;
            },
            $"store {to.Number} leads");

        /// <summary>More counts are acknowledged, and no answer was wrong.</summary>
        public async Task ProgressAsync(int more)
        {
            var goal = Volatile.Read(ref _acknowledged) + more;
            await Eventually.TrueAsync(
                () => Volatile.Read(ref _acknowledged) >= goal || !_wrong.IsEmpty || _running.IsFaulted,
                () => $"{goal} counts, so far {_acknowledged}");
            if (_running.IsFaulted) await _running;
            Assert.Empty(_wrong);
        }

        /// <returns>When the store has answered questions through every connection, whatever the answers.</returns>
        public Task KnockAsync(NodeProcess node, int each = KnocksEach) =>
            Task.WhenAll(Enumerable.Range(0, Knockers * each).Select(async i =>
            {
                Assert.True(await JudgeAsync(node, _systems[1 + i % Knockers]), $"store {node.Number} did not answer");
            }));

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Cluster.HealAsync();
            await _running;
            await _client.DisposeAsync();
            await _admin.DisposeAsync();
            await Task.WhenAll(_systems.Select(s => s.Terminate()));
            await Cluster.DisposeAsync();
            _directory.Dispose();
            _stop.Dispose();
            Assert.Empty(_wrong);
        }

        private async Task CountAsync()
        {
            for (var count = 1L; !_stop.IsCancellationRequested; count++)
            {
                await _client.PutAsync(_key, Encoding.ASCII.GetBytes(count.ToString(CultureInfo.InvariantCulture)));
                Volatile.Write(ref _acknowledged, count);
            }
        }

        /// <summary>A question every few milliseconds, without waiting for answers, unless the store is paused.</summary>
        private async Task AskAsync(NodeProcess node)
        {
            var open = new List<Task>();
            while (!_stop.IsCancellationRequested)
            {
                open.RemoveAll(t => t.IsCompletedSuccessfully);
                if (!node.IsPaused) open.Add(JudgeAsync(node, _systems[0]));
                await Task.Delay(5);
            }

            await Task.WhenAll(open);
        }

        /// <returns>Whether there was an answer; a killed store gives none.</returns>
        private async Task<bool> JudgeAsync(NodeProcess node, ActorSystem asker)
        {
            var acknowledged = Volatile.Read(ref _acknowledged);
            var request = new RawGetRequest
            {
                Key = new RawKeySpace(_client.ApiVersion, KeyspaceId.Default).ToRequestKey(_key),
                Context = new Context
                {
                    RegionId = _region.Id,
                    RegionEpoch = _region.RegionEpoch,
                    Peer = _region.Peers.First(p => _stores.First(s => s.Id == p.StoreId).Address == node.Endpoint),
                    ApiVersion = _client.ApiVersion,
                    ClusterId = _client.ClusterId,
                },
            };
            RawGetResponse response;
            try
            {
                response = await asker.ActorSelection($"akka.tcp://tikv@{node.Endpoint}/user/tikv/kv")
                    .Ask<RawGetResponse>(request, _answerTimeout, _stop.Token);
            }
            catch (Exception e) when (e is AskTimeoutException or OperationCanceledException)
            {
                return false;
            }

            if (response.RegionError is not null) return true;
            Assert.Equal("", response.Error);
            var found = response.NotFound ? 0 : long.Parse(response.Value.ToStringUtf8(), CultureInfo.InvariantCulture);
            if (found < acknowledged)
                _wrong.Enqueue($"store {node.Number} answered {found}; {acknowledged} was acknowledged before it was asked");
            return true;
        }
    }
}
