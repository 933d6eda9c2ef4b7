namespace TiKvActors.Faults;

/// <summary>The tool in small; docs/testing.md has the long runs.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_by_kills()
    {
        using var run = new CrashRun(new CrashOptions { Rounds = 3, Seed = 11 }, TextWriter.Null);
        await run.RunAsync();
    }

    [GccFact]
    public async Task Nothing_acknowledged_is_lost_by_losses_of_power()
    {
        using var run = new CrashRun(new CrashOptions { Rounds = 6, Seed = 12, PowerLoss = true }, TextWriter.Null);
        await run.RunAsync();
    }

    /// <summary>What the runs above would find, if it were so.</summary>
    [GccTheory]
    [InlineData("lie sync */raft/*.log")]
    [InlineData("lie sync */data/*.log")]
    public async Task A_log_that_is_not_synced_is_noticed(string rule)
    {
        using var run = new CrashRun(
            new CrashOptions { Rounds = 20, Seed = 13, PowerLoss = true, Tails = "lost", Rules = [rule] }, TextWriter.Null);
        await Assert.ThrowsAsync<LostWriteException>(run.RunAsync);
    }
}
