using System.CommandLine;
using System.Text.Json;
using TiKvActors.Host.Commands;

namespace TiKvActors.Host.Tests.Check;

/// <summary><c>tkv bench check</c> and <c>tkv bench stops</c> as a user runs them.</summary>
public class BenchCheckTests
{
    /// <summary>Exit status 0 is the assertion: linearizable, and the replicas equal.</summary>
    [Fact]
    public async Task A_minute_of_faults_loses_nothing()
    {
        using var directory = new TemporaryDirectory();
        var (exitCode, output, error) =
            await RunAsync("bench", "check", "--seconds", "60", "--seed", "20", "--history", directory.File("history"), "--json");
        Assert.True(exitCode == 0, error + output);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.True(report.GetProperty("passed").GetBoolean());
        Assert.All(
            report.GetProperty("operations").EnumerateObject(), kind => Assert.True(kind.Value.GetProperty("ok").GetInt32() > 10, output));
        int Sum(string what) => report.GetProperty("faults").EnumerateObject().Sum(kind => kind.Value.GetProperty(what).GetInt32());
        Assert.True(Sum("done") >= 5, output);
        Assert.True(Sum("overlapping") >= 1, output);
        Assert.Contains("fault 1, planned at ", error, StringComparison.Ordinal);

        var again = await RunAsync("bench", "check", "--check-only", directory.File("history"));
        Assert.Equal((0, ""), (again.ExitCode, again.Error));
        Assert.EndsWith("verdict    linearizable\n", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recorded_stale_read_is_shown_with_exit_status_1()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File("one"), """
            {"format":"tikv-actors-history","version":2,"process":"one"}
            {"at":1000000,"event":"invoke","op":1,"client":1,"do":"put","keys":["k"],"values":["old"]}
            {"at":2000000,"event":"ok","op":1}
            {"at":3000000,"event":"invoke","op":2,"client":1,"do":"put","keys":["k"],"values":["new"]}
            {"at":4000000,"event":"ok","op":2}

            """);
        await File.WriteAllTextAsync(directory.File("two"), """
            {"format":"tikv-actors-history","version":2,"process":"two"}
            {"at":5000000,"event":"invoke","op":1,"client":2,"do":"get","keys":["k"]}
            {"at":6000000,"event":"ok","op":1,"values":["old"]}

            """);
        var (exitCode, output, _) = await RunAsync("bench", "check", "--check-only", directory.File("one"), directory.File("two"));
        Assert.Equal(1, exitCode);
        Assert.Contains("process two, client 2, operation 1 (get): found \"old\"", output, StringComparison.Ordinal);
        Assert.EndsWith("verdict    NOT LINEARIZABLE\n", output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("bench", "check", "--check-only", directory.File("one"))).ExitCode);
    }

    [Fact]
    public async Task Stops_of_the_leader_are_measured()
    {
        var (exitCode, output, error) = await RunAsync("bench", "stops", "--stops", "1", "--clients", "4", "--json");
        Assert.True(exitCode == 0, error);
        var gaps = JsonDocument.Parse(output).RootElement.GetProperty("gaps").EnumerateArray().ToList();
        Assert.Equal(
            from kind in new[] { "killed", "stopped" }
            from gap in new[] { "writes", "reads", "one client", "timestamps" }
            select $"{kind}: {gap}",
            gaps.Select(g => $"{g.GetProperty("kind").GetString()}: {g.GetProperty("gapOf").GetString()}"));
        Assert.All(gaps, gap => Assert.True(gap.GetProperty("worstMs").GetDouble() > 0, output));
        Assert.Contains("node", error, StringComparison.Ordinal);
    }

    /// <summary>The clients have the default deadlines, and nobody may see an error.</summary>
    [Fact]
    public async Task A_rolling_restart_fails_no_call()
    {
        var (exitCode, output, error) =
            await RunAsync("bench", "stops", "--stops", "3", "--node", "each", "--kind", "stop", "--clients", "8", "--json");
        Assert.True(exitCode == 0, error);
        var gaps = JsonDocument.Parse(output).RootElement.GetProperty("gaps").EnumerateArray().ToList();
        Assert.Equal(4, gaps.Count);
        Assert.All(gaps, gap => Assert.Equal(0, gap.GetProperty("errors").GetInt32()));
    }

    [Theory]
    [InlineData("--faults takes some of kill,pause,stop,partition,client-partition,client-kill,transfer,split", "--faults", "kill,flood")]
    [InlineData("--seconds 0: must be from 1", "--seconds", "0")]
    [InlineData("it is empty", "--check-only", "/dev/null")]
    public async Task Bad_usage_is_named_and_exits_with_2(string expected, params string[] arguments)
    {
        var (exitCode, output, error) = await RunAsync(["bench", "check", .. arguments]);
        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode =
            await Tkv.RunAsync(arguments, new InvocationConfiguration { Output = output, Error = TextWriter.Synchronized(error) });
        return (exitCode, output.ToString(), error.ToString());
    }
}
