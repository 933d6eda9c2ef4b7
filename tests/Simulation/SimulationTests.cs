namespace TiKvActors.Simulation;

/// <summary>The simulation as a test. <c>./tkv sim</c> runs more seeds, replays one, and prints its trace.</summary>
public class SimulationTests
{
    private const int Seeds = 1000;

    [Fact]
    public void A_thousand_seeds_hold()
    {
        var coverage = new Coverage();
        var failures = new List<string>();
        Parallel.For(1, Seeds + 1, seed =>
        {
            var result = Simulation.Run(seed);
            lock (coverage)
            {
                coverage.Add(result.Coverage);
                if (result.Failure is not null) failures.Add($"seed {seed} ({result.Profile}): {result.Failure}");
                if (result.Steps < Simulation.MinSteps || result.Faults < Simulation.MinFaults)
                    failures.Add($"seed {seed}: only {result.Steps} steps and {result.Faults} faults");
            }
        });
        Assert.Empty(failures);
        // What a thousand seeds must have met; without it they prove little.
        foreach (var rare in RarePaths) Assert.True(coverage[rare] > 0, $"never met: {rare}\n{coverage}");
    }

    private static readonly string[] RarePaths =
    [
        "conf changes applied: joint entered",
        "conf changes applied: joint left",
        "conf changes applied: simple",
        "disk: applied entries lost in a crash",
        "disk: unacknowledged write survived a crash",
        "disk: write in flight lost in a crash",
        "fault: attack on a transfer",
        "fault: attack on the lease",
        "fault: leaders crash as soon as they are elected",
        "fault: links cut in one direction",
        "fault: pause",
        "fault: pause in the middle of a step",
        "fault: restart of everybody",
        "fault: restart of one peer",
        "journal reads for followers",
        "journal reads for the applier",
        "leaders removed by a conf change",
        "log suffixes overwritten",
        "network: straggler",
        "proposals replaced",
        "reads by lease",
        "reads by read index",
        "reads dropped by a lost leadership",
        "refused: TooMuchInFlight",
        "refused: Transferring",
        "snapshots installed",
        "snapshots lost",
        "transfers: leadership offered",
    ];

    /// <summary>Seeds that have failed once, with what they found.</summary>
    [Fact]
    public void Seeds_that_failed_once_hold()
    {
        var seeds = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "regressions.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', 3))
            .ToList();
        Assert.NotEmpty(seeds);
        foreach (var seed in seeds)
        {
            var result = Simulation.Run(int.Parse(seed[1]), seed[0] == "any" ? null : seed[0]);
            Assert.True(result.Failure is null, $"seed {seed[1]}: {result.Failure}");
        }
    }

    [Fact]
    public void A_seed_is_the_same_in_every_run()
    {
        var first = new StringWriter();
        var second = new StringWriter();
        Simulation.Run(7, trace: first);
        Simulation.Run(7, trace: second);
        Assert.True(first.ToString().Length > 10_000);
        Assert.Equal(first.ToString(), second.ToString());
    }
}
