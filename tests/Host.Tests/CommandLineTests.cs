using System.CommandLine;
using System.Text.Json;
using TiKvActors.Client;
using TiKvActors.Host.Commands;

namespace TiKvActors.Host.Tests;

/// <summary>Commands as a user types them, against one playground.</summary>
public class CommandLineTests(CommandLineTests.Cluster cluster) : IClassFixture<CommandLineTests.Cluster>
{
    [Fact]
    public async Task A_key_goes_in_and_comes_out()
    {
        Assert.Equal((0, "", ""), await RunAsync("raw", "put", "greeting", "hello world"));
        Assert.Equal((0, "hello world\n", ""), await RunAsync("raw", "get", "greeting"));
        Assert.Equal((0, """{"key":"greeting","value":"hello world"}""" + "\n", ""), await RunAsync("raw", "get", "greeting", "--json"));
        Assert.Equal((0, "68656c6c6f20776f726c64\n", ""), await RunAsync("raw", "get", "6772656574696e67", "--hex"));
        Assert.Equal((0, "", ""), await RunAsync("raw", "delete", "greeting"));
        Assert.Equal((3, "", "tkv: no such key: greeting\n"), await RunAsync("raw", "get", "greeting"));
    }

    [Fact]
    public async Task Bytes_that_are_not_text_are_escaped_both_ways()
    {
        await RunAsync("raw", "put", @"bin\x00\xFFkey", @"a\x09b\\c");
        Assert.Equal((0, @"a\x09b\\c" + "\n", ""), await RunAsync("raw", "get", @"bin\x00\xFFkey"));
        Assert.Equal((0, @"bin\x00\xFFkey" + "\t" + @"a\x09b\\c" + "\n", ""), await RunAsync("raw", "scan", "bin", "bio"));
    }

