using TiKvActors.Protocol;

namespace TiKvActors.Actors.Placement;

/// <param name="Window">How far ahead of the clock the timestamps reach that one event of the journal allows.</param>
/// <param name="Lease">
/// How long an incarnation issues after the sending of an event that was accepted. Null: its journal cannot have a second incarnation.
/// </param>
/// <param name="DriftBound">How far two machines' monotonic clocks may differ in rate, as a fraction.</param>
/// <param name="MaxWaiting">Requests that wait for the journal; more are refused.</param>
internal sealed record TimestampOracleConfig(TimeSpan Window, TimeSpan? Lease, double DriftBound, int MaxWaiting);

/// <summary>
/// Issues timestamps that are strictly increasing over all incarnations of PD, in real time (docs/adr/0004-timestamps.md). Everything that may be
/// issued lies in a window that is durable first, so incarnations have nothing in common; a lease, renewed by the same event, ends before
/// a successor begins. Monotonic time and the wall clock (milliseconds since 1970 UTC, which may jump) are passed in. After every input:
/// <see cref="Prepare"/>, then <see cref="TakeAnswers"/> with the time read anew, then <see cref="ExtendWindow"/>.
/// </summary>
internal sealed class TimestampOracle<TCaller>(TimestampOracleConfig config)
{
    /// <summary>
    /// Milliseconds of a window beyond the last timestamp if the clock is behind that: little, because a restart begins above the window's end.
    /// </summary>
    public const long Reserve = 100;

    private readonly long _window = (long)config.Window.TotalMilliseconds;
    private readonly Queue<(TCaller Caller, uint Count)> _waiting = [];
    private List<Answer> _prepared = [];

    /// <summary>Invariant: everything issued by anybody is below.</summary>
    private long _next;

    /// <summary>Milliseconds, exclusive. Durable.</summary>
    private long _windowEnd;

    /// <summary>The end that is being persisted, and since when.</summary>
    private (long End, TimeSpan Sent)? _extension;

    private TimeSpan _leaseEnd = TimeSpan.MinValue;

    /// <summary>Something was issued since the window was last looked at.</summary>
    private bool _inUse;

    /// <param name="Last">The highest of <paramref name="Count"/> consecutive timestamps.</param>
    public readonly record struct Answer(TCaller Caller, uint Count, long Last);

    /// <summary>When <see cref="Prepare"/> begins to have an effect.</summary>
    public TimeSpan ServesFrom { get; private set; } = TimeSpan.MaxValue;

    /// <summary>The incarnation's start is durable, and was the journal's last event then.</summary>
    /// <param name="persistedEnd">Of the last window in the journal; 0: there was none.</param>
    /// <param name="predecessorsLease">Of the last window in the journal; zero if the event before the start is its incarnation's release.</param>
    /// <param name="acknowledged">When the start was known to be durable, or later.</param>
    public void Start(long persistedEnd, TimeSpan predecessorsLease, TimeSpan acknowledged)
    {
        _windowEnd = persistedEnd;
        _next = TimestampLayout.Compose(persistedEnd, 0);
        ServesFrom = acknowledged + (predecessorsLease * (1 + config.DriftBound));
    }

    /// <summary>Nothing is issued any more. To be called before the incarnation's release is sent.</summary>
    /// <returns>Who waits in vain.</returns>
    public IReadOnlyList<TCaller> End()
    {
        ServesFrom = TimeSpan.MaxValue;
        var waiting = _waiting.Select(w => w.Caller).ToList();
        _waiting.Clear();
        return waiting;
    }

    /// <param name="count">1 to <see cref="TimestampLayout.LogicalCount"/>.</param>
    /// <returns>False if too many wait already.</returns>
    public bool TryEnqueue(TCaller caller, uint count)
    {
        if (_waiting.Count >= config.MaxWaiting)
            return false;
        _waiting.Enqueue((caller, count));
        return true;
    }

    /// <summary>The window that <see cref="ExtendWindow"/> has named is durable.</summary>
    public void WindowExtended()
    {
        var (end, sent) = _extension ?? throw new InvalidOperationException("no window was being extended");
        _extension = null;
        _windowEnd = end;
        _leaseEnd = config.Lease is { } lease ? sent + lease : TimeSpan.MaxValue;
    }

    /// <param name="now">Read after the requests had arrived.</param>
    public void Prepare(TimeSpan now, long wall)
    {
        while (MayIssue(now) && _waiting.TryPeek(out var request) && Find(request.Count, wall) is { } first)
        {
            _waiting.Dequeue();
            _next = first + request.Count;
            _prepared.Add(new Answer(request.Caller, request.Count, _next - 1));
        }
    }

    /// <param name="now">Read after <see cref="Prepare"/>. If the lease is over by then, what was prepared is wasted, and the requests wait again.</param>
    public IReadOnlyList<Answer> TakeAnswers(TimeSpan now)
    {
        if (_prepared.Count == 0)
            return [];
        var prepared = _prepared;
        _prepared = [];
        _inUse = true;
        if (MayIssue(now))
            return prepared;
        foreach (var answer in prepared)
            _waiting.Enqueue((answer.Caller, answer.Count));
        return [];
    }

    /// <summary>
    /// One at a time: it serves everything that waits. The event must be fenced: it is accepted only if this incarnation's start is the newest.
    /// </summary>
    /// <param name="now">Read before the event is sent.</param>
    /// <returns>The end of the window to persist; null if there is nothing to do.</returns>
    public long? ExtendWindow(TimeSpan now, long wall)
    {
        var wanted = now >= ServesFrom && (_waiting.Count > 0 || (_inUse && IsDue(now, wall)));
        _inUse = false;
        if (_extension is not null || !wanted)
            return null;
        var end = Math.Max(_windowEnd, Math.Max(Sane(wall) + _window, TimestampLayout.Physical(_next) + Reserve));
        _extension = (end, now);
        return end;
    }

    /// <summary>Half used up: what is renewed by then need not be waited for.</summary>
    private bool IsDue(TimeSpan now, long wall) =>
        (config.Lease is { } lease && now >= _leaseEnd - (lease / 2))
        || _windowEnd < Sane(wall) + (_window / 2)
        || _windowEnd < TimestampLayout.Physical(_next) + (Reserve / 2);

    private bool MayIssue(TimeSpan now) => now >= ServesFrom && now < _leaseEnd;

    /// <summary>
    /// Follows the wall clock within the window. When the clock is behind, it goes on from the last one: its counter grows, and counts
    /// a millisecond on when it is used up.
    /// </summary>
    private long? Find(uint count, long wall)
    {
        var first = Math.Max(_next, TimestampLayout.Compose(Math.Min(Sane(wall), _windowEnd - 1), 0));
        if (TimestampLayout.Logical(first) + count > TimestampLayout.LogicalCount)
            first = TimestampLayout.Compose(TimestampLayout.Physical(first) + 1, 0);
        return first + count <= TimestampLayout.Compose(_windowEnd, 0) ? first : null;
    }

    private static long Sane(long wall) => Math.Clamp(wall, 0, TimestampLayout.PhysicalCount / 2);
}
