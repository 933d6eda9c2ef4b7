
namespace TiKvActors.Host.Check;

/// <summary>A fault that took place.</summary>
/// <param name="Began">Nanoseconds of <see cref="HistoryWriter.Now"/>.</param>
/// <param name="Ended">When everything was as before: a store serves again, a link is mended.</param>
/// <param name="Overlapped">Another fault was under way when it began.</param>
internal sealed record FaultDone(PlannedFault Plan, string What, long Began, long Ended, bool Overlapped);

/// <summary>What was done, and when. Any thread.</summary>
internal sealed class FaultLog
{
    private readonly Lock _gate = new();
    private readonly List<FaultDone> _done = [];
    private readonly SortedDictionary<FaultKind, int> _impossible = [];
    private readonly HashSet<int> _underWay = [];

    public IReadOnlyList<FaultDone> Done
    {
        get
        {
            lock (_gate) return [.. _done.OrderBy(f => f.Began)];
        }
    }

    /// <summary>
    /// Faults that found nobody to do them to: the store was in another fault, PD or the region's leader was away, there are regions
    /// enough.
    /// </summary>
    public int Impossible(FaultKind kind)
    {
        lock (_gate) return _impossible.GetValueOrDefault(kind);
    }

    /// <returns>Whether another one is under way.</returns>
    public bool Begin(PlannedFault fault)
    {
        lock (_gate)
        {
            _underWay.Add(fault.Number);
            return _underWay.Count > 1;
        }
    }

    public void End(FaultDone fault)
    {
        lock (_gate)
        {
            _underWay.Remove(fault.Plan.Number);
            _done.Add(fault);
        }
    }

    public void WasImpossible(PlannedFault fault)
    {
        lock (_gate)
        {
            _underWay.Remove(fault.Number);
            _impossible[fault.Kind] = _impossible.GetValueOrDefault(fault.Kind) + 1;
        }
    }

    /// <summary>How long at least <paramref name="least"/> weighed that much together.</summary>
    public TimeSpan TimeWith(Func<FaultDone, int> weigh, int least)
    {
        var time = 0L;
        foreach (var (began, ended, weight) in Stretches(weigh))
            if (weight >= least) time += ended - began;
        return TimeSpan.FromTicks(time / TimeSpan.NanosecondsPerTick);
    }

    /// <summary>When a weight of at least <paramref name="least"/> has come to an end, in order.</summary>
    public IEnumerable<long> EndsOf(Func<FaultDone, int> weigh, int least)
    {
        var was = false;
        foreach (var (began, _, weight) in Stretches(weigh))
        {
            if (was && weight < least) yield return began;
            was = weight >= least;
        }
    }

    private IEnumerable<(long Began, long Ended, int Weight)> Stretches(Func<FaultDone, int> weigh)
    {
        var changes = Done
            .SelectMany(f => new[] { (At: f.Began, Change: weigh(f)), (At: f.Ended, Change: -weigh(f)) })
            .OrderBy(c => c.At).ToList();
        var weight = 0;
        for (var i = 0; i < changes.Count; i++)
        {
            weight += changes[i].Change;
            yield return (changes[i].At, i + 1 < changes.Count ? changes[i + 1].At : changes[i].At, weight);
        }
    }
}
