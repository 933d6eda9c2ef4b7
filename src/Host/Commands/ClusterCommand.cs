using System.CommandLine;
using System.Diagnostics;
using TiKvActors.Client;
using TiKvActors.Host.Management;
using TiKvActors.Host.Terminal;
using TiKvActors.Protocol;

namespace TiKvActors.Host.Commands;

/// <summary><c>tkv ctl cluster</c>: the members of the Akka cluster.</summary>
internal static class ClusterCommand
{
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(200);

    public static Command Create(CommonOptions common) => new(
        "cluster", "Members of the Akka cluster: show, join, leave, down\n\nExample: ./tkv ctl cluster show")
    {
        Show(common), Join(common), Leave(common), Down(common),
    };

    private static Command Show(CommonOptions common)
    {
        var command = new Command(
            "show", "List the members as the first endpoint that answers sees them\n\nExample: ./tkv ctl cluster show --endpoint 127.0.0.1:2552");
        command.SetAction((parsed, cancellation) => RunAsync(common, parsed, async (client, output) =>
        {
            Print(await client.ShowAsync(cancellation), output);
            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static Command Join(CommonOptions common)
    {
        var command = new Command(
            "join",
            "Wait until the node at --endpoint is a member that is Up; nodes ask to join by themselves"
                + "\n\nExample: ./tkv ctl cluster join --endpoint 127.0.0.1:2553 --timeout 60");
        command.SetAction((parsed, cancellation) => RunAsync(common, parsed, async (client, output) =>
        {
            var watch = Stopwatch.StartNew();
            while (true)
            {
                var state = await client.ShowAsync(cancellation);
                if (state.Self.Status == "Up")
                {
                    Print(state, output);
                    return ExitCode.Done;
                }

                if (watch.Elapsed > common.Timeout(parsed))
                    throw new CommandException(
                        ExitCode.Failed, $"{state.Self.Address} is {Standing(state)}: do the PD nodes of its configuration run, and a majority of them?");
                await Task.Delay(_pollInterval, cancellation);
            }
        }, cancellation));
        return command;
    }

    private static Command Leave(CommonOptions common) => Change(
        common, "leave", "Let a node hand over what it leads, leave the cluster and end",
        "is leaving: its process ends when others have taken over", (client, node, cancellation) => client.LeaveAsync(node, cancellation));

    private static Command Down(CommonOptions common) => Change(
        common, "down", "Remove a node that does not answer any more; one that still runs starts again and joins anew",
        "is down", (client, node, cancellation) => client.DownAsync(node, cancellation));

    private static Command Change(
        CommonOptions common, string name, string what, string done, Func<ClusterClient, string, CancellationToken, Task> change)
    {
        var node = new Argument<string>("NODE") { Description = "host:port as 'show' lists it" };
        var command = new Command(name, $"{what}\n\nExample: ./tkv ctl cluster {name} 127.0.0.1:2553") { node };
        command.SetAction((parsed, cancellation) => RunAsync(common, parsed, async (client, output) =>
        {
            var address = parsed.GetRequiredValue(node);
            var members = (await client.ShowAsync(cancellation)).Members.Select(m => m.Address).ToList();
            if (!members.Contains(address))
                throw new CommandException(ExitCode.NotFound, $"{address} is no member; members are {string.Join(", ", members)}");
            await change(client, address, cancellation);
            output.Message($"{address} {done}");
            return ExitCode.Done;
        }, cancellation));
        return command;
    }

    private static void Print(ClusterStateResponse state, Output output)
    {
        if (output.Json)
        {
            output.JsonLine(json => ClusterJson.Write(json, state));
            return;
        }

        output.Table(
            ["NODE", "STATUS", "ROLES", "RUNS"],
            state.Members.Select(m => new[]
            {
                m.Address, m.Unreachable ? $"{m.Status}, unreachable" : m.Status, string.Join(",", m.Roles), m.Address == state.Pd ? "PD" : "",
            }));
        if (!state.Members.Any(m => m.Address == state.Self.Address))
            output.Message($"{state.Self.Address}, which was asked, is {Standing(state)}");
    }

    private static string Standing(ClusterStateResponse state) =>
        state.Members.Any(m => m.Address == state.Self.Address) ? state.Self.Status : "no member";

    private static async Task<int> RunAsync(
        CommonOptions common, ParseResult parsed, Func<ClusterClient, Output, Task<int>> run, CancellationToken cancellation)
    {
        await using var client = await common.ClusterAsync(parsed, cancellation);
        var output = common.Output(parsed);
        var exitCode = await run(client, output);
        output.Flush();
        return exitCode;
    }
}