    [Fact]
    public async Task Scans_have_bounds_limits_and_directions()
    {
        foreach (var i in Enumerable.Range(1, 5)) await RunAsync("raw", "put", $"scan:{i}", $"v{i}");
        Assert.Equal("scan:2\tv2\nscan:3\tv3\n", (await RunAsync("raw", "scan", "scan:2", "scan:4")).Output);
        Assert.Equal(
            "scan:5\nscan:4\n", (await RunAsync("raw", "scan", "scan:", "scan;", "--reverse", "--limit", "2", "--keys-only")).Output);
        var lines = (await RunAsync("raw", "scan", "scan:", "scan;", "--json")).Output.TrimEnd('\n').Split('\n');
        Assert.Equal(["v1", "v2", "v3", "v4", "v5"], lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("value").GetString()));
        Assert.Equal(0, (await RunAsync("raw", "delete-range", "scan:1", "scan:5")).ExitCode);
        Assert.Equal("scan:5\tv5\n", (await RunAsync("raw", "scan", "scan:", "scan;")).Output);
    }

    [Fact]
    public async Task Compare_and_swap_says_what_is_there()
    {
        Assert.Equal(0, (await RunAsync("raw", "cas", "lock", "--absent", "--value", "me")).ExitCode);
        Assert.Equal((3, "", "tkv: not swapped: the value is me\n"), await RunAsync("raw", "cas", "lock", "--absent", "--value", "you"));
        Assert.Equal(0, (await RunAsync("raw", "cas", "lock", "--expect", "me", "--value", "you")).ExitCode);
        Assert.Equal(
            """{"swapped":false,"previous":"you"}""" + "\n",
            (await RunAsync("raw", "cas", "lock", "--expect", "me", "--value", "x", "--json")).Output);
    }

    [Fact]
    public async Task A_key_may_have_a_time_to_live()
    {
        await RunAsync("raw", "put", "session", "open", "--ttl", "3600");
        Assert.InRange(int.Parse((await RunAsync("raw", "ttl", "session")).Output), 3500, 3600);
        await RunAsync("raw", "put", "for-ever", "x");
        Assert.Equal("none\n", (await RunAsync("raw", "ttl", "for-ever")).Output);
        Assert.Equal(3, (await RunAsync("raw", "ttl", "absent")).ExitCode);
    }

    [Fact]
    public async Task What_is_imported_is_exported_byte_for_byte_in_key_order()
    {
        var lines = Enumerable.Range(0, 3_000).Select(i => $"import:{i * 7_919 % 3_000:D5}\tvalue {i} ü\n").ToArray();
        using var directory = new TemporaryDirectory();
        var file = directory.File("data.tsv");
        await File.WriteAllTextAsync(file, string.Concat(lines));
        Assert.Equal((0, "", "imported 3000 keys\n"), await RunAsync("raw", "import", file));
        await RunAsync("ctl", "region", "split", "import:01000");
        var (exitCode, output, _) = await RunAsync("raw", "export", "import:", "import;");
        Assert.Equal(0, exitCode);
        Assert.Equal(string.Concat(lines.Order(StringComparer.Ordinal)), output);
        var checksum = (await RunAsync("raw", "checksum", "import:", "import;")).Output;
        Assert.Contains("keys 3000", checksum, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_import_says_where_to_go_on()
    {
        using var directory = new TemporaryDirectory();
        var file = directory.File("broken.tsv");
        await File.WriteAllTextAsync(file, "one\t1\ntwo\t2\nthree\n");
        var (exitCode, _, error) = await RunAsync("raw", "import", file);
        Assert.Equal(1, exitCode);
        Assert.Equal("tkv: line 3: no tab between key and value\ntkv: the first 2 lines are stored; go on with --from-line 3\n", error);
        Assert.Equal("2\n", (await RunAsync("raw", "get", "two")).Output);
    }

    [Fact]
    public async Task Regions_are_listed_shown_and_split()
    {
        var before = (await RunAsync("ctl", "region", "list", "--json")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
        var split = await RunAsync("ctl", "region", "split", "zebra", "--json");
        Assert.Equal((0, ""), (split.ExitCode, split.Error));
        var right = JsonDocument.Parse(split.Output.TrimEnd('\n').Split('\n')[^1]).RootElement;
        Assert.Equal("zebra", right.GetProperty("start").GetString());
        await RunAsync("raw", "put", "zebra", "stripes");
        Assert.Equal("stripes\n", (await RunAsync("raw", "get", "zebra")).Output);
        Assert.Equal(before + 1, (await RunAsync("ctl", "region", "list", "--json")).Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        var shown = await RunAsync("ctl", "region", "show", right.GetProperty("id").GetUInt64().ToString());
        Assert.Contains("zebra", shown.Output, StringComparison.Ordinal);
        Assert.Equal(3, (await RunAsync("ctl", "region", "show", "999999")).ExitCode);
    }

    [Fact]
    public async Task Stores_are_listed_shown_removed_and_kept()
    {
        var listed = (await RunAsync("ctl", "store", "list", "--json")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["up", "up", "up"], listed.Select(s => s.GetProperty("state").GetString()));
        var last = listed[^1];
        var id = last.GetProperty("id").GetUInt64().ToString();
        var table = (await RunAsync("ctl", "store", "list")).Output;
        Assert.Contains(last.GetProperty("address").GetString()!, table, StringComparison.Ordinal);

        Assert.Equal((3, "", "tkv: no such store: 999999\n"), await RunAsync("ctl", "store", "show", "999999"));
        Assert.Equal((3, "", "tkv: no such store: 999999\n"), await RunAsync("ctl", "store", "remove", "999999"));
        var forced = await RunAsync("ctl", "store", "remove", id, "--force");
        Assert.Equal(1, forced.ExitCode);
        Assert.Contains("is alive", forced.Error, StringComparison.Ordinal);

        // Three replicas on three stores: it waits, and can be kept.
        Assert.Equal(0, (await RunAsync("ctl", "store", "remove", id)).ExitCode);
        await Eventually.TrueAsync(
            async () => (await RunAsync("ctl", "store", "show", id)).Output is var shown
                && shown.Contains("removing", StringComparison.Ordinal)
                && shown.Contains("no store that is up is without a peer of it", StringComparison.Ordinal),
            "the removal says what it waits for");
        Assert.Equal(0, (await RunAsync("ctl", "store", "cancel-remove", id)).ExitCode);
        Assert.Contains("up", (await RunAsync("ctl", "store", "show", id)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_short_benchmark_reports_throughput_syncs_and_acknowledged_writes()
    {
        var (exitCode, output, _) =
            await RunAsync("bench", "put", "--clients", "16", "--seconds", "1", "--warmup", "0", "--keys", "1000", "--json");
        Assert.Equal(0, exitCode);
        var report = JsonDocument.Parse(output).RootElement;
        var servers = report.GetProperty("servers");
        Assert.InRange(report.GetProperty("operations").GetInt64(), 1, long.MaxValue);
        Assert.InRange(servers.GetProperty("acknowledgedWrites").GetInt64(), report.GetProperty("operations").GetInt64(), long.MaxValue);
        Assert.InRange(servers.GetProperty("journalSyncs").GetInt64(), 1, long.MaxValue);
        Assert.Equal(0, (await RunAsync("bench", "get", "--clients", "4", "--seconds", "1", "--warmup", "0", "--keys", "1000")).ExitCode);
    }

    [Fact]
    public async Task Timestamps_grow_and_are_explained()
    {
        var last = 0UL;
        for (var i = 0; i < 3; i++)
        {
            var (exitCode, output, _) = await RunAsync("ctl", "tso", "--json");
            Assert.Equal(0, exitCode);
            var taken = JsonDocument.Parse(output).RootElement;
            var timestamp = taken.GetProperty("timestamp").GetUInt64();
            Assert.Equal(timestamp, ((ulong)taken.GetProperty("physicalMs").GetInt64() << 18) + taken.GetProperty("logical").GetUInt64());
            Assert.True(timestamp > last);
            last = timestamp;
        }

        Assert.Equal(
            (0, "timestamp  450000000000000000\ntime       2024-05-25 05:09:29.531Z (1716613769531 ms), logical 65536\n", ""),
            await RunAsync("ctl", "tso", "450000000000000000"));
        var (benchExit, report, _) = await RunAsync("bench", "tso", "--clients", "8", "--seconds", "1", "--warmup", "0");
        Assert.Equal(0, benchExit);
        Assert.StartsWith("tso: 8 clients, 1 s after 0 s of warm-up\n", report, StringComparison.Ordinal);
        Assert.Contains("errors       none", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Safe_points_are_shown_with_who_holds_them_back()
    {
        var none = (await RunAsync("ctl", "gc")).Output;
        Assert.Contains("barriers", none, StringComparison.Ordinal);
        Assert.Contains("none", none, StringComparison.Ordinal);

        await using var admin = await AdminClient.ConnectAsync(cluster.Endpoint);
        var timestamp = await admin.GetTimestampAsync();
        await admin.SetGcBarrierAsync("backup", timestamp, TimeSpan.FromHours(1));
        await admin.SetGcBarrierAsync("for-ever", timestamp + 1, null);
        await admin.AdvanceTxnSafePointAsync(timestamp - 1);
        await admin.AdvanceGcSafePointAsync(timestamp - 2);
        Assert.Equal(timestamp, (await admin.AdvanceTxnSafePointAsync(timestamp + 1)).NewTxnSafePoint);

        var (exitCode, output, error) = await RunAsync("ctl", "gc");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches($@"GC safe point +{timestamp - 2}  20\d\d-", output);
        Assert.Matches($@"transactions' safe point +{timestamp}  20\d\d-", output);
        Assert.Matches($@"backup +{timestamp} +20\d\d-\S+ \S+ +(00:5\d:\d\d|01:00:00)", output);
        Assert.Matches($@"for-ever +{timestamp + 1} .*never", output);
        var json = JsonDocument.Parse((await RunAsync("ctl", "gc", "--json")).Output).RootElement;
        Assert.Equal(timestamp, json.GetProperty("txnSafePoint").GetUInt64());
        Assert.Equal(timestamp - 2, json.GetProperty("gcSafePoint").GetUInt64());
        var barriers = json.GetProperty("barriers").EnumerateArray().ToList();
        Assert.Equal(["backup", "for-ever"], barriers.Select(b => b.GetProperty("id").GetString()));
        Assert.InRange(barriers[0].GetProperty("ttlSeconds").GetInt64(), 3_000, 3_600);
        Assert.False(barriers[1].TryGetProperty("ttlSeconds", out _));

        Assert.Equal("backup", (await admin.DeleteGcBarrierAsync("backup"))!.BarrierId);
        Assert.Null(await admin.DeleteGcBarrierAsync("backup"));
        Assert.NotNull(await admin.DeleteGcBarrierAsync("for-ever"));
    }

    [Fact]
    public async Task Keyspaces_are_created_listed_disabled_and_enabled()
    {
        Assert.Equal(
            (0, """{"id":0,"name":"DEFAULT","state":"enabled"}""" + "\n", ""), await RunAsync("ctl", "keyspace", "list", "--json"));
        var (exitCode, output, error) = await RunAsync("ctl", "keyspace", "create", "shop");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches(@"^ *id +keyspace +state +created *\n *1 +shop +enabled +20\d\d-\S+ \S+Z", output);
        var again = await RunAsync("ctl", "keyspace", "create", "shop");
        Assert.Equal((1, ""), (again.ExitCode, again.Output));
        Assert.EndsWith("keyspace shop exists already, with id 1\n", again.Error, StringComparison.Ordinal);
        Assert.Contains("letters", (await RunAsync("ctl", "keyspace", "create", "a b")).Error, StringComparison.Ordinal);
        Assert.Contains("disabled", (await RunAsync("ctl", "keyspace", "disable", "shop")).Output, StringComparison.Ordinal);
        Assert.Contains("disabled", (await RunAsync("ctl", "keyspace", "show", "shop")).Output, StringComparison.Ordinal);
        Assert.Contains("enabled", (await RunAsync("ctl", "keyspace", "enable", "shop")).Output, StringComparison.Ordinal);
        Assert.Equal((3, "", "tkv: no such keyspace: absent\n"), await RunAsync("ctl", "keyspace", "show", "absent"));
        Assert.Equal(1, (await RunAsync("ctl", "keyspace", "disable", "DEFAULT")).ExitCode);
        var table = (await RunAsync("ctl", "keyspace", "list")).Output;
        Assert.Contains("DEFAULT", table, StringComparison.Ordinal);
        Assert.Contains("shop", table, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("limit is 8192", "raw", "get", "{9000}")]
    [InlineData("key is empty", "raw", "get", "")]
    [InlineData("TTL of -1 s", "raw", "put", "k", "v", "--ttl", "-1")]
    [InlineData("the limit is 3153600000 s", "raw", "put", "k", "v", "--ttl", "1000000000000")]
    [InlineData("inverted range", "raw", "scan", "b", "a")]
    [InlineData("malformed escape", "raw", "get", @"bad\y")]
    [InlineData("hexadecimal", "raw", "get", "abc", "--hex")]
    [InlineData("--limit 0", "raw", "scan", "--limit", "0")]
    [InlineData("one of --expect V and --absent", "raw", "cas", "k", "--value", "v")]
    [InlineData("raw frobnicate", "raw", "frobnicate")]
    [InlineData("abc", "ctl", "region", "show", "abc")]
    [InlineData("year 3084", "ctl", "tso", "9223372036854775808")]
    [InlineData("--clients 0", "bench", "put", "--clients", "0")]
    [InlineData("exclude each other", "playground", "--ephemeral", "--data", "x")]
    [InlineData("--stores must be", "playground", "--stores", "0")]
    [InlineData("v3", "playground", "--api", "v3")]
    public async Task Bad_usage_is_named_and_exits_with_2(string expected, params string[] arguments)
    {
        var (exitCode, output, error) = await RunAsync([.. arguments.Select(a => a == "{9000}" ? new string('k', 9000) : a)]);
        Assert.Equal(2, exitCode);
        Assert.Equal("", output);
        Assert.Contains(expected.Replace("raw frobnicate", "frobnicate"), error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_endpoint_is_named()
    {
        var io = (new StringWriter(), new StringWriter());
        var exitCode = await Tkv.RunAsync(
            ["raw", "get", "k", "--endpoint", "127.0.0.1:1"], new InvocationConfiguration { Output = io.Item1, Error = io.Item2 });
        Assert.Equal(1, exitCode);
        Assert.Contains("127.0.0.1:1", io.Item2.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("raw")]
    [InlineData("raw", "put")]
    [InlineData("raw", "import")]
    [InlineData("playground")]
    [InlineData("ctl")]
    [InlineData("ctl", "region", "split")]
    [InlineData("ctl", "store")]
    [InlineData("ctl", "store", "remove")]
    [InlineData("ctl", "tso")]
    [InlineData("ctl", "gc")]
    [InlineData("ctl", "keyspace")]
    [InlineData("ctl", "keyspace", "create")]
    [InlineData("ctl", "keyspace", "disable")]
    [InlineData("bench")]
    [InlineData("bench", "tso")]
    [InlineData("completion")]
    public async Task Help_has_an_example(params string[] command)
    {
        var (exitCode, output, _) = await RunAsync([.. command, "--help"]);
        Assert.Equal(0, exitCode);
        Assert.Contains("Example:", output, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        string[] all = arguments is ["raw" or "ctl" or "bench", ..] && !arguments.Contains("--help")
            ? [.. arguments, "--endpoint", cluster.Endpoint]
            : arguments;
        var (output, error) = (new StringWriter(), new StringWriter());
        var exitCode = await Tkv.RunAsync(all, new InvocationConfiguration { Output = output, Error = error });
        return (exitCode, output.ToString(), error.ToString());
    }

    public sealed class Cluster : IAsyncLifetime
    {
        private PlaygroundProcess? _playground;

        public string Endpoint => _playground!.Endpoint;

        public async Task InitializeAsync() =>
            _playground = await PlaygroundProcess.StartAsync("--ephemeral", PlaygroundProcess.FreePortOffset());

        public async Task DisposeAsync() => await _playground!.DisposeAsync();
    }
}
