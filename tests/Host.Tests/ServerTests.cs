using System.CommandLine;
using System.Diagnostics;
using TiKvActors.Client;
using TiKvActors.Host.Commands;
using Xunit.Abstractions;

namespace TiKvActors.Host.Tests;

/// <summary>Nodes in processes of their own: a cluster that forms itself, loses any of its nodes, and takes them back.</summary>
public class ServerTests(ITestOutputHelper print)
{
    [Fact]
    public async Task Three_servers_are_a_cluster_that_outlives_any_of_them()
    {
        await using var cluster = new ServerCluster(3, print);
        await cluster.StartAsync(0, 1, 2);
        await cluster.AreMembersAsync(0, 1, 2);
        await using var load = await ClusterLoad.StartAsync(cluster.Endpoints);

        // Killed: PD is on the oldest.
        var pd = cluster.NodeAt((await cluster.ShowAsync(0)).Pd);
        var others = Enumerable.Range(0, 3).Where(n => n != pd).ToArray();
        await load.ProgressAsync();
        await cluster[pd].KillAsync();
        var watch = Stopwatch.StartNew();
        await load.TimestampsAsync(1);
        print.WriteLine($"timestamps are back {watch.Elapsed.TotalSeconds:0.0} s after PD's node was killed");
        await load.ProgressAsync();
        await cluster.AreMembersAsync(others);
        Assert.NotEqual(cluster.AddressOf(pd), (await cluster.ShowAsync(others[0])).Pd);
        await cluster.StartAsync(pd);
        await cluster.AreMembersAsync(0, 1, 2);
        await load.ProgressAsync();

        // Told to stop: it leaves first, and PD is handed over.
        var next = cluster.NodeAt((await cluster.ShowAsync(pd)).Pd);
        watch.Restart();
        Assert.Equal(0, await cluster[next].TerminateAsync());
        print.WriteLine($"PD's node ended {watch.Elapsed.TotalSeconds:0.0} s after SIGTERM");
        await cluster.AreMembersAsync([.. Enumerable.Range(0, 3).Where(n => n != next)]);
        await load.ProgressAsync();
        await cluster.StartAsync(next);
        await cluster.AreMembersAsync(0, 1, 2);

        // Paused for longer than any lease and any patience, then resumed: it joins anew by itself.
        var paused = cluster.NodeAt((await cluster.ShowAsync(next)).Pd);
        await cluster[paused].SignalAsync("STOP");
        await load.TimestampsAsync(1);
        await cluster.AreMembersAsync([.. Enumerable.Range(0, 3).Where(n => n != paused)]);
        await cluster[paused].SignalAsync("CONT");
        await cluster.AreMembersAsync(0, 1, 2);
        Assert.Contains("the actor system starts again", cluster[paused].Output, StringComparison.Ordinal);
        await load.ProgressAsync();

        // Told to leave by an administrator: its process ends.
        var leaving = (paused + 1) % 3;
        await cluster.RunAsync("ctl", "cluster", "leave", cluster.AddressOf(leaving));
        Assert.Equal(0, await cluster[leaving].ExitAsync());
        await load.ProgressAsync();
        await load.EndAsync();
    }

    [Fact]
    public async Task After_a_full_stop_a_majority_serves_and_without_one_there_is_an_error_that_says_so()
    {
        await using var cluster = new ServerCluster(3, print);
        await cluster.StartAsync(0, 1, 2);
        await cluster.RunAsync("raw", "put", "key", "value");
        await Task.WhenAll(cluster[0].KillAsync(), cluster[1].KillAsync(), cluster[2].KillAsync());

        await cluster.StartAsync(1, 2);
        Assert.Equal("value", await cluster.RunAsync("raw", "get", "key"));
        await cluster.StartAsync(0);
        await cluster.AreMembersAsync(0, 1, 2);

        await using var client = await RawClient.ConnectAsync(
            cluster.Endpoints, new RawClientOptions { CallTimeout = TimeSpan.FromSeconds(5) });
        await client.PutAsync("key"u8.ToArray(), "other"u8.ToArray());
        await Task.WhenAll(cluster[0].KillAsync(), cluster[1].KillAsync());
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await client.GetAsync("key"u8.ToArray());
                return false;
            }
            catch (RegionUnavailableException e)
            {
                return e.Message.Contains("has no quorum", StringComparison.Ordinal);
            }
        }, "reads fail for want of a quorum");

        // The third is not ended by that, and the cluster that the others form takes it in.
        await cluster.StartAsync(0, 1);
        await cluster.AreMembersAsync(0, 1, 2);
        Assert.Equal("other", await cluster.RunAsync("raw", "get", "key"));
    }

    [Fact]
    public async Task Regions_are_written_read_and_led_elsewhere_while_every_pd_node_is_away()
    {
        await using var cluster = new ServerCluster(4, print) { Members = 1, Settings = "--set tikv.pd.initial-stores=3" };
        await Task.WhenAll(
            cluster.Launch(0, "--role pd").ReadyAsync(), cluster.Launch(1, "--role store").ReadyAsync(),
            cluster.Launch(2, "--role store").ReadyAsync(), cluster.Launch(3, "--role store").ReadyAsync());
        await using var load = await ClusterLoad.StartAsync(cluster.Endpoints);
        await cluster[0].KillAsync();
        await load.WritesAsync();
        // Whichever leads: the others elect without asking anybody.
        await cluster[1].KillAsync();
        await load.WritesAsync();
        await cluster.StartAsync(0);
        await cluster.StartAsync(1);
        await cluster[2].KillAsync();
        await load.WritesAsync();
        await cluster.StartAsync(2);
        await cluster.AreMembersAsync(0, 1, 2, 3);
        await load.ProgressAsync();
        await load.EndAsync();
    }

    [Theory]
    [InlineData("no node has the roles \"client,pd\"", "--role", "client,pd")]
    [InlineData("--seed nowhere: it must be host:port", "--seed", "nowhere")]
    [InlineData("--set nonsense: it must be of the form key=value", "--set", "nonsense")]
    [InlineData("api-version", "--set", "tikv.pd.api-version=v9")]
    public async Task What_a_server_cannot_be_started_with_is_named(string expected, params string[] arguments)
    {
        using var directory = new TemporaryDirectory();
        using var output = new StringWriter();
        using var error = new StringWriter();
        var port = PlaygroundProcess.FreePortOffset() + 2551;
        var exitCode = await Tkv.RunAsync(
            ["server", "--data", directory.File("data"), "--port", $"{port}", .. arguments],
            new InvocationConfiguration { Output = output, Error = error });
        Assert.Equal((2, ""), (exitCode, output.ToString()));
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
    }
}
