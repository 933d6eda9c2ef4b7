using System.Text;
using TiKvActors.Client;
using TiKvActors.Host.Tests;
using TiKvActors.Tests.Shared;
using static TiKvActors.Faults.DiskTests;

namespace TiKvActors.Faults;

/// <summary>Playgrounds with a store whose files are damaged or cannot be read: it says so, and the others serve.</summary>
public sealed class DamageTests
{
    private const int Rows = 400;

    // Small, so that rows and logs are soon in table files.
    private const string Hocon = """
        tikv.region { log-compaction-threshold = 64 KiB, log-limit = 256 KiB, idle-compaction-interval = 500ms, idle-log-entries = 4 }
        tikv.storage.data { write-buffer-size = 64 KiB, max-wal-size = 1 MiB }
        tikv.storage.raft { write-buffer-size = 64 KiB, max-wal-size = 1 MiB }
        """;

    [Fact]
    public async Task A_store_that_cannot_be_opened_is_named_and_the_others_serve_until_it_is_mended()
    {
        using var data = new TemporaryDirectory();
        using var folder = new TemporaryDirectory();
        await FillAsync(data.Path, folder, null);
        (string Engine, string Name, string What)[] damages =
        [
            ("raft", "MANIFEST-*", "offset "), ("data", "CURRENT", "MANIFEST"), ("data", "MANIFEST-*", "offset "),
            ("raft", "*.log", "offset "),
        ];
        foreach (var (engine, name, what) in damages)
        {
            var file = Directory.GetFiles(Path.Combine(data.Path, "store-3", engine), name).OrderBy(f => new FileInfo(f).Length).Last();
            var whole = await File.ReadAllBytesAsync(file);
            await File.WriteAllBytesAsync(file, Flipped(whole, name == "CURRENT" ? 0 : whole.Length / 2));
            await using var playground = await StartAsync(data.Path, folder, Hocon, null);
            Assert.Contains($"store 3 is down: corruption in {file}: ", playground.Output, StringComparison.Ordinal);
            Assert.Contains(what, playground.Output, StringComparison.Ordinal);
            Assert.Contains("replace it by a new one", playground.Output, StringComparison.Ordinal);
            await using var client = await ConnectAsync(playground);
            await RowsAreThereAsync(client);
            await client.PutAsync(Key(Rows), Encoding.UTF8.GetBytes(name));

            await File.WriteAllBytesAsync(file, whole);
            await playground.TypeAsync("start 3");
            await SaidAsync(playground, "store 3 is running", "", 1);
            // Without it there is no majority now.
            await playground.TypeAsync("stop 2");
            await SaidAsync(playground, "store 2 is stopped", "", 1);
            Assert.Equal(name, Encoding.UTF8.GetString((await client.GetAsync(Key(Rows)))!));
            // Its log is not empty, whatever the next damage is.
            await client.PutAsync(Key(Rows), Encoding.UTF8.GetBytes($"{name} is mended"));
            Assert.Equal(0, await playground.TerminateAsync());
        }

        await ReplicasAreEqualAsync(data.Path, folder);

        Ruin(data.Path, 2);
        await ServesWithoutAsync(2, data.Path);
        Ruin(data.Path, 3);
        await RefusedAsync(data.Path, "1 of 3 stores are no majority", 2, 3);
        Ruin(data.Path, 2);
        Ruin(data.Path, 3);
        // Where PD used to run.
        Ruin(data.Path, 1);
        await ServesWithoutAsync(1, data.Path);
    }

    [Fact]
    public async Task Rot_in_the_rows_of_a_store_is_noticed_and_never_served()
    {
        using var data = new TemporaryDirectory();
        using var folder = new TemporaryDirectory();
        await FillAsync(data.Path, folder, null);
        var flips = TableFiles.Rot(Path.Combine(data.Path, "store-2", "data"), "default", 3);
        Assert.True(flips > 10, $"{flips} flips");
        await using var playground = await StartAsync(data.Path, folder, Hocon, null);
        await using var client = await ConnectAsync(playground);
        var load = new Load(24, 8);
        using var stop = new CancellationTokenSource();
        var writing = load.GoOnAsync(client, stop.Token);
        await ProgressAsync(load, writing, 100, playground);
        await RowsAreThereAsync(client);
        await SaidAsync(playground, "Corruption: block checksum mismatch", Path.Combine("store-2", "data"), 1);
        await ProgressAsync(load, writing, 200, playground);
        await stop.CancelAsync();
        await writing;
        await load.VerifyAsync(client);
        await RowsAreThereAsync(client);
        Assert.Equal(0, await playground.TerminateAsync());
    }

