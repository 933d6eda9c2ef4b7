using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using TiKvActors.Client;

namespace TiKvActors.Host.Tests;

/// <summary><c>playground --processes</c>: stores that are killed, paused and resumed from outside.</summary>
public class PlaygroundProcessesTests
{
    [Fact]
    public async Task A_killed_store_is_missed_by_nobody_and_can_be_started_again()
    {
        await using var playground = await StartAsync("--ephemeral");
        await using var client = await RawClient.ConnectAsync(playground.Endpoint);
        await client.PutAsync(Bytes("before"), Bytes("1"));
        var process = await ProcessOfAsync(playground, $"store 2 is process (\\d+)");
        Kill("KILL", process);
        await Says(playground, $"store 2 (process {process}) ended with exit status 137");
        await client.PutAsync(Bytes("meanwhile"), Bytes("2"));
        await playground.TypeAsync("start 2");
        var next = await ProcessOfAsync(playground, "store 2 is running \\(process (\\d+)\\)");
        Assert.NotEqual(process, next);
        await playground.TypeAsync("stop 3");
        await Says(playground, "store 3 is stopped");
        Assert.Equal([Bytes("1"), Bytes("2")], await client.BatchGetAsync([Bytes("before"), Bytes("meanwhile")]));
        Assert.Equal(0, await playground.TerminateAsync());
        Assert.False(IsAlive(next));
    }

    [Fact]
    public async Task A_paused_store_goes_on_when_it_is_resumed()
    {
        await using var playground = await StartAsync("--ephemeral");
        await using var client = await RawClient.ConnectAsync(playground.Endpoint);
        var process = await ProcessOfAsync(playground, "store 3 is process (\\d+)");
        Kill("STOP", process);
        await client.PutAsync(Bytes("k"), Bytes("v"));
        Kill("CONT", process);
        Assert.Equal(Bytes("v"), await client.GetAsync(Bytes("k")));
        Assert.Equal(0, await playground.TerminateAsync());
        Assert.False(IsAlive(process));
    }

    [Fact]
    public async Task The_stores_end_with_a_playground_that_is_killed_and_their_data_is_that_of_one_process()
    {
        using var data = new TemporaryDirectory();
        var processes = new List<int>();
        await using (var playground = await StartAsync($"--data \"{data.Path}\""))
        {
            for (var store = 1; store <= 3; store++) processes.Add(await ProcessOfAsync(playground, $"store {store} is process (\\d+)"));
            await using var client = await RawClient.ConnectAsync(playground.Endpoint);
            await client.PutAsync(Bytes("k"), Bytes("v"));
            await playground.KillAsync();
        }

        await Eventually.TrueAsync(() => !processes.Exists(IsAlive), () => "the end of " + string.Join(", ", processes.Where(IsAlive)));
        await using var inOne = await PlaygroundProcess.StartAsync($"--data \"{data.Path}\"", PlaygroundProcess.FreePortOffset());
        await using var reader = await RawClient.ConnectAsync(inOne.Endpoint);
        Assert.Equal(Bytes("v"), await reader.GetAsync(Bytes("k")));
        Assert.Equal(0, await inOne.TerminateAsync());
    }

    [Fact]
    public async Task What_keeps_a_store_from_starting_is_said_and_nothing_is_left_behind()
    {
        var offset = PlaygroundProcess.FreePortOffset();
        using var occupant = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 2553 + offset);
        occupant.Start();
        await using var playground = PlaygroundProcess.Launch("--ephemeral --processes", offset);
        Assert.Equal(1, await playground.ExitAsync());
        Assert.Contains($"port {2553 + offset} on 127.0.0.1 is in use", playground.Output, StringComparison.Ordinal);
    }

    private static Task<PlaygroundProcess> StartAsync(string arguments) =>
        PlaygroundProcess.StartAsync($"{arguments} --processes", PlaygroundProcess.FreePortOffset());

    private static Task Says(PlaygroundProcess playground, string text) =>
        Eventually.TrueAsync(
            () => playground.Output.Contains(text, StringComparison.Ordinal), () => $"\"{text}\" in:\n{playground.Output}");

    private static async Task<int> ProcessOfAsync(PlaygroundProcess playground, string pattern)
    {
        await Eventually.TrueAsync(() => Regex.IsMatch(playground.Output, pattern), () => $"\"{pattern}\" in:\n{playground.Output}");
        return int.Parse(Regex.Match(playground.Output, pattern).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static void Kill(string signal, int process)
    {
        using var kill = Process.Start("kill", $"-{signal} {process}");
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    private static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
