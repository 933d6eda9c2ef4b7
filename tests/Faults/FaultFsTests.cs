using System.Diagnostics;
using System.Text;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Faults;

/// <summary>The layer itself: what it forgets, what it keeps, what it makes fail.</summary>
public sealed class FaultFsTests
{
    [GccFact]
    public async Task Content_is_kept_from_its_sync_on_and_names_from_their_directorys()
    {
        using var fs = new FaultFs();
        await ProbeAsync(
            fs,
            ["file", "kept", "synced", "append", "kept", " and more", "file", "deleted", "x", "file", "moved", "y", "names"],
            ["append", "kept", " and yet more", "delete", "deleted", "rename", "moved", "new", "file", "unnamed", "z"]);
        fs.LosePower(keepNames: false, "lost", 1);
        Assert.Equal(["deleted", "kept", "moved"], Names(fs));
        Assert.Equal("synced", Read(fs, "kept"));
    }

    [GccFact]
    public async Task Names_may_be_kept_without_what_their_files_hold()
    {
        using var fs = new FaultFs();
        await ProbeAsync(fs, ["file", "old", "x", "append", "unsynced", "y", "names"], ["rename", "unsynced", "old", "append", "new", "z"]);
        fs.LosePower(keepNames: true, "lost", 1);
        Assert.Equal(["new", "old"], Names(fs));
        Assert.Equal("", Read(fs, "old"));
        Assert.Equal("", Read(fs, "new"));
    }

    [GccTheory]
    [InlineData("prefix")]
    [InlineData("torn")]
    [InlineData("garbage")]
    [InlineData("zeros")]
    [InlineData("holes")]
    public async Task Of_an_unsynced_tail_any_part_may_be_left_but_what_was_synced_stays(string tails)
    {
        var whole = "synced" + new string('u', 20_000);
        using var fs = new FaultFs();
        await ProbeAsync(fs, ["file", "log", "synced", "names", "append", "log", whole[6..]]);
        fs.LosePower(keepNames: false, tails, 7);
        var left = Read(fs, "log");
        Assert.StartsWith("synced", left, StringComparison.Ordinal);
        Assert.NotEqual(whole, left);
        Assert.NotEqual("synced", left);
        if (tails is "prefix" or "torn") Assert.StartsWith(left, whole, StringComparison.Ordinal);
        else Assert.Equal(tails == "garbage", left.Any(c => c is not ('\0' or 'u') && !"synced".Contains(c, StringComparison.Ordinal)));
    }

    [GccFact]
    public async Task A_lying_or_failed_sync_keeps_nothing()
    {
        using var fs = new FaultFs();
        fs.Set("lie sync lied");
        await ProbeAsync(fs, ["file", "lied", "x", "names"]);
        Assert.Equal(["lie sync lied"], fs.Events);
        fs.LosePower(keepNames: false, "lost", 1);
        Assert.Equal("", Read(fs, "lied"));
    }

    [GccFact]
    public async Task Directories_that_processes_left_one_after_the_other_lose_what_neither_synced()
    {
        using var fs = new FaultFs();
        await ProbeAsync(fs, ["file", "log", "first", "names", "append", "log", " second"]);
        await ProbeAsync(fs, ["append", "log", " third"]);
        fs.LosePower(keepNames: false, "lost", 1);
        Assert.Equal("first", Read(fs, "log"));
        await ProbeAsync(fs, ["append", "log", " fourth", "file", "other", "x", "names"]);
        fs.LosePower(keepNames: false, "lost", 1);
        Assert.Equal("first", Read(fs, "log"));
    }

    [GccFact]
    public async Task A_store_is_there_from_its_opening_on_with_the_rows_that_were_synced()
    {
        using var fs = new FaultFs();
        await ProbeAsync(fs, ["row", "a"], ["row", "b", "sync-rows", "row", "c"]);
        fs.LosePower(keepNames: false, "lost", 1);
        Assert.Equal(["store"], Names(fs));
        using var engines = StoreEngines.Open(Path.Combine(fs.Root, "store"));
        using var snapshot = engines.Data.NewSnapshot();
        Assert.NotNull(snapshot.Get(ColumnFamily.Default, "a"u8));
        Assert.NotNull(snapshot.Get(ColumnFamily.Default, "b"u8));
        Assert.Null(snapshot.Get(ColumnFamily.Default, "c"u8));
    }

    [GccFact]
    public async Task Writes_syncs_and_creations_fail_where_they_are_told_to()
    {
        using var fs = new FaultFs();
        fs.Set("eio write written", "enospc create created", "eio sync synced.tmp");
        foreach (var step in new[] { "file written", "file created", "durable-file synced" })
            Assert.Contains("Exception", await FailingProbeAsync(fs, [.. step.Split(' '), "x"]), StringComparison.Ordinal);
        await ProbeAsync(fs, ["durable-file", "other", "x"]);
        Assert.Equal(["eio write written", "enospc create created", "eio sync synced.tmp"], fs.Events);
    }

    [GccFact]
    public async Task A_stalled_operation_goes_on_when_the_fault_is_lifted()
    {
        using var fs = new FaultFs();
        fs.Set("stall sync *");
        using var probe = Start(fs, ["file", "log", "x"]);
        await Eventually.TrueAsync(() => fs.Events.Count > 0, () => "the stall");
        Assert.Equal(["stall sync log"], fs.Events);
        fs.Set();
        Assert.Equal("done", await probe.StandardOutput.ReadLineAsync());
        await KillAsync(probe);
    }

    [GccFact]
    public async Task A_quota_lets_through_what_has_room()
    {
        using var fs = new FaultFs();
        fs.Set("quota write . 20000");
        await ProbeAsync(fs, ["file", "log", new string('x', 10_000)]);
        Assert.Contains("No space left", await FailingProbeAsync(fs, ["append", "log", new string('x', 20_000)]), StringComparison.Ordinal);
        fs.Set("quota write . 100000");
        await ProbeAsync(fs, ["append", "log", new string('x', 20_000)]);
    }

    private static IEnumerable<string> Names(FaultFs fs) =>
        Directory.GetFileSystemEntries(fs.Root).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal);

    private static string Read(FaultFs fs, string name) => Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(fs.Root, name)));

    /// <summary>Runs the steps, then kills the process.</summary>
    private static async Task ProbeAsync(FaultFs fs, params string[][] steps)
    {
        using var probe = Start(fs, steps.SelectMany(s => s));
        var said = await probe.StandardOutput.ReadLineAsync();
        Assert.True(said == "done", $"{said}{await ErrorsAsync(probe, said)}");
        await KillAsync(probe);
    }

    private static async Task<string> FailingProbeAsync(FaultFs fs, string[] steps)
    {
        using var probe = Start(fs, steps);
        var said = await probe.StandardOutput.ReadLineAsync();
        if (said is not null) await KillAsync(probe);
        Assert.Null(said);
        return await probe.StandardError.ReadToEndAsync();
    }

    private static Process Start(FaultFs fs, IEnumerable<string> steps)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Probe).Assembly.Location, "probe", fs.Root, .. steps])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        foreach (var (name, value) in fs.Environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task<string> ErrorsAsync(Process probe, string? said) =>
        said == "done" ? "" : await probe.StandardError.ReadToEndAsync();

    private static async Task KillAsync(Process probe)
    {
        probe.Kill();
        await probe.WaitForExitAsync();
    }
}
