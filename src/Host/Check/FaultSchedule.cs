namespace TiKvActors.Host.Check;

/// <summary>
/// What happens in which order, decided by a seed alone. Mostly a majority of the stores is left alone; one fault in three may take that
/// away too. A longer schedule begins with the shorter one of the same seed. Pure.
/// </summary>
public static class FaultSchedule
{
    /// <summary>
    /// Below the 20 s after which a silent connection is given up: then a store could dial a client, which no relay sees.
    /// </summary>
    private const int LongestClientCut = 12_000;

    public static IReadOnlyList<PlannedFault> Plan(IReadOnlyList<FaultKind> kinds, TimeSpan duration, int stores, int clients, int seed)
    {
        var plan = new List<PlannedFault>();
        if (kinds.Count == 0) return plan;
        var random = new Random(seed);
        var at = TimeSpan.Zero;
        while (true)
        {
            at += Between(random, 200, 2_000);
            if (at >= duration) return plan;
            plan.Add(Draw(random, kinds[random.Next(kinds.Count)], plan.Count + 1, at, stores, clients));
        }
    }

    private static PlannedFault Draw(Random random, FaultKind kind, int number, TimeSpan at, int stores, int clients)
    {
        var mayTakeMajority = random.Next(3) == 0;
        var fault = new PlannedFault(number, kind, at, TimeSpan.Zero, 1 + random.Next(stores))
        {
            Choice = random.Next(1_000_000),
            MayTakeMajority = mayTakeMajority,
        };
        switch (kind)
        {
            case FaultKind.Kill:
                return fault with
                {
                    Length = Between(random, 0, 3_000),
                    MeansAll = mayTakeMajority && random.Next(3) == 0,
                    MeansLeader = random.Next(2) == 0,
                };
            case FaultKind.Pause:
                return fault with { Length = Between(random, 1_500, 5_500), MeansLeader = random.Next(4) != 0 };
            case FaultKind.Stop:
                return fault with { Length = Between(random, 0, 3_000), MeansLeader = random.Next(2) == 0 };
            case FaultKind.Partition:
                return Cut(random, fault with
                {
                    Length = Between(random, 1_500, 10_000),
                    MeansAll = mayTakeMajority && random.Next(3) == 0,
                    MeansLeader = random.Next(2) == 0,
                    Other = random.Next(3) == 0 ? 1 + fault.Store % stores : 0,
                });
            case FaultKind.ClientPartition:
                return Cut(random, fault with
                {
                    Length = Between(random, 1_000, LongestClientCut),
                    MeansLeader = random.Next(2) == 0,
                    Other = random.Next(3) == 0 ? 0 : 1 + random.Next(clients),
                });
            case FaultKind.ClientKill:
                return fault with { Length = Between(random, 0, 1_000), Other = 1 + random.Next(clients) };
            default:
                return fault;
        }
    }

    private static PlannedFault Cut(Random random, PlannedFault fault)
    {
        var direction = fault.MeansAll ? CutDirection.Both : (CutDirection)random.Next(3);
        return fault with { Direction = direction, Resets = direction == CutDirection.Both && random.Next(2) == 0 };
    }

    private static TimeSpan Between(Random random, int leastMilliseconds, int mostMilliseconds) =>
        TimeSpan.FromMilliseconds(random.Next(leastMilliseconds, mostMilliseconds));
}
