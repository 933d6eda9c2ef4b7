using System.Diagnostics;
using TiKvActors.Host.Tests;
using TiKvActors.Protocol;
using Xunit.Abstractions;

namespace TiKvActors.Faults;

/// <summary>Nodes in processes of their own, of which PD's has a fault that the others lack.</summary>
public sealed class ServerFaultTests(ITestOutputHelper print)
{
    [GccFact]
    public async Task A_clock_that_jumps_on_pds_node_puts_no_timestamp_out_of_order()
    {
        using var folder = new TemporaryDirectory();
        var clocks = Enumerable.Range(0, 3).Select(n => new ClockShift(folder.File($"clock-{n}"))).ToArray();
        await using var cluster = new ServerCluster(3, print) { Environment = n => clocks[n].Start() };
        await cluster.StartAsync(0, 1, 2);
        await cluster.AreMembersAsync(0, 1, 2);
        var order = new TimestampOrder();
        await using var load = await ClusterLoad.StartAsync(cluster.Endpoints, order);
        var pd = cluster.NodeAt((await cluster.ShowAsync(0)).Pd);
        foreach (var hours in new[] { -1, 1, 0, 2 })
        {
            clocks[pd].Set(TimeSpan.FromHours(hours));
            await load.ProgressAsync();
        }

        await Eventually.TrueAsync(
            () => DateTimeOffset.FromUnixTimeMilliseconds(TimestampLayout.Physical((long)order.Greatest)) > DateTimeOffset.UtcNow.AddHours(1.5),
            "PD believes its clock");
        await cluster.AreMembersAsync(0, 1, 2);

        // Its successor's clock is two hours behind what it has issued; so is its own when it is back.
        await cluster[pd].KillAsync();
        await load.ProgressAsync();
        await cluster.StartAsync(pd);
        await cluster.AreMembersAsync(0, 1, 2);
        Assert.Equal(0, await cluster[cluster.NodeAt((await cluster.ShowAsync(pd)).Pd)].TerminateAsync());
        await load.ProgressAsync();
        await load.EndAsync();
    }

    [GccFact]
    public async Task A_full_disk_of_pds_node_is_survived_and_recovered_from()
    {
        using var fs = new FaultFs();
        // Below which the store would refuse writes and go on: here it meets the full disk itself.
        await using var cluster = new ServerCluster(3, print)
        {
            Root = fs.Root, Environment = _ => fs.Environment, Settings = "--set tikv.disk.reserve=1B",
        };
        await cluster.StartAsync(0, 1, 2);
        await cluster.AreMembersAsync(0, 1, 2);
        await using var load = await ClusterLoad.StartAsync(cluster.Endpoints);
        var pd = cluster.NodeAt((await cluster.ShowAsync(0)).Pd);
        fs.Set($"enospc write node-{pd}/*");
        await Eventually.TrueAsync(() => Said("TKA103") > 0, () => $"the store steps down:\n{cluster[pd].Output}");
        await load.ProgressAsync();
        Assert.NotEmpty(fs.Events);

        fs.Set();
        var watch = Stopwatch.StartNew();
        await Eventually.TrueAsync(() => Said("TKA101") > Said("TKA103"), () => $"the store is open again:\n{cluster[pd].Output}");
        await cluster.AreMembersAsync(0, 1, 2);
        await load.ProgressAsync();
        print.WriteLine($"all is well {watch.Elapsed.TotalSeconds:0.0} s after there was room");
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
        // Without it there is no majority now.
        await cluster[(pd + 1) % 3].KillAsync();
        await load.ProgressAsync();
        await load.EndAsync();

        int Said(string id) => cluster[pd].Output.Split('\n').Count(line => line.Contains(id, StringComparison.Ordinal));
    }
}
