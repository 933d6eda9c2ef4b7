using System.Diagnostics;
using TiKvActors.Simulation.Stores;
using TiKvActors.Simulation.Timestamps;

namespace TiKvActors.Simulation;

/// <summary>The deterministic simulation from the command line. Exit status 0: no seed failed; 1: some did; 2: bad usage.</summary>
internal static class Program
{
    private const string Usage =
        """
        usage: sim --seeds N [--from S] [--level LEVEL] [--profile NAME] [--steps N] [--trace] [--threads N] [--fail-fast]

          --seeds N       how many seeds to run
          --from S        the first seed (default 1); a failing seed S is replayed with --from S --seeds 1 --trace
          --level LEVEL   raft (groups of the consensus core), stores (whole stores), timestamps (PD's oracle), or all (default): every
                          seed runs on each
          --profile NAME  the kind of trouble; without it every seed takes the next one of its level:
                          {0}; {3}; {5}
          --steps N       steps of trouble in each seed, at least {1} (default {2}, {4} of stores, {6} of timestamps); a replay needs the same
          --trace         print every message and event (one seed on one level)
          --threads N     seeds at the same time (default: one per core)
          --fail-fast     stop at the first failing seed

        example: sim --seeds 1000 --from 1
        """;

    private static int Main(string[] args)
    {
        var usage = string.Format(
            Usage,
            string.Join(", ", SimProfile.All.Select(p => p.Name)),
            Simulation.MinSteps,
            Simulation.DefaultSteps,
            string.Join(", ", StoreProfile.All.Select(p => p.Name)),
            StoreSimulation.DefaultSteps,
            string.Join(", ", TimestampSimulation.Profiles),
            TimestampSimulation.DefaultSteps);
        if (args.Contains("--help"))
        {
            Console.WriteLine(usage);
            return 0;
        }
        if (!TryParse(args, out var options, out var problem))
        {
            Console.Error.WriteLine(problem);
            Console.Error.WriteLine(usage);
            return 2;
        }
        return Run(options);
    }

    private static int Run(Options options)
    {
        var clock = Stopwatch.StartNew();
        var coverage = new Coverage();
        var failed = new List<SimResult>();
        long seeds = 0, steps = 0, faults = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Trace ? 1 : options.Threads };
        Parallel.For(options.From, options.From + options.Seeds, parallel, (seed, loop) =>
        {
            foreach (var level in options.Levels)
            {
                Report(level.Run(seed, options.Profile, options.Steps ?? level.DefaultSteps, options.Trace ? Console.Out : null), level);
                if (loop.IsStopped) return;
            }

            void Report(SimResult result, SimLevel level)
            {
                lock (coverage) Add(result, level);
            }

            void Add(SimResult result, SimLevel level)
            {
                coverage.Add(result.Coverage);
                seeds++;
                steps += result.Steps;
                faults += result.Faults;
                if (result.Failure is null) return;
                failed.Add(result);
                if (options.FailFast) loop.Stop();
                Console.WriteLine(
                    $"seed {seed} of level {level.Name} ({result.Profile}) fails after {result.Steps:N0} steps: {result.Failure}");
                var profile = options.Profile is null ? "" : $" --profile {options.Profile}";
                var length = options.Steps is null ? "" : $" --steps {options.Steps}";
                Console.WriteLine($"  replay: ./tkv sim --level {level.Name} --from {seed} --seeds 1{profile}{length} --trace");
            }
        });
        Console.WriteLine(coverage);
        foreach (var missed in options.Levels.SelectMany(l => l.Probes).Where(p => coverage[p] == 0))
            Console.WriteLine($"never reached: {missed}");
        Console.WriteLine(
            $"{seeds:N0} seeds, {steps:N0} steps, {faults:N0} faults in {clock.Elapsed.TotalSeconds:F1} s; {failed.Count} failed");
        return failed.Count == 0 ? 0 : 1;
    }

    private sealed record Options(
        int From, int Seeds, IReadOnlyList<SimLevel> Levels, string? Profile, int? Steps, bool Trace, bool FailFast, int Threads);

    private static bool TryParse(string[] args, out Options options, out string problem)
    {
        options = new Options(1, 0, SimLevel.All, null, null, false, false, Environment.ProcessorCount);
        problem = "";
        for (var i = 0; i < args.Length && problem.Length == 0; i++)
        {
            var name = args[i];
            if (name == "--trace")
            {
                options = options with { Trace = true };
                continue;
            }
            if (name == "--fail-fast")
            {
                options = options with { FailFast = true };
                continue;
            }
            if (name is not ("--level" or "--seeds" or "--from" or "--profile" or "--steps" or "--threads"))
                problem = $"unknown option {name}";
            else if (++i == args.Length) problem = $"{name} needs a value";
            else if (name == "--profile") options = options with { Profile = args[i] };
            else if (name == "--level" && args[i] != "all")
                options = options with { Levels = [.. SimLevel.All.Where(l => l.Name == args[i])] };
            else if (name == "--level") options = options with { Levels = SimLevel.All };
            else if (!int.TryParse(args[i], out var number) || number < 1) problem = $"{name} {args[i]}: not a number above 0";
            else
            {
                options = name switch
                {
                    "--seeds" => options with { Seeds = number },
                    "--from" => options with { From = number },
                    "--steps" => options with { Steps = Math.Max(number, Simulation.MinSteps) },
                    _ => options with { Threads = number },
                };
            }
        }
        var profile = options.Profile;
        // A profile says which level is meant.
        if (profile is not null) options = options with { Levels = [.. options.Levels.Where(l => l.Profiles.Contains(profile))] };
        if (problem.Length == 0 && options.Levels.Count == 0)
            problem = profile is null ? "--level is raft, stores, timestamps or all" : $"unknown profile {profile}";
        if (problem.Length == 0 && options.Seeds == 0) problem = "--seeds N is missing";
        if (problem.Length == 0 && options.Trace && (options.Seeds > 1 || options.Levels.Count > 1))
            problem = "--trace goes with --seeds 1 and one level";
        return problem.Length == 0;
    }
}
