using System.Diagnostics;
using System.Globalization;
using System.Text;
using TiKvActors.Client;
using TiKvActors.Host.Tests;

namespace TiKvActors.Faults;

/// <summary>Playgrounds on disks that are full, fail or hang.</summary>
public sealed class DiskTests
{
    /// <summary>What a store says when it closes its engines because of the disk, and when it has opened them again.</summary>
    private const string SteppedDown = "TKA103";
    private const string Opened = "TKA101";

    /// <summary>The store that leads is the one whose disk has the fault, for as long as it takes.</summary>
    [GccTheory]
    [InlineData("eio sync store-{0}/raft/*.log")]
    [InlineData("eio write store-{0}/data/*.log")]
    [InlineData("enospc write store-{0}/raft/*.log")]
    [InlineData("stall write,sync store-{0}/raft/*")]
    [InlineData("stall write,sync store-{0}/data/*")]
    public async Task A_store_whose_disk_fails_or_hangs_steps_down_and_returns_with_it(string fault)
    {
        using var fs = new FaultFs();
        using var folder = new TemporaryDirectory();
        await using (var playground = await StartAsync(fs.Root, folder, "tikv.disk.reserve = 1 B", fs.Environment))
        {
            await using var client = await ConnectAsync(playground);
            var load = new Load(24, 5);
            using var stop = new CancellationTokenSource();
            var writing = load.GoOnAsync(client, stop.Token);
            await ProgressAsync(load, writing, 200, playground);

            var leader = await LeaderAsync(playground);
            fs.Set(string.Format(CultureInfo.InvariantCulture, fault, leader));
            await SaidAsync(playground, SteppedDown, $"store-{leader}", 1);
            // The others have elected a leader, and the fault lasts.
            await ProgressAsync(load, writing, 200, playground);
            Assert.NotEmpty(fs.Events);
            fs.Set();
            await Eventually.TrueAsync(
                () => Count(playground, Opened, $"store-{leader}") > Count(playground, SteppedDown, $"store-{leader}"),
                () => $"store {leader} is open again:\n{playground.Output}");
            // Without it there is no majority now.
            await playground.TypeAsync($"stop {(leader == 3 ? 2 : 3)}");
            await ProgressAsync(load, writing, 200, playground);
            await playground.TypeAsync($"start {(leader == 3 ? 2 : 3)}");
            await stop.CancelAsync();
            await writing;
            await load.VerifyAsync(client);
            Assert.Equal(0, await playground.TerminateAsync());
        }

        await ReplicasAreEqualAsync(fs.Root, folder);
    }

    [GccFact]
    public async Task A_full_disk_refuses_writes_and_serves_reads_until_there_is_room()
    {
        using var fs = new FaultFs();
        fs.Set($"quota write . {128 << 20}");
        await FillAsync(fs.Root, fs.Environment, () => fs.Set());
    }

    [TmpfsFact]
    public async Task A_full_disk_of_its_own_does_so_too()
    {
        using var disk = new Tmpfs("128m");
        await FillAsync(disk.Path, null, () => disk.Resize("512m"));
    }

    private static async Task FillAsync(string root, IReadOnlyDictionary<string, string>? environment, Action makeRoom)
    {
        using var folder = new TemporaryDirectory();
        await using var playground = await StartAsync(root, folder, "tikv.disk { reserve = 48 MiB, check-interval = 100ms }", environment);
        await using var client =
            await RawClient.ConnectAsync(playground.Endpoint, new RawClientOptions { CallTimeout = TimeSpan.FromSeconds(5) });
        var value = new byte[64 << 10];
        new Random(1).NextBytes(value);
        var written = 0;
        var refused = await RefusalAsync(() => client.PutAsync(Key(written), value), () => written++);
        Assert.Contains("MiB left, tikv.disk.reserve keeps 48 MiB", refused.Message, StringComparison.Ordinal);
        Assert.True(written > 100, $"{written} writes fitted");
        for (var i = 0; i < written; i++) Assert.Equal(value, await client.GetAsync(Key(i)));
        await client.DeleteAsync(Key(0));
        Assert.Null(await client.GetAsync(Key(0)));
        // Merging files may have made some room meanwhile.
        var swapped = 0;
        await RefusalAsync(() => client.CompareAndSwapAsync(Encoding.UTF8.GetBytes($"swap{swapped}"), null, value), () => swapped++);

        makeRoom();
        await Eventually.TrueAsync(
            () => Count(playground, "TKA113", "") >= Count(playground, "TKA112", ""), () => $"room on every disk:\n{playground.Output}");
        await client.PutAsync(Key(written), value);
        Assert.Equal(value, await client.GetAsync(Key(written)));
        Assert.Equal(0, Count(playground, SteppedDown, ""));
        Assert.Equal(0, await playground.TerminateAsync());
    }

