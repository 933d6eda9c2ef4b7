using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Akka.Actor;
using Akka.Configuration;
using TiKvActors.Actors.Nodes;
using TiKvActors.Host.Commands;

namespace TiKvActors.Host.Tests;

/// <summary><c>ctl member</c> as a user types it, against the only member of a meta group. Other members' nodes never come.</summary>
public sealed class MemberCommandTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly int _port = FreePort();
    private ActorSystem _node = null!;

    private string Endpoint => $"127.0.0.1:{_port}";

    public Task InitializeAsync()
    {
        _node = ActorSystem.Create("tikv", ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = WARNING
              actor.provider = remote
              remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{_port}} }
            }
            tikv {
              data-directory = "{{_directory.File("node")}}"
              meta.members = ["1@{{Endpoint}}"]
              storage.block-cache-size = 8 MiB
            }
            """).WithFallback(TikvSettings.Reference()));
        return Tikv.Get(_node).Started;
    }

    public async Task DisposeAsync()
    {
        await _node.Terminate();
        _directory.Dispose();
    }

    [Fact]
    public async Task Members_are_listed_added_and_removed()
    {
        var (exitCode, output, _) = await RunAsync("list");
        Assert.Equal(0, exitCode);
        Assert.Matches($@"1 +{Endpoint} +voter, leader +yes +0 +yes", output);

        Assert.Equal(0, (await RunAsync("add", "4", "127.0.0.1:1", "--no-wait")).ExitCode);
        Assert.Contains("not in the group yet", (await RunAsync("list")).Output, StringComparison.Ordinal);
        var json = (await RunAsync("list", "--json")).Output.TrimEnd('\n').Split('\n');
        var lines = json.Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal([1, 4], lines.Select(l => l.GetProperty("id").GetInt32()));
        Assert.Equal(["voter", "waiting"], lines.Select(l => l.GetProperty("role").GetString()));
        Assert.Equal([true, false], lines.Select(l => l.GetProperty("leader").GetBoolean()));
        Assert.Equal([true, false], lines.Select(l => l.GetProperty("listed").GetBoolean()));

        var slow = await RunAsync("add", "4", "127.0.0.1:1", "--timeout", "3");
        Assert.Equal(1, slow.ExitCode);
        Assert.Contains("nobody has come as member 4 from 127.0.0.1:1 yet", slow.Error, StringComparison.Ordinal);
        Assert.Contains("goes on with it by itself", slow.Error, StringComparison.Ordinal);

        var removed = await RunAsync("remove", "4");
        Assert.Equal(0, removed.ExitCode);
        Assert.DoesNotContain("127.0.0.1:1 ", removed.Output, StringComparison.Ordinal);
        Assert.Contains("removed", (await RunAsync("list", "--all")).Output, StringComparison.Ordinal);
        await FailsAsync(1, "never comes back", "add", "4", "127.0.0.1:1");
        await FailsAsync(1, "last voter", "remove", "1");
        await FailsAsync(3, "never had it", "remove", "9");
        await FailsAsync(3, "never had it", "replace", "9", "5", "127.0.0.1:1");
        await FailsAsync(1, "is the address of member 1", "add", "5", Endpoint);
        await FailsAsync(2, "malformed endpoint", "add", "5", "127.0.0.1:x");
        await FailsAsync(2, "x", "remove", "x");
    }

    [Fact]
    public async Task Where_nobody_listens_it_says_so() =>
        Assert.Contains(
            "no answer from 127.0.0.1:1", (await TypeAsync(["ctl", "member", "list", "--endpoint", "127.0.0.1:1"])).Error,
            StringComparison.Ordinal);

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private async Task FailsAsync(int exitCode, string why, params string[] arguments)
    {
        var result = await RunAsync(arguments);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
        Assert.Equal(exitCode, result.ExitCode);
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) =>
        TypeAsync(["ctl", "member", .. arguments, "--endpoint", Endpoint]);

    private static async Task<(int ExitCode, string Output, string Error)> TypeAsync(string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exitCode = await Tkv.RunAsync(arguments, new InvocationConfiguration { Output = output, Error = error });
        return (exitCode, output.ToString(), error.ToString());
    }
}
