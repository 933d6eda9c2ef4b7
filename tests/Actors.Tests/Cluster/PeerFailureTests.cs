using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Persistence.Journal;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>
/// What stops one peer stops that peer: the store keeps its engines and its other peers, which serve under load, says why, and starts the
/// peer again after a pause that grows. <see cref="DamageTests"/> has the same for rows that cannot be written.
/// </summary>
public sealed partial class PeerFailureTests
{
    /// <param name="leads">Whether the region's leader is rejected, or a follower.</param>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ARejectedWriteStopsThatPeerAndNothingElse(bool leads)
    {
        await using var cluster = await StartAsync();
        var (store, other) = (cluster.Node(2), await PrepareAsync(cluster, leads));
        var router = store.Tikv.Node!.Services!.Router;
        var regionId = (await cluster.LeaderOfAsync("a")).Status.Region.Id;
        var (engines, otherPeer, failingPeer) = (store.Tikv.Engines, router.Find(other.Status.Region.Id), router.Find(regionId));

        await using var load = new WriteLoad(cluster.Client, letters: "nopqrstuvwxyz");
        await load.ProgressAsync(50);
        RejectingAdapter.Reject(store.Port, "poison");
        var poisoned = cluster.Client.PutAsync("a", "poison");
        // Until it is allowed, the peer is sent the same entry again after each restart.
        await Eventually.TrueAsync(() => store.Log.Of("TKA205").Count >= 3, "the peer was started again three times");
        await load.ProgressAsync(100);
        await poisoned;
        Assert.Equal("poison", await cluster.Client.GetAsync("a"));
        Assert.NotEqual(store, (await cluster.LeaderOfAsync("a")).Node);

        RejectingAdapter.Allow(store.Port);
        await cluster.Client.PutAsync("b", "after the poison");
        await load.ProgressAsync(20);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();

        Assert.Same(engines, store.Tikv.Engines);
        Assert.Equal(otherPeer, router.Find(other.Status.Region.Id));
        Assert.NotEqual(failingPeer, router.Find(regionId));
        Assert.All(store.Log.Of("TKA203"), line => Assert.Matches($"region {regionId}: .* was rejected: rejected by a test", line));
        var pauses = Pauses(store, regionId);
        Assert.Equal(pauses.Select((_, i) => 100 << i), pauses);
    }

    [Fact]
    public async Task AHandlerThatThrowsStopsThatPeerAndNothingElse()
    {
        await using var cluster = await StartAsync();
        var (store, other) = (cluster.Node(2), await PrepareAsync(cluster, leads: true));
        var router = store.Tikv.Node!.Services!.Router;
        var regionId = (await cluster.LeaderOfAsync("a")).Status.Region.Id;
        var (engines, otherPeer, failingPeer) = (store.Tikv.Engines, router.Find(other.Status.Region.Id), router.Find(regionId));

        // Nobody swaps in the other region.
        await using var load = new WriteLoad(cluster.Client, letters: "nopqrstuvwxyz");
        await load.ProgressAsync(50);
        // Once: the peer may be the next leader again.
        store.Tikv.FailPoints.Set(RegionFailPoints.SwapRead, () =>
        {
            store.Tikv.FailPoints.Clear(RegionFailPoints.SwapRead);
            throw new InvalidOperationException("a bug made by a test");
        });
        await Eventually.TrueAsync(
            async () => await cluster.Client.CompareAndSwapAsync("a", null, "1") is not null, "the swap is answered by the next leader");
        Assert.Equal("1", await cluster.Client.GetAsync("a"));
        await load.ProgressAsync(100);
        await Eventually.TrueAsync(() => router.Find(regionId) is { } peer && !peer.Equals(failingPeer), "the peer has come back");
        await load.ProgressAsync(20);
        await load.StopAsync();
        await cluster.AllReplicasAreEqualAsync();
        await load.EveryAcknowledgedWriteIsThereAsync();

        Assert.Same(engines, store.Tikv.Engines);
        Assert.Equal(otherPeer, router.Find(other.Status.Region.Id));
        Assert.Contains(store.Log.Lines, line => line.Contains("a bug made by a test", StringComparison.Ordinal)
            && line.Contains($"/region-{regionId}-", StringComparison.Ordinal));
        Assert.Equal([100], Pauses(store, regionId));
    }

    private static Task<TestCluster> StartAsync() => TestCluster.StartAsync(3, $$"""
        tikv.store.peer-restart-backoff = 100ms
        akka.persistence.journal.rocksdb {
          event-adapters.rejecting = "{{typeof(RejectingAdapter).FullName}}, {{typeof(RejectingAdapter).Assembly.GetName().Name}}"
          event-adapter-bindings { "{{typeof(RaftAdvanced).FullName}}, {{typeof(RaftAdvanced).Assembly.GetName().Name}}" = rejecting }
        }
        """);

    /// <summary>Two regions. Node 2 leads the one from "m" on, and, if asked for, also the other.</summary>
    private static async Task<TestCluster.Leadership> PrepareAsync(TestCluster cluster, bool leads)
    {
        await cluster.Client.SplitAsync("m");
        await cluster.MoveLeadershipAsync("z", cluster.Node(2));
        await cluster.MoveLeadershipAsync("a", cluster.Node(leads ? 2 : 3));
        return await cluster.LeaderOfAsync("z");
    }

    private static List<int> Pauses(TestNode node, ulong regionId) =>
    [
        .. node.Log.Of("TKA205").Select(line => StartsAgain().Match(line)).Where(m => m.Groups[1].Value == $"{regionId}")
            .Select(m => int.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture)),
    ];

    [GeneratedRegex("region (\\d+): .* starts again in (\\d+) ms")]
    private static partial Regex StartsAgain();
}

/// <summary>
/// Between the peers and the journal of a node: throws for events whose entries hold a certain text, which makes Akka reject the write.
/// </summary>
public sealed class RejectingAdapter(ExtendedActorSystem system) : IWriteEventAdapter
{
    private static readonly ConcurrentDictionary<int, byte[]> _rejected = new();

    internal static void Reject(int port, string text) => _rejected[port] = System.Text.Encoding.UTF8.GetBytes(text);

    internal static void Allow(int port) => _rejected.TryRemove(port, out _);

    public string Manifest(object evt) => "";

    public object ToJournal(object evt)
    {
        if (_rejected.TryGetValue(system.Provider.DefaultAddress.Port ?? 0, out var text)
            && ((RaftAdvanced)evt).Entries.Any(e => e.Data.Span.IndexOf(text) >= 0))
            throw new InvalidOperationException("rejected by a test");
        return evt;
    }
}