    /// <summary>Writes again and again, far more than fits.</summary>
    private static Task<DiskFullException> RefusalAsync(Func<Task> write, Action written) =>
        Assert.ThrowsAsync<DiskFullException>(async () =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                await write();
                written();
            }
        });

    internal static Task<PlaygroundProcess> StartAsync(
        string root, TemporaryDirectory folder, string config, IReadOnlyDictionary<string, string>? environment)
    {
        File.WriteAllText(folder.File("disk.conf"), $$"""
            akka.loglevel = INFO
            tikv.region { log-compaction-threshold = 256 KiB, log-limit = 1 MiB }
            tikv.storage.data { write-buffer-size = 1 MiB, max-wal-size = 2 MiB, write-timeout = 5s }
            tikv.storage.raft { write-buffer-size = 1 MiB, max-wal-size = 2 MiB }
            {{config}}
            """);
        return PlaygroundProcess.StartAsync(
            $"--data \"{root}\" --config \"{folder.File("disk.conf")}\"", PlaygroundProcess.FreePortOffset(), environment);
    }

    internal static Task<RawClient> ConnectAsync(PlaygroundProcess playground) =>
        RawClient.ConnectAsync(playground.Endpoints, new RawClientOptions { CallTimeout = TimeSpan.FromSeconds(20) });

    /// <summary>The number of the store that leads the first region.</summary>
    internal static async Task<int> LeaderAsync(PlaygroundProcess playground)
    {
        await using var admin = await AdminClient.ConnectAsync(playground.Endpoint);
        var leader = (await admin.ListRegionsAsync()).Single().Leader!.StoreId;
        var port = int.Parse(
            (await admin.ListStoresAsync()).Single(s => s.Id == leader).Address.Split(':')[1], CultureInfo.InvariantCulture);
        return port - int.Parse(playground.Endpoint.Split(':')[1], CultureInfo.InvariantCulture) + 1;
    }

    internal static async Task ProgressAsync(Load load, Task writing, int writes, PlaygroundProcess playground)
    {
        var goal = load.Acknowledged + writes;
        await Eventually.TrueAsync(
            () => writing.IsCompleted || load.Acknowledged >= goal,
            () => $"{goal} writes, {load.Acknowledged} so far:\n{playground.Output}");
        if (writing.IsCompleted) await writing;
    }

    internal static Task SaidAsync(PlaygroundProcess playground, string what, string where, int times) =>
        Eventually.TrueAsync(
            () => Count(playground, what, where) >= times, () => $"{what} {where} for the {times}th time:\n{playground.Output}");

    internal static int Count(PlaygroundProcess playground, string what, string where) =>
        playground.Output.Split('\n').Count(l => l.Contains(what, StringComparison.Ordinal) && l.Contains(where, StringComparison.Ordinal));

    /// <summary>A follower may have been stopped before it applied the last entries: it does when it is started again.</summary>
    internal static async Task ReplicasAreEqualAsync(string root, TemporaryDirectory folder)
    {
        for (var attempt = 0; !Replicas.AreEqual(root); attempt++)
        {
            Assert.True(attempt < 10, "the replicas never had the same applied index");
            await using var playground = await StartAsync(root, folder, "", null);
            await using var client = await ConnectAsync(playground);
            await client.PutAsync("last"u8.ToArray(), Encoding.UTF8.GetBytes($"{attempt}"));
            Assert.Equal(0, await playground.TerminateAsync());
        }
    }

    internal static byte[] Key(int number) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"key{number:D6}"));
}

/// <summary>A disk of a certain size, for root on Linux.</summary>
internal sealed class Tmpfs : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public Tmpfs(string size) => Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tkv-tests", Path);

    public string Path => _folder.Path;

    public static string? Unavailable { get; } = TryMount() ? null : "a small disk can only be mounted by root on Linux";

    public void Resize(string size) => Run("mount", "-o", $"remount,size={size}", Path);

    public void Dispose()
    {
        Run("umount", "-l", Path);
        _folder.Dispose();
    }

    private static bool TryMount()
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            new Tmpfs("1m").Dispose();
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors}");
    }
}

[AttributeUsage(AttributeTargets.Method)]
internal sealed class TmpfsFactAttribute : FactAttribute
{
    public TmpfsFactAttribute() => Skip = Tmpfs.Unavailable;
}
