using TiKvActors.Client;
using TiKvActors.Host.Check;

namespace TiKvActors.Host.Tests.Check;

public class HistoryTests
{
    [Fact]
    public void A_scan_says_of_every_known_key_in_what_it_covered_whether_it_is_there()
    {
        HistoryOperation[] history =
        [
            Put("b", "1", 0), Put("d", "2", 10), Put("f", "3", 20),
            Scan("a", "e", 10, false, 30, ("d", "2")),
        ];
        Assert.Equal("b", Assert.Single(HistoryChecker.Check(history).Findings).Key);
        history[^1] = Scan("a", "z", 1, false, 30, ("b", "1"));
        Assert.True(HistoryChecker.Check(history).IsLinearizable);
        history[^1] = Scan("a", "z", 1, true, 30, ("d", "2"));
        Assert.Equal("f", Assert.Single(HistoryChecker.Check(history).Findings).Key);
        history[^1] = Scan("a", "z", 10, false, 30, ("b", "1"), ("c", "nobody wrote it"), ("d", "2"), ("f", "3"));
        Assert.Equal("c", Assert.Single(HistoryChecker.Check(history).Findings).Key);
    }

    [Fact]
    public void A_failed_write_has_no_effect_and_an_unknown_one_may_have_it_once_for_each_try()
    {
        HistoryOperation Lost(int tries) => Put("k", "v", 0) with { Outcome = HistoryOutcome.Unknown, LostTries = tries };
        HistoryOperation[] twice = [Get("k", "v", 20), Put("k", "w", 30), Get("k", "w", 40), Get("k", "v", 50)];
        Assert.False(HistoryChecker.Check([Put("k", "v", 0) with { Outcome = HistoryOutcome.Failed }, Get("k", "v", 20)]).IsLinearizable);
        Assert.True(HistoryChecker.Check([Lost(1), Get("k", "v", 20)]).IsLinearizable);
        Assert.False(HistoryChecker.Check([Lost(1), .. twice]).IsLinearizable);
        Assert.True(HistoryChecker.Check([Lost(2), .. twice]).IsLinearizable);
        // The process was killed: one more try may have been under way.
        HistoryOperation Killed(int tries) => Lost(tries) with { Completed = RegisterOperation.Never };
        Assert.True(HistoryChecker.Check([Killed(0), Get("k", "v", 20)]).IsLinearizable);
        Assert.False(HistoryChecker.Check([Killed(0), .. twice]).IsLinearizable);
        Assert.True(HistoryChecker.Check([Killed(1), .. twice]).IsLinearizable);
    }

    [Fact]
    public void A_swap_must_find_what_it_says()
    {
        var swap = new HistoryOperation
        {
            Process = "p",
            Number = 1,
            Kind = HistoryKind.CompareAndSwap,
            Keys = ["k"],
            Expected = "v",
            Values = ["w"],
            Swapped = true,
            Previous = "v",
            Invoked = 20, Completed = 25, Outcome = HistoryOutcome.Ok,
        };
        Assert.True(HistoryChecker.Check([Put("k", "v", 0), swap, Get("k", "w", 30)]).IsLinearizable);
        Assert.False(HistoryChecker.Check([Put("k", "x", 0), swap]).IsLinearizable);
        Assert.False(HistoryChecker.Check([Put("k", "v", 0), swap with { Previous = "x" }]).IsLinearizable);
        Assert.False(HistoryChecker.Check([Put("k", "v", 0), swap with { Swapped = false, Previous = null }]).IsLinearizable);
    }