    /// <summary>First while the store runs, then while it is opened.</summary>
    [GccTheory]
    [InlineData("data")]
    [InlineData("raft")]
    public async Task A_store_whose_disk_cannot_be_read_steps_down_and_returns_with_it(string engine)
    {
        using var fs = new FaultFs();
        using var folder = new TemporaryDirectory();
        await FillAsync(fs.Root, folder, fs.Environment);
        int sick;
        await using (var playground = await StartAsync(fs.Root, folder, Hocon, fs.Environment))
        {
            await using var client = await ConnectAsync(playground);
            var load = new Load(24, 9);
            using var stop = new CancellationTokenSource();
            var writing = load.GoOnAsync(client, stop.Token);
            await ProgressAsync(load, writing, 50, playground);
            sick = await LeaderAsync(playground);
            fs.Set($"eio read store-{sick}/{engine}/*.sst");
            await SaidAsync(playground, "Input/output error", $"store-{sick}", 1);
            await RowsAreThereAsync(client);
            await ProgressAsync(load, writing, 200, playground);
            Assert.NotEmpty(fs.Events);
            Assert.All(fs.Events, e => Assert.StartsWith($"eio read store-{sick}/{engine}/", e, StringComparison.Ordinal));
            fs.Set();
            var other = sick == 3 ? 2 : 3;
            await playground.TypeAsync($"stop {other}");
            // Without the sick one there is no majority now.
            await SaidAsync(playground, $"store {other} is stopped", "", 1);
            await ProgressAsync(load, writing, 200, playground);
            await playground.TypeAsync($"start {other}");
            await stop.CancelAsync();
            await writing;
            await load.VerifyAsync(client);
            Assert.Equal(0, await playground.TerminateAsync());
        }

        fs.Set($"eio read store-2/{engine}/*");
        await using (var playground = await StartAsync(fs.Root, folder, Hocon, fs.Environment))
        {
            await SaidAsync(playground, "store 2 is down: ", "Input/output error", 1);
            await SaidAsync(playground, "store 2 is down: ", "Check the disk", 1);
            await using var client = await ConnectAsync(playground);
            await RowsAreThereAsync(client);
            fs.Set();
            await playground.TypeAsync("start 2");
            await SaidAsync(playground, "store 2 is running", "", 1);
            Assert.Equal(0, await playground.TerminateAsync());
        }

        await ReplicasAreEqualAsync(fs.Root, folder);
    }

    private static async Task FillAsync(string root, TemporaryDirectory folder, IReadOnlyDictionary<string, string>? environment)
    {
        await using var playground = await StartAsync(root, folder, Hocon, environment);
        await using var client = await ConnectAsync(playground);
        foreach (var share in Enumerable.Range(0, Rows).Chunk(50))
            await client.BatchPutAsync(share.Select(i => new RawKeyValue(Key(i), Value(i))).ToList());
        Assert.Equal(0, await playground.TerminateAsync());
    }

    /// <summary>A read may fail because it is the one that finds the damage.</summary>
    private static async Task RowsAreThereAsync(RawClient client)
    {
        for (var i = 0; i < Rows; i++)
        {
            byte[]? found = null;
            await Eventually.TrueAsync(async () =>
            {
                try
                {
                    found = await client.GetAsync(Key(i));
                    return true;
                }
                catch (TikvException e) when (e.Message.Contains("could not be read", StringComparison.Ordinal))
                {
                    return false;
                }
            }, $"row {i}");
            Assert.Equal(Value(i), found);
        }
    }

    /// <summary>Nothing in it can be pressed.</summary>
    private static byte[] Value(int number)
    {
        var value = new byte[1_000];
        new Random(number).NextBytes(value);
        return value;
    }

    private static byte[] Flipped(byte[] bytes, int at)
    {
        var flipped = bytes.ToArray();
        flipped[at] ^= 4;
        return flipped;
    }

    /// <summary>Once more mends it.</summary>
    private static void Ruin(string root, int store)
    {
        var file = Path.Combine(root, $"store-{store}", "raft", "CURRENT");
        File.WriteAllBytes(file, Flipped(File.ReadAllBytes(file), 0));
    }

    private static async Task ServesWithoutAsync(int store, string root)
    {
        await using var processes = PlaygroundProcess.Launch($"--data \"{root}\" --processes", PlaygroundProcess.FreePortOffset());
        await Eventually.TrueAsync(() => processes.Ready.IsCompleted, () => processes.Output);
        var file = Path.Combine(root, $"store-{store}", "raft", "CURRENT");
        Assert.Contains($"store {store} is down: corruption in {file}: ", processes.Output, StringComparison.Ordinal);
        await using var client = await ConnectAsync(processes);
        await RowsAreThereAsync(client);
        Assert.Equal(0, await processes.TerminateAsync());
    }

    private static async Task RefusedAsync(string root, string why, params int[] stores)
    {
        await using var playground = PlaygroundProcess.Launch($"--data \"{root}\"", PlaygroundProcess.FreePortOffset());
        Assert.Equal(1, await playground.ExitAsync());
        Assert.Contains(why, playground.Output, StringComparison.Ordinal);
        foreach (var store in stores)
        {
            var directory = Path.Combine(root, $"store-{store}");
            Assert.Contains($"store {store} cannot start: corruption in {directory}", playground.Output, StringComparison.Ordinal);
        }
    }
}
