using Google.Protobuf;
using TiKvActors.Actors.Placement;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Simulation.Timestamps;

/// <summary>One life of PD, with its real state and the real oracle: recovers, commits its start, issues, and ends by a crash, a fence or a release.</summary>
internal sealed class OracleIncarnation(TimestampCluster cluster, OracleNode node, int id)
{
    private readonly World _world = cluster.World;
    private readonly TimestampOracle<TimestampRequest> _oracle = new(cluster.Config);
    private readonly PdState _state = new(new PdConfig(3, APIVersion.V2), ByteString.CopyFrom(BitConverter.GetBytes(id)));
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
        foreach (var @event in events) _state.Apply(@event);
        var window = _state.TimestampWindow;
        var lease = TimeSpan.FromMilliseconds(window?.LeaseMillis ?? 0);
        if (lease == TimeSpan.Zero && window is not null) _world.Coverage.Count("an incarnation follows a release");
        if (lease > TimeSpan.Zero && events[^1] is IncarnationReleased) _world.Coverage.Count("a release that does not count");
        Write(_state.Start([])[0], () =>
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
                        Write(_state.ExtendTimestamps(end, cluster.Lease), WindowExtended);
                    else if (_isReleasing && !_isWriting)
                        Write(_state.Release(), Crash);
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
