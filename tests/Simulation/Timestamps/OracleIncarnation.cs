using TiKvActors.Actors.Placement;

namespace TiKvActors.Simulation.Timestamps;

/// <summary>One life of PD, with the real oracle: recovers, commits its start, issues, and ends by a crash, a fence or a release.</summary>
internal sealed class OracleIncarnation(TimestampCluster cluster, OracleNode node, int id)
{
    private sealed record Started;

    private sealed record Released(int Incarnation);

    private sealed record Window(long End, TimeSpan Lease, int Incarnation);

    private readonly World _world = cluster.World;
    private readonly TimestampOracle<TimestampRequest> _oracle = new(cluster.Config);
    private readonly Queue<Action> _mailbox = [];
    private bool _recovered;
    private bool _isBusy;
    private bool _isWriting;
    private bool _isReleasing;
    private int _highest;

    public int Id => id;

    public OracleNode Node => node;

    public bool IsDead { get; private set; }

    public bool Serves { get; private set; }

    /// <summary>It stops at its next step, or now if it does nothing.</summary>
    public TimeSpan Pause { get; set; }

    public void Recover()
    {
        if (IsDead || _recovered) return;
        cluster.Journal.Read(() => node.IsCut || IsDead, events => Handle(() => Recovered(events)));
        _world.After(cluster.AttemptTimeout, Recover);
    }

    private void Recovered(IReadOnlyList<object> events)
    {
        if (_recovered) return;
        _recovered = true;
        _highest = events.Count;
        var window = events.OfType<Window>().LastOrDefault();
        var released = events.OfType<Released>().LastOrDefault();
        var lease = window is null || window.Incarnation == released?.Incarnation ? TimeSpan.Zero : window.Lease;
        if (lease == TimeSpan.Zero && window is not null) _world.Coverage.Count("an incarnation follows a release");
        if (lease > TimeSpan.Zero && events[^1] is Released) _world.Coverage.Count("a release that does not count");
        Write(new Started(), () =>
        {
            Serves = true;
            _oracle.Start(window?.End ?? 0, lease, node.Monotonic);
            Wait();
        });
    }

    private void Wait()
    {
        var left = node.ToTrue(_oracle.ServesFrom - node.Monotonic);
        if (left > TimeSpan.Zero)
            _world.After(left + TimeSpan.FromMilliseconds(0.001), () => Handle(static () => { }));
    }

    public void Receive(TimestampRequest request)
    {
        if (IsDead) return;
        request.Arrived(cluster.HighestDelivered);
        Handle(() =>
        {
            if (!_oracle.TryEnqueue(request, request.Count)) _world.Coverage.Count("a request was refused");
        });
    }

    public void Release()
    {
        if (!Serves) return;
        Handle(() =>
        {
            _oracle.End();
            _isReleasing = true;
        });
    }

    public void Crash()
    {
        IsDead = true;
        if (node.Incarnation == this) node.Incarnation = null;
    }

    private void Handle(Action input)
    {
        if (IsDead) return;
        _mailbox.Enqueue(input);
        if (!_isBusy) Next();
    }

    // One message: the input, the answers, the journal; the process may be stopped between any two of them.
    private void Next()
    {
        _isBusy = _mailbox.Count > 0;
        if (!_isBusy) return;
        Step(() =>
        {
            _mailbox.Dequeue()();
            _oracle.Prepare(node.Monotonic, node.Wall);
            Step(() =>
            {
                var answers = _oracle.TakeAnswers(node.Monotonic);
                foreach (var answer in answers) cluster.Issued(this, answer);
                Step(() =>
                {
                    foreach (var answer in answers) cluster.Deliver(answer);
                    if (Serves && _oracle.ExtendWindow(node.Monotonic, node.Wall) is { } end)
                        Write(new Window(end, cluster.Lease, id), WindowExtended);
                    else if (_isReleasing && !_isWriting)
                        Write(new Released(id), Crash);
                    Next();
                });
            });
        });
    }

    private void WindowExtended()
    {
        _oracle.WindowExtended();
        cluster.LeaseBegins(this);
    }

    private void Step(Action step)
    {
        var pause = Pause;
        Pause = TimeSpan.Zero;
        if (pause == TimeSpan.Zero)
        {
            if (!IsDead) step();
            return;
        }

        _world.Coverage.Count("fault: pause in the middle of a step");
        _world.After(pause, () =>
        {
            if (!IsDead) step();
        });
    }

    private void Write(object @event, Action accepted)
    {
        if (_isWriting) throw new ViolationException($"incarnation {id} writes twice at a time");
        _isWriting = true;
        var sequenceNr = ++_highest;
        cluster.Journal.Write(
            id, sequenceNr, @event, () => node.IsCut || IsDead, cluster.AttemptTimeout, cluster.CallDeadline, outcome => Handle(() =>
            {
                _isWriting = false;
                _world.Trace($"incarnation {id}: {@event} as {sequenceNr}: {outcome}");
                if (outcome == WriteOutcome.Accepted) accepted();
                else Crash();
            }));
    }
}
