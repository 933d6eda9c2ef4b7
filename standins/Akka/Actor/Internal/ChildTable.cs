using System.Collections;

namespace Akka.Actor.Internal;

/// <summary>
/// The children of a cell by name. Only the cell itself waits for and forgets children, but others look them up, and the
/// guardians' children are made by any thread, so every access takes the lock.
/// </summary>
internal sealed class ChildTable
{
    private readonly Lock _lock = new();

    // Both null until the first one: most actors have no children.
    private Dictionary<string, IChildStats> _children;
    private HashSet<IActorRef> _dying;

    // Null while nothing is waited for.
    private SuspendReason _reason;
    private bool _isTerminated;

    /// <summary>No restart or termination waits for the children.</summary>
    public bool IsNormal
    {
        get
        {
            lock (_lock) return !_isTerminated && _reason is null or SuspendReason.UserRequest;
        }
    }

    /// <summary>The cell will not take new children.</summary>
    public bool IsTerminating
    {
        get
        {
            lock (_lock) return _isTerminated || _reason is SuspendReason.Termination;
        }
    }

    /// <summary>The children of this moment.</summary>
    public IReadOnlyList<ChildRestartStats> Stats
    {
        get
        {
            lock (_lock) return _children == null ? [] : _children.Values.OfType<ChildRestartStats>().ToArray();
        }
    }

    /// <summary>
    /// The children when they are looked at, if at all: what happens to one child of thousands must not cost a walk over all of them.
    /// </summary>
    public IReadOnlyCollection<ChildRestartStats> StatsOnDemand => new OnDemand(this);

    /// <exception cref="InvalidActorNameException">The name is taken.</exception>
    /// <exception cref="InvalidOperationException">The cell is terminating.</exception>
    public void Reserve(string name)
    {
        lock (_lock)
        {
            if (_isTerminated || _reason is SuspendReason.Termination)
                throw new InvalidOperationException(
                    $"Cannot reserve actor name '{name}': {(_isTerminated ? "terminated" : "terminating")}");
            _children ??= new Dictionary<string, IChildStats>(StringComparer.Ordinal);
            if (!_children.TryAdd(name, ChildNameReserved.Instance))
                throw new InvalidActorNameException($"Actor name \"{name}\" is not unique!");
        }
    }

    public void Unreserve(string name)
    {
        lock (_lock)
            if (_children != null && _children.TryGetValue(name, out var stats) && stats is ChildNameReserved) _children.Remove(name);
    }

    /// <summary>Takes a child whose name was reserved, or one that was made by somebody else; null if the cell is terminated.</summary>
    public ChildRestartStats Init(IInternalActorRef child)
    {
        lock (_lock)
        {
            if (_isTerminated) return null;
            _children ??= new Dictionary<string, IChildStats>(StringComparer.Ordinal);
            if (_children.TryGetValue(child.Path.Name, out var existing) && existing is ChildRestartStats known) return known;
            var stats = new ChildRestartStats(child);
            _children[child.Path.Name] = stats;
            // A child that was begun before the termination and is finished within it has to die too.
            if (_reason is SuspendReason.Termination) (_dying ??= []).Add(child);
            return stats;
        }
    }

    public bool TryGet(string name, out IChildStats stats)
    {
        stats = null;
        lock (_lock) return _children != null && _children.TryGetValue(name, out stats);
    }

    public bool TryGet(IActorRef child, out ChildRestartStats stats)
    {
        stats = TryGet(child.Path.Name, out var found) && found is ChildRestartStats s && s.Child.Equals(child) ? s : null;
        return stats != null;
    }

    /// <summary>The child has been told to stop; a later wait will wait for it.</summary>
    public void ShallDie(IActorRef child)
    {
        lock (_lock)
        {
            if (_isTerminated || !TryGet(child, out _)) return;
            (_dying ??= []).Add(child);
            _reason ??= SuspendReason.UserRequest.Instance;
        }
    }

    /// <summary>From now on the dying children are waited for; false if there are none.</summary>
    public bool WaitFor(SuspendReason reason)
    {
        lock (_lock)
        {
            if (_isTerminated || _dying is not { Count: > 0 }) return false;
            _reason = reason;
            return true;
        }
    }

    /// <summary>
    /// From now on no child comes in: those that are there are to be stopped, and one that was begun before may still be added,
    /// as one to be stopped. The cell is terminated at once if it has none. Closing comes before stopping, because the guardians'
    /// children are made by other threads meanwhile.
    /// </summary>
    public IReadOnlyList<ChildRestartStats> Close(out bool isTerminated)
    {
        lock (_lock)
        {
            var children = Stats;
            if (children.Count == 0 && _dying is not { Count: > 0 }) SetTerminated();
            isTerminated = _isTerminated;
            if (isTerminated) return [];
            _reason = SuspendReason.Termination.Instance;
            _dying ??= [];
            foreach (var child in children) _dying.Add(child.Child);
            return children;
        }
    }

    /// <summary>Forgets a child; answers what was waited for if it was the last one.</summary>
    public SuspendReason Remove(IActorRef child)
    {
        lock (_lock)
        {
            if (TryGet(child, out _)) _children.Remove(child.Path.Name);
            if (_dying == null || !_dying.Remove(child) || _dying.Count > 0) return null;
            var reason = _reason;
            // The last child of a terminating cell closes it for good, so that none comes in between.
            if (reason is SuspendReason.Termination) SetTerminated();
            else _reason = null;
            return reason;
        }
    }

    public void SetTerminated()
    {
        lock (_lock)
        {
            _isTerminated = true;
            _children = null;
            _dying = null;
        }
    }

    private sealed class OnDemand(ChildTable table) : IReadOnlyCollection<ChildRestartStats>
    {
        private IReadOnlyList<ChildRestartStats> _stats;

        private IReadOnlyList<ChildRestartStats> Stats => _stats ??= table.Stats;

        public int Count => Stats.Count;

        public IEnumerator<ChildRestartStats> GetEnumerator() => Stats.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
