using TiKvActors.Host.Check;

namespace TiKvActors.Host.Tests.Check;

public class FaultScheduleTests
{
    private static readonly FaultKind[] _all = Enum.GetValues<FaultKind>();

    [Fact]
    public void A_seed_is_one_schedule_and_a_longer_one_goes_on_with_it()
    {
        var minute = Plan(_all, 60, seed: 7);
        Assert.Equal(minute, Plan(_all, 60, seed: 7));
        Assert.Equal(minute, Plan(_all, 600, seed: 7).Take(minute.Count));
        Assert.NotEqual(minute, Plan(_all, 60, seed: 8));
        Assert.Empty(Plan([], 60, seed: 7));
        Assert.All(Plan([FaultKind.Pause], 60, seed: 7), f => Assert.Equal(FaultKind.Pause, f.Kind));
    }

    [Fact]
    public void Every_kind_comes_in_all_its_forms()
    {
        var plan = Plan(_all, 1_800, seed: 1);
        Assert.Equal(_all, plan.Select(f => f.Kind).Distinct().Order());
        Assert.Equal(Enumerable.Range(1, plan.Count), plan.Select(f => f.Number));
        Assert.All(plan, f => Assert.InRange(f.Store, 1, 3));
        foreach (var kind in new[] { FaultKind.Partition, FaultKind.ClientPartition })
        {
            var cuts = plan.Where(f => f.Kind == kind).ToList();
            Assert.Equal(Enum.GetValues<CutDirection>(), cuts.Select(f => f.Direction).Distinct().Order());
            Assert.Contains(cuts, f => f.Resets);
            Assert.Contains(cuts, f => f.Other == 0);
            Assert.Contains(cuts, f => f.Other != 0);
            Assert.All(cuts.Where(f => f.Resets), f => Assert.Equal(CutDirection.Both, f.Direction));
        }

        Assert.All(plan.Where(f => f.Kind == FaultKind.Partition), f => Assert.NotEqual(f.Store, f.Other));
        Assert.Contains(plan, f => f is { Kind: FaultKind.Kill, MeansAll: true });
        Assert.Contains(plan, f => f is { Kind: FaultKind.Partition, MeansAll: true });
        // A majority is taken away sometimes, and only by those that may.
        Assert.All(plan.Where(f => f.MeansAll), f => Assert.True(f.MayTakeMajority));
        Assert.InRange(plan.Count(f => f.MayTakeMajority), plan.Count / 5, plan.Count / 2);
    }

    [Fact]
    public void Gaps_are_the_times_without_a_success()
    {
        Assert.Equal([new ServiceGap(20, 90), new ServiceGap(90, 100)], ServiceGaps.Longest([90, 15, 20, 200], 10, 100, 2));
        Assert.Equal([new ServiceGap(0, 50)], ServiceGaps.Longest([], 0, 50, 3));
        Assert.Equal([new ServiceGap(16, 20), new ServiceGap(95, 100)], ServiceGaps.After([16, 95], [15, 20, 90], 100));
    }

    [Fact]
    public void Times_with_several_faults_and_without_a_majority_are_added_up()
    {
        const long Second = 1_000_000_000;
        var log = new FaultLog();
        var kill = new PlannedFault(1, FaultKind.Kill, TimeSpan.Zero, TimeSpan.Zero, 1);
        var pause = kill with { Number = 2, Kind = FaultKind.Pause, Store = 2 };
        var split = kill with { Number = 3, Kind = FaultKind.Split };
        Assert.False(log.Begin(kill));
        Assert.True(log.Begin(pause));
        log.End(new FaultDone(kill, "", 1 * Second, 5 * Second, Overlapped: false));
        log.End(new FaultDone(pause, "", 3 * Second, 9 * Second, Overlapped: true));
        Assert.False(log.Begin(split));
        log.WasImpossible(split);
        Assert.Equal(TimeSpan.FromSeconds(2), log.TimeWith(_ => 1, 2));
        Assert.Equal([5 * Second], log.EndsOf(f => f.Plan.StoresAway(3), 2));
        Assert.Equal((1, 0), (log.Impossible(FaultKind.Split), log.Impossible(FaultKind.Kill)));
    }

    private static IReadOnlyList<PlannedFault> Plan(IReadOnlyList<FaultKind> kinds, int seconds, int seed) =>
        FaultSchedule.Plan(kinds, TimeSpan.FromSeconds(seconds), stores: 3, clients: 3, seed);
}
