using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using TiKvActors.Client;

namespace TiKvActors.Host.Tests;

/// <summary>The playground as a real process: killed, terminated, told to stop a store, started where it cannot run.</summary>
public class PlaygroundTests
{
    [Fact]
    public async Task Every_acknowledged_write_survives_a_kill_under_load()
    {
        using var data = new TemporaryDirectory();
        var offset = PlaygroundProcess.FreePortOffset();
        var acknowledged = new ConcurrentDictionary<string, int>();
        var attempted = new ConcurrentDictionary<string, int>();
        for (var round = 0; round < 3; round++)
        {
            await using var playground = await PlaygroundProcess.StartAsync($"--data \"{data.Path}\"", offset);
            await using var client =
                await RawClient.ConnectAsync(playground.Endpoint, new RawClientOptions { CallTimeout = TimeSpan.FromSeconds(20) });
            await EveryAcknowledgedWriteIsThere(client, acknowledged, attempted);
            using var stop = new CancellationTokenSource();
            var writers = Enumerable.Range(0, 32)
                .Select(w => WriteAsync(client, $"writer{w:D2}", acknowledged, attempted, stop.Token)).ToArray();
            var target = acknowledged.Values.Sum() + 2_000;
            await Eventually.TrueAsync(
                () => acknowledged.Values.Sum() >= target, () => $"{target} writes, so far {acknowledged.Values.Sum()}");
            await playground.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }

        await using var last = await PlaygroundProcess.StartAsync($"--data \"{data.Path}\"", offset);
        await using var reader = await RawClient.ConnectAsync(last.Endpoint);
        await EveryAcknowledgedWriteIsThere(reader, acknowledged, attempted);
        Assert.Equal(0, await last.TerminateAsync());
    }

    [Fact]
    public async Task A_store_can_be_stopped_and_started_while_reads_and_writes_go_on()
    {
        await using var playground = await PlaygroundProcess.StartAsync("--ephemeral", PlaygroundProcess.FreePortOffset());
        await using var client = await RawClient.ConnectAsync(playground.Endpoint);
        using var http = new HttpClient();
        var second = $"http://127.0.0.1:{8559 + playground.PortOffset}";
        Assert.Contains(second, playground.Output, StringComparison.Ordinal);
        Assert.Contains("\"ready\":true", await http.GetStringAsync(new Uri($"{second}/ready")), StringComparison.Ordinal);
        await playground.TypeAsync("stop 2");
        await Eventually.TrueAsync(
            () => playground.Output.Contains("store 2 is stopped", StringComparison.Ordinal), () => playground.Output);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri($"{second}/alive")));
        for (var i = 0; i < 100; i++) await client.PutAsync(Bytes($"key{i}"), Bytes($"value{i}"));
        await playground.TypeAsync("start 2");
        await Eventually.TrueAsync(
            () => playground.Output.Contains("store 2 is running", StringComparison.Ordinal), () => playground.Output);
        await playground.TypeAsync("stop 3");
        await Eventually.TrueAsync(
            () => playground.Output.Contains("store 3 is stopped", StringComparison.Ordinal), () => playground.Output);
        for (var i = 0; i < 100; i++) Assert.Equal(Bytes($"value{i}"), await client.GetAsync(Bytes($"key{i}")));
        Assert.Equal(0, await playground.TerminateAsync());
    }

    [Theory]
    [InlineData(2552)]
    [InlineData(8560)]
    public async Task A_port_in_use_is_named(int port)
    {
        var offset = PlaygroundProcess.FreePortOffset();
        using var occupant = new TcpListener(IPAddress.Loopback, port + offset);
        occupant.Start();
        await using var playground = PlaygroundProcess.Launch("--ephemeral", offset);
        Assert.Equal(1, await playground.ExitAsync());
        Assert.Contains($"port {port + offset} on 127.0.0.1 is in use", playground.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_directory_in_use_or_of_another_mode_is_refused()
    {
        using var data = new TemporaryDirectory();
        var offset = PlaygroundProcess.FreePortOffset();
        await using (var first = await PlaygroundProcess.StartAsync($"--data \"{data.Path}\" --api v1", offset))
        {
            await using var second = PlaygroundProcess.Launch($"--data \"{data.Path}\"", PlaygroundProcess.FreePortOffset());
            Assert.Equal(1, await second.ExitAsync());
            Assert.Contains("store-1 is in use", second.Output, StringComparison.Ordinal);
            Assert.Equal(0, await first.TerminateAsync());
        }

        await using (var other = PlaygroundProcess.Launch($"--data \"{data.Path}\" --api v2", offset))
        {
            Assert.Equal(1, await other.ExitAsync());
            Assert.Contains("v1", other.Output, StringComparison.Ordinal);
        }

        await using var same = await PlaygroundProcess.StartAsync($"--data \"{data.Path}\"", offset);
        Assert.Equal(0, await same.TerminateAsync());
    }

    /// <summary>One key a writer, values counting up: what is stored is the last acknowledged value or a later attempt.</summary>
    private static async Task WriteAsync(
        RawClient client, string key, ConcurrentDictionary<string, int> acknowledged, ConcurrentDictionary<string, int> attempted,
        CancellationToken stop)
    {
        for (var value = attempted.GetValueOrDefault(key) + 1; !stop.IsCancellationRequested; value++)
        {
            attempted[key] = value;
            try
            {
                await client.PutAsync(Bytes(key), Bytes($"{value}"), null, stop);
                acknowledged[key] = value;
            }
            catch (Exception e) when (e is TikvException or OperationCanceledException)
            {
                return;
            }
        }
    }

    private static async Task EveryAcknowledgedWriteIsThere(
        RawClient client, ConcurrentDictionary<string, int> acknowledged, ConcurrentDictionary<string, int> attempted)
    {
        foreach (var (key, last) in acknowledged)
        {
            var stored = await client.GetAsync(Bytes(key));
            Assert.True(stored != null, $"{key} is lost, acknowledged was {last}");
            Assert.InRange(int.Parse(Encoding.UTF8.GetString(stored)), last, attempted[key]);
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
