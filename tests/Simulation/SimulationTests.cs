using System.Reflection;

namespace TiKvActors.Simulation;

/// <summary>The simulation as a test. <c>./tkv sim</c> runs more seeds, replays one, and prints its trace.</summary>
public class SimulationTests
{
    private const int Seeds = 1000;

    public static TheoryData<string> Levels => [.. SimLevel.All.Select(l => l.Name)];

    [Theory]
    [MemberData(nameof(Levels))]
    public void A_thousand_seeds_hold(string name)
    {
        var level = SimLevel.Of(name);
        var coverage = new Coverage();
        var failures = new List<string>();
        Parallel.For(1, Seeds + 1, seed =>
        {
            var result = level.Run(seed, null, level.DefaultSteps, null);
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
        foreach (var probe in level.Probes) Assert.True(coverage[probe] > 0, $"never met: {probe}\n{coverage}");
    }

    /// <summary>Seeds that have failed once, with what they found.</summary>
    [Fact]
    public void Seeds_that_failed_once_hold()
    {
        var seeds = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "regressions.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', 4))
            .ToList();
        Assert.NotEmpty(seeds);
        foreach (var seed in seeds)
        {
            var level = SimLevel.Of(seed[0]);
            var result = level.Run(int.Parse(seed[2]), seed[1] == "any" ? null : seed[1], level.DefaultSteps, null);
            Assert.True(result.Failure is null, $"seed {seed[2]} of level {seed[0]}: {result.Failure}");
        }
    }

    /// <summary>They are tried by hand (tests/Simulation/mutate), which stops at the first that fits no more.</summary>
    [Fact]
    public void Every_mutation_fits_the_sources()
    {
        var root = typeof(SimulationTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;
        var blocks = File.ReadAllText(Path.Combine(root, "tests/Simulation/mutations.txt")).Split("\n\n").Where(b => b.StartsWith("name: ")).ToList();
        Assert.NotEmpty(blocks);
        foreach (var block in blocks)
        {
            var lines = block.Trim('\n').Split('\n');
            var file = lines.Single(l => l.StartsWith("file: "))["file: ".Length..];
            var text = File.ReadAllText(Path.Combine(root, "src", file.Contains('/') ? file : "Raft/" + file));
            var old = string.Join('\n', lines.Where(l => l[0] == '<').Select(l => l[1..]));
            Assert.True(text.Split(old).Length == 2, $"{lines[0]}: its old text is not once in {file}");
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void A_seed_is_the_same_in_every_run(string name)
    {
        var level = SimLevel.Of(name);
        var first = new StringWriter();
        var second = new StringWriter();
        level.Run(7, null, level.DefaultSteps, first);
        level.Run(7, null, level.DefaultSteps, second);
        Assert.True(first.ToString().Length > 10_000);
        Assert.Equal(first.ToString(), second.ToString());
    }
}
