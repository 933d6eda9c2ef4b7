using System.Diagnostics;
using Akka.Configuration;
using TiKvActors.Hosting;
using Xunit.Abstractions;
using Way = TiKvActors.Host.Tests.Networks.TapNetwork.Way;

namespace TiKvActors.Host.Tests.Networks;

/// <summary>Nodes on hosts of their own, and a network between them that fails. The clients' host reaches every node all the time.</summary>
public class NetworkTests(ITestOutputHelper print)
{
    /// <summary>Within which everything works again after a fault has ended.</summary>
    private static readonly TimeSpan _recovery = TimeSpan.FromSeconds(60);

    [NetworkFact]
    public async Task A_pd_that_is_cut_off_falls_silent_and_the_majority_goes_on()
    {
        await using var network = new TapNetwork(3);
        await using var cluster = new ServerCluster(3, print, network);
        await cluster.StartAsync(0, 1, 2);
        await cluster.AreMembersAsync(0, 1, 2);
        var pd = cluster.NodeAt((await cluster.ShowAsync(0)).Pd);
        var others = Enumerable.Range(0, 3).Where(n => n != pd).ToArray();
        // Each node's clients reach it and nobody else; together they see whether timestamps are in order, whoever issues them.
        var order = new TimestampOrder();
        await using var load = await ClusterLoad.StartAsync(string.Join(',', others.Select(cluster.AddressOf)), order);
        await using var there = await TimestampLoad.StartAsync(cluster.AddressOf(pd), order);

        network.Partition([pd + 1], [.. others.Select(n => n + 1)]);
        var watch = Stopwatch.StartNew();
        await load.TimestampsAsync(5);
        print.WriteLine($"timestamps are back {watch.Elapsed.TotalSeconds:0.0} s after PD was cut off");
        var last = there.Count;
        await load.ProgressAsync();
        await cluster.AreMembersAsync(others);
        Assert.Contains(cluster.NodeAt((await cluster.ShowAsync(others[0])).Pd), others);
        Assert.Equal(last, there.Count);

        network.Heal();
        watch.Restart();
        await cluster.AreMembersAsync(0, 1, 2);
        await there.ProgressAsync(50);
        await there.EndAsync();
        print.WriteLine($"the node was back {watch.Elapsed.TotalSeconds:0.0} s after the network");
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, _recovery);
        Assert.Contains("the actor system starts again", cluster[pd].Output, StringComparison.Ordinal);
        await load.EndAsync();
    }

    [NetworkFact]
    public async Task One_way_cuts_losses_and_delays_lose_nothing_and_are_recovered_from()
    {
        await using var network = new TapNetwork(3);
        await using var cluster = new ServerCluster(3, print, network);
        await cluster.StartAsync(0, 1, 2);
        await cluster.AreMembersAsync(0, 1, 2);
        await using var load = await ClusterLoad.StartAsync(cluster.Endpoints);

        // Long enough for whatever suspicions follow to have consequences.
        var length = TimeSpan.FromSeconds(12);
        foreach (var (what, begin) in Faults())
        {
            var pd = cluster.NodeAt((await cluster.ShowAsync(0)).Pd) + 1;
            begin(pd);
            await Task.Delay(length);
            network.Heal();
            var watch = Stopwatch.StartNew();
            await cluster.AreMembersAsync(0, 1, 2);
            await load.ProgressAsync();
            print.WriteLine($"{what}: all is well {watch.Elapsed.TotalSeconds:0.0} s after its end");
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, _recovery);
        }

        await load.EndAsync();

        IEnumerable<(string What, Action<int> Begin)> Faults()
        {
            yield return ("PD's node hears nothing of another one", pd => network.Set(Next(pd), pd, Way.Cut));
            yield return ("another node hears nothing of PD's", pd => network.Set(pd, Next(pd), Way.Cut));
            yield return ("30% of the frames of PD's node are lost", pd =>
            {
                for (var other = 1; other <= 3; other++)
                {
                    if (other != pd) network.SetBoth(pd, other, new Way(Loss: 0.3));
                }
            });
            yield return ("200 ms between PD's node and another one", pd =>
                network.SetBoth(pd, Next(pd), new Way(Delay: TimeSpan.FromMilliseconds(200))));
        }

        static int Next(int host) => 1 + (host % 3);
    }

    [NetworkFact]
    public async Task Nodes_that_start_for_the_first_time_in_a_torn_network_make_one_cluster()
    {
        await using var network = new TapNetwork(3);
        await using var cluster = new ServerCluster(3, print, network);
        network.Partition([1], [2, 3]);
        network.SetBoth(2, 3, new Way(Delay: TimeSpan.FromMilliseconds(200)));
        var nodes = new[] { cluster.Launch(2), cluster.Launch(0), cluster.Launch(1) };
        // Without the first one there is no meta group, and nobody may found anything without it.
        await Eventually.TrueAsync(
            () => nodes.All(n => n.Output.Contains("waiting: ", StringComparison.Ordinal)), "every node says what it waits for");
        Assert.All(nodes, n => Assert.False(n.Ready.IsCompleted));
        network.Heal();
        await Task.WhenAll(nodes.Select(n => n.ReadyAsync()));
        await cluster.AreMembersAsync(0, 1, 2);
        await cluster.RunAsync("raw", "put", "key", "value");
        Assert.Equal("value", await cluster.RunAsync("raw", "get", "key"));
        Assert.Equal(3, (await cluster.RunAsync("ctl", "store", "list")).Split('\n').Count(line => line.Contains("up", StringComparison.Ordinal)));
    }

    /// <summary>The region's majority is on the side that loses the cluster.</summary>
    [NetworkFact]
    public async Task A_region_goes_on_where_its_majority_is_whoever_keeps_the_cluster()
    {
        await using var network = new TapNetwork(5);
        // Three PD nodes, of which at first only one has a store; the two others come to the region's stores.
        await using var cluster = new ServerCluster(5, print, network) { Members = 3, Settings = "--set tikv.pd.initial-stores=3" };
        await Task.WhenAll(
            cluster.Launch(0).ReadyAsync(), cluster.Launch(1, "--role pd").ReadyAsync(), cluster.Launch(2, "--role pd").ReadyAsync(),
            cluster.Launch(3, "--role store").ReadyAsync(), cluster.Launch(4, "--role store").ReadyAsync());
        await using var load = await ClusterLoad.StartAsync(cluster.Endpoints);
        foreach (var node in new[] { 1, 2 })
        {
            Assert.Equal(0, await cluster[node].TerminateAsync());
            await cluster.StartAsync(node);
        }

        await cluster.AreMembersAsync(0, 1, 2, 3, 4);
        await load.ProgressAsync();
        network.Partition([1, 2, 3], [4, 5]);
        await cluster.AreMembersAsync(0, 1, 2);
        // Whoever was downed goes on serving.
        await load.ProgressAsync();
        await Eventually.TrueAsync(
            async () => (await cluster.ShowAsync(0)).Up.Count == 3, "the cluster has lost the two");
        await load.ProgressAsync();
        network.Heal();
        await cluster.AreMembersAsync(0, 1, 2, 3, 4);
        await load.EndAsync();
    }

    /// <summary>Whatever a client suspects, or whoever suspects it: nodes stay, and it comes back by itself.</summary>
    [NetworkFact]
    public async Task A_client_that_is_cut_off_or_flaps_costs_no_node_its_place()
    {
        await using var network = new TapNetwork(3);
        await using var cluster = new ServerCluster(3, print, network);
        await cluster.StartAsync(0, 1, 2);
        await cluster.AreMembersAsync(0, 1, 2);
        var options = new TikvNodeOptions
        {
            Roles = [TikvRoles.Client],
            Host = network.AddressOf(0),
            Port = 2551,
            Members = [.. Enumerable.Range(0, 3).Select(n => $"{n + 1}@{cluster.AddressOf(n)}")],
            Config = ConfigurationFactory.ParseString("akka.loglevel = ERROR"),
        };
        await using var client = await TikvHost.StartAsync(options.ToConfig());
        await EverybodyIsUpAsync();
        await using var load = await ClusterLoad.StartAsync(cluster.Endpoints);

        // Longer than the patience of failure detectors and of split-brain resolution together.
        foreach (var fault in new[] { HearsNothing, IsNotHeard, SeesOneNodeLess })
        {
            fault();
            await Task.Delay(TimeSpan.FromSeconds(8));
            network.Heal();
            await EverybodyIsUpAsync();
        }

        for (var i = 0; i < 10; i++)
        {
            IsGone();
            await Task.Delay(TimeSpan.FromMilliseconds(400));
            network.Heal();
            await Task.Delay(TimeSpan.FromMilliseconds(400));
        }

        await EverybodyIsUpAsync();
        await load.ProgressAsync();
        // It ends without a word.
        IsGone();
        await client.StopAsync(handsOver: false);
        network.Heal();
        await cluster.AreMembersAsync(0, 1, 2);
        await load.EndAsync();
        for (var node = 0; node < 3; node++)
            Assert.DoesNotContain("the actor system starts again", cluster[node].Output, StringComparison.Ordinal);

        void HearsNothing() => EachNode(n => network.Set(n, 0, Way.Cut));
        void IsNotHeard() => EachNode(n => network.Set(0, n, Way.Cut));
        void SeesOneNodeLess() => network.SetBoth(0, 2, Way.Cut);
        void IsGone() => network.Partition([0], [1, 2, 3]);

        static void EachNode(Action<int> cut)
        {
            for (var host = 1; host <= 3; host++) cut(host);
        }

        Task EverybodyIsUpAsync() => Eventually.TrueAsync(
            async () => (await Task.WhenAll(Enumerable.Range(0, 3).Select(cluster.ShowAsync))).All(
                view => view.Up.Count == 4 && Enumerable.Range(0, 3).All(n => view.Up.Contains(cluster.AddressOf(n)))),
            "three nodes and a client are members");
    }
}