    [Fact]
    public async Task What_is_written_is_read_back()
    {
        using var directory = new TemporaryDirectory();
        var offset = PlaygroundProcess.FreePortOffset();
        await using var playground = await PlaygroundProcess.StartAsync("--ephemeral --stores 1", offset);
        await using (var raw = await RawClient.ConnectAsync(playground.Endpoint))
        {
            using var writer = new HistoryWriter(directory.File("one"), "one");
            var client = new RecordingClient(raw, writer, 7);
            await client.PutAsync("k\n"u8.ToArray(), "v\\"u8.ToArray());
            await client.BatchPutAsync([("l"u8.ToArray(), "1"u8.ToArray()), ("m"u8.ToArray(), "2"u8.ToArray())]);
            Assert.True((await client.CompareAndSwapAsync("n"u8.ToArray(), null, "3"u8.ToArray())).Swapped);
            await client.DeleteAsync("l"u8.ToArray());
            await client.GetAsync("m"u8.ToArray());
            await client.BatchGetAsync(["l"u8.ToArray(), "n"u8.ToArray()]);
            await client.ScanAsync("k"u8.ToArray(), "z"u8.ToArray(), 2, true);
            await Assert.ThrowsAsync<InvalidRequestException>(() => client.GetAsync([]));
        }

        // What a killed process leaves: a call that is not completed, and half a line.
        await File.AppendAllTextAsync(
            directory.File("one"),
            """{"at":1,"event":"invoke","op":100,"client":7,"do":"put","keys":["z"],"values":["9"]}"""
            + "\n" + """{"at":2,"event":"lost","op":100}""" + "\n{\"at\":");
        var history = HistoryReader.Read([directory.File("one")]);
        Assert.Equal(["put", "batch-put", "cas", "delete", "get", "batch-get", "scan", "get", "put"], history.Select(
            o => HistorySplitter.NameOf(o.Kind)));
        Assert.Equal(
            [.. Enumerable.Repeat(HistoryOutcome.Ok, 7), HistoryOutcome.Failed, HistoryOutcome.Unknown], history.Select(o => o.Outcome));
        Assert.Equal((@"k\x0A", @"v\\"), (history[0].Keys[0], history[0].Values[0]));
        Assert.Equal([null, "3"], history[5].Values);
        Assert.Equal(["n", "m"], history[6].Keys);
        Assert.Equal((RegisterOperation.Never, 7, "one"), (history[8].Completed, history[8].Client, history[8].Process));
        Assert.Equal(1, history[8].LostTries);
        Assert.All(history.Take(8), o => Assert.True(o.Invoked < o.Completed));
        Assert.True(HistoryChecker.Check(history).IsLinearizable);
        Assert.Equal(0, await playground.TerminateAsync());
    }

    [Theory]
    [InlineData("{}", "line 1")]
    [InlineData("""{"format":"tikv-actors-history","version":1,"process":"p"}""", "version 2")]
    [InlineData(
        """{"format":"tikv-actors-history","version":2,"process":"p"}|{"at":1,"event":"ok","op":1}""",
        "operation 1 is completed, but has not begun")]
    [InlineData("""{"format":"tikv-actors-history","version":2,"process":"p"}|{"at":1,"event":"lost","op":1}""", "not under way")]
    [InlineData(
        """{"format":"tikv-actors-history","version":2,"process":"p"}|"""
            + """{"at":1,"event":"invoke","op":1,"client":1,"do":"increment","keys":["k"]}""",
        "\"increment\"")]
    public void A_file_that_is_no_history_is_refused_with_file_and_line(string lines, string expected)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.File("h"), lines.Replace('|', '\n') + "\n");
        var refusal = Assert.Throws<FormatException>(() => HistoryReader.Read([directory.File("h")]));
        Assert.Contains(directory.File("h") + ", line ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    private static HistoryOperation Put(string key, string value, long at) =>
        new()
        {
            Process = "p",
            Number = at,
            Kind = HistoryKind.Put,
            Keys = [key],
            Values = [value],
            Invoked = at,
            Completed = at + 5,
            Outcome = HistoryOutcome.Ok
        };

    private static HistoryOperation Get(string key, string? value, long at) =>
        new()
        {
            Process = "p",
            Number = at,
            Kind = HistoryKind.Get,
            Keys = [key],
            Values = [value],
            Invoked = at,
            Completed = at + 5,
            Outcome = HistoryOutcome.Ok
        };

    private static HistoryOperation Scan(
        string start, string end, int limit, bool reverse, long at, params (string Key, string Value)[] found) => new()
    {
        Process = "p", Number = at, Kind = HistoryKind.Scan, Start = start, End = end, Limit = limit, Reverse = reverse,
        Keys = [.. found.Select(f => f.Key)],
        Values = [.. found.Select(f => f.Value)],
        Invoked = at,
        Completed = at + 5,
        Outcome = HistoryOutcome.Ok,
    };
}
