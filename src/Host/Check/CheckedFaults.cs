namespace TiKvActors.Host.Check;

/// <summary>What was done to the cluster of a check, and what is known of it beside the history.</summary>
/// <param name="Began">Of the load, nanoseconds of <see cref="HistoryWriter.Now"/>.</param>
/// <param name="Ended">When the last fault was over and every region served.</param>
/// <param name="Difference">Of the replicas; null if there is none.</param>
internal sealed record CheckedFaults(FaultLog Log, long Began, long Ended, string? Difference)
{
    /// <summary>Most that may pass from the return of a majority until a write succeeds.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    public TimeSpan Length => new ServiceGap(Began, Ended).Length;

    public TimeSpan TimeWithSeveral => Log.TimeWith(_ => 1, 2);

    public int TimesWithoutMajority => WithoutMajorityEnds.Count();

    public TimeSpan TimeWithoutMajority => Log.TimeWith(Away, CheckOptions.Majority);

    /// <summary>
    /// From the return of a majority until the first write succeeded, the longest first; not if another fault was in the way.
    /// </summary>
    public IReadOnlyList<ServiceGap> Resumptions(IReadOnlyCollection<long> writes) =>
    [
        .. ServiceGaps.After(WithoutMajorityEnds, writes, Ended)
            .Where(g => !Under(g).Any(f => f.Plan.MayStopService))
            .OrderByDescending(g => g.Length),
    ];

    /// <summary>Service came back by itself, each time.</summary>
    public bool HasResumed(IReadOnlyCollection<long> writes) => Resumptions(writes).All(g => g.Length <= _patience);

    /// <summary>The faults under way in that time.</summary>
    public IEnumerable<FaultDone> Under(ServiceGap gap) => Log.Done.Where(f => f.Began < gap.Ended && f.Ended > gap.Began);

    private IEnumerable<long> WithoutMajorityEnds => Log.EndsOf(Away, CheckOptions.Majority);

    private static int Away(FaultDone fault) => fault.Plan.StoresAway(CheckOptions.Stores);
}
