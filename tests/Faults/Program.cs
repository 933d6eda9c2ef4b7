namespace TiKvActors.Faults;

/// <summary>Crashes from the command line. Exit status 0: nothing was lost; 1: something was; 2: bad usage.</summary>
internal static class Program
{
    private const string Usage =
        """
        usage: dotnet run --project tests/Faults -c Release -- crash --rounds N [--seed S] [--power-loss [--tails KIND] [--rule RULE]...]

          --rounds N     how often a playground is killed under load and started again
          --seed S       of the moments of the kills, the values written and what a power loss leaves (default 1)
          --power-loss   each kill also loses what was not synced
          --tails KIND   what is left of what was not synced: lost, prefix, torn, garbage, zeros, holes, or by default any of these, file
                         by file
          --rule RULE    a fault of the file-system layer during the loads (faultfs.c says how they are written). These show that the tool
                         notices: 'lie sync */raft/*.log' (a journal that is not synced), 'lie sync */data/*.log' (Raft logs cut before
                         their data is durable), both with --tails lost

        example: dotnet run --project tests/Faults -c Release -- crash --rounds 100 --power-loss
        """;

    private static async Task<int> Main(string[] args)
    {
        if (args is ["probe", ..]) return await Probe.RunAsync(args[1..]);
        if (!TryParse(args, out var options))
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        if (options.PowerLoss && Gcc.Unavailable is { } why)
        {
            await Console.Error.WriteLineAsync(why);
            return 2;
        }

        using var run = new CrashRun(options, Console.Out);
        try
        {
            Console.WriteLine(await run.RunAsync());
            return 0;
        }
        catch (LostWriteException e)
        {
            Console.WriteLine(e.Message);
            return 1;
        }
    }

    private static bool TryParse(string[] args, out CrashOptions options)
    {
        options = new CrashOptions();
        if (args is not ["crash", ..]) return false;
        for (var i = 1; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--power-loss":
                    options = options with { PowerLoss = true };
                    break;
                case "--rule" when ++i < args.Length:
                    options = options with { Rules = [.. options.Rules, args[i]] };
                    break;
                case "--tails" when ++i < args.Length:
                    options = options with { Tails = args[i] };
                    break;
                case "--rounds" when ++i < args.Length && int.TryParse(args[i], out var rounds) && rounds > 0:
                    options = options with { Rounds = rounds };
                    break;
                case "--seed" when ++i < args.Length && int.TryParse(args[i], out var seed):
                    options = options with { Seed = seed };
                    break;
                default:
                    return false;
            }
        }

        return options.PowerLoss || options.Rules.Count == 0;
    }
}
