namespace TiKvActors.Host.Check;

public enum RegisterVerdict
{
    Linearizable,
    NotLinearizable,

    /// <summary>Too many orders are possible; nothing is known.</summary>
    Undecided,
}

/// <param name="FailedAt">
/// Not linearizable: index of the operation at whose completion no order was left. What completed before it can be explained.
/// </param>
public readonly record struct RegisterResult(RegisterVerdict Verdict, int FailedAt = -1);

/// <summary>
/// Whether operations on one register, absent at first, are linearizable: whether there is an order of the effects, each within its
/// operation's
/// time, in which every read and swap finds what it has found. Pure.
///
/// The search is Wing and Gong's with Lowe's two improvements: operations are put into order no earlier than some completion demands, and
/// equal
/// configurations are searched once. A configuration is the register's value and which of the open operations have taken place. Four
/// things keep their number small:
/// a read takes place as soon as the value is there; an uncertain write that nobody found has not taken place; a write may have been
/// overwritten at once
/// by another that took place while it was open, which needs no configuration of its own; and a write whose readers are all open takes
/// place, with them,
/// before the next write that does.
/// </summary>
public static class RegisterChecker
{
    private const int DefaultMaxConfigurations = 50_000;

    /// <param name="maxConfigurations">Of one moment; beyond it the verdict is <see cref="RegisterVerdict.Undecided"/>.</param>
    public static RegisterResult Check(IReadOnlyList<RegisterOperation> operations, int maxConfigurations = DefaultMaxConfigurations) =>
        new Search(operations, maxConfigurations).Run();

    /// <param name="BlindAt">Event at which the last write took place; -1 = none has.</param>
    /// <param name="Taken">Open operations that have taken place, ascending.</param>
    private sealed record Configuration(int Value, int BlindAt, int[] Taken)
    {
        public bool Has(int operation) => Array.BinarySearch(Taken, operation) >= 0;

        public Configuration With(int operation) => this with { Taken = [.. Taken.Append(operation).Order()] };

        public Configuration Without(int operation) => this with { Taken = [.. Taken.Where(o => o != operation)] };

        public bool Equals(Configuration? other) =>
            other is not null && Value == other.Value && BlindAt == other.BlindAt && Taken.AsSpan().SequenceEqual(other.Taken);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            hash.Add(Value);
            hash.Add(BlindAt);
            foreach (var operation in Taken) hash.Add(operation);
            return hash.ToHashCode();
        }
    }

    private readonly record struct Step(RegisterAction Action, int Found, int Value, bool IsCertain, bool IsOpenForEver);

    private readonly record struct Event(long Time, bool IsCompletion, int Operation) : IComparable<Event>
    {
        /// <summary>What begins when something else ends may have been at the same time: beginnings first.</summary>
        public int CompareTo(Event other) => (Time, IsCompletion, Operation).CompareTo((other.Time, other.IsCompletion, other.Operation));
    }

    private sealed class Search
    {
        private readonly Step[] _steps;
        private readonly List<Event> _events = [];
        private readonly int[] _invokedAt;

        /// <summary>By value: the last event at which somebody who found it completed; -1 = nobody found it.</summary>
        private readonly int[] _lastFoundAt;

        /// <summary>By value: how many reads find it, if only reads do and only one write makes it; else -1.</summary>
        private readonly int[] _readers;

        /// <summary>By value: how many of the open reads find it.</summary>
        private readonly int[] _openReaders;
        private readonly List<int> _openWrites = [];
        private readonly List<int> _openReads = [];
        private readonly int _maxConfigurations;
        private HashSet<Configuration> _configurations = [new Configuration(0, -1, [])];

        public Search(IReadOnlyList<RegisterOperation> operations, int maxConfigurations)
        {
            _maxConfigurations = maxConfigurations;
            var values = new Dictionary<string, int>(StringComparer.Ordinal);
            int Number(string? value) =>
                value is null ? 0 : values.TryGetValue(value, out var known) ? known : values[value] = values.Count + 1;
            _steps = [.. operations.Select(
                o => new Step(o.Action, Number(o.Found), Number(o.Value), o.IsCertain, o.Completed == RegisterOperation.Never))];
            var found = _steps.Where(s => s.Action != RegisterAction.Write).Select(s => s.Found).ToHashSet();
            for (var i = 0; i < _steps.Length; i++)
            {
                if (!_steps[i].IsCertain && (_steps[i].Action == RegisterAction.Read || !found.Contains(_steps[i].Value))) continue;
                _events.Add(new Event(operations[i].Invoked, false, i));
                if (operations[i].Completed != RegisterOperation.Never) _events.Add(new Event(operations[i].Completed, true, i));
            }

            _events.Sort();
            _invokedAt = new int[_steps.Length];
            _lastFoundAt = new int[values.Count + 1];
            Array.Fill(_lastFoundAt, -1);
            _openReaders = new int[values.Count + 1];
            _readers = CountReaders(values.Count + 1);
            for (var at = 0; at < _events.Count; at++)
            {
                if (!_events[at].IsCompletion) _invokedAt[_events[at].Operation] = at;
                var step = _steps[_events[at].Operation];
                if (step.Action != RegisterAction.Write)
                    _lastFoundAt[step.Found] = step.IsOpenForEver ? int.MaxValue : Math.Max(_lastFoundAt[step.Found], at);
            }
        }

        public RegisterResult Run()
        {
            for (var at = 0; at < _events.Count; at++)
            {
                var operation = _events[at].Operation;
                if (!_events[at].IsCompletion)
                {
                    Begin(operation);
                    continue;
                }

                var next = new HashSet<Configuration>();
                foreach (var configuration in _configurations)
                {
                    Complete(configuration, operation, at, next);
                    if (next.Count > _maxConfigurations) return new RegisterResult(RegisterVerdict.Undecided);
                }

                if (next.Count == 0) return new RegisterResult(RegisterVerdict.NotLinearizable, operation);
                End(operation);
                _configurations = WithoutDominated(next);
            }

            return new RegisterResult(RegisterVerdict.Linearizable);
        }

        private int[] CountReaders(int values)
        {
            var readers = new int[values];
            var makers = new int[values];
            foreach (var step in _steps)
            {
                if (step.Action != RegisterAction.Read) makers[step.Value]++;
                if (step.Action == RegisterAction.Read) readers[step.Found]++;
                else if (step.Action == RegisterAction.Swap) makers[step.Found] += 2;
            }

            for (var value = 0; value < values; value++)
                if (makers[value] != 1 || value == 0) readers[value] = -1;
            return readers;
        }

        private void Begin(int operation)
        {
            if (_steps[operation].Action != RegisterAction.Read)
            {
                _openWrites.Add(operation);
                return;
            }

            _openReads.Add(operation);
            _openReaders[_steps[operation].Found]++;
            _configurations = [.. _configurations.Select(c => c.Value == _steps[operation].Found ? c.With(operation) : c)];
        }

        private void End(int operation)
        {
            if (!_openReads.Remove(operation)) _openWrites.Remove(operation);
            else _openReaders[_steps[operation].Found]--;
        }

        private void Complete(Configuration configuration, int operation, int at, HashSet<Configuration> next)
        {
            var step = _steps[operation];
            if (configuration.Has(operation))
            {
                next.Add(configuration.Without(operation));
                return;
            }

            // It need not have taken place, or was overwritten at once by that other write. That it took place now matters only to who
            // finds its value.
            if (!step.IsCertain || (step.Action == RegisterAction.Write && configuration.BlindAt >= _invokedAt[operation]))
            {
                next.Add(configuration);
                if (_lastFoundAt[step.Value] < at) return;
            }

            PutIntoOrder(configuration, operation, at, next);
        }

        /// <summary>All ways in which open operations take place until the given one has.</summary>
        private void PutIntoOrder(Configuration from, int until, int at, HashSet<Configuration> next)
        {
            var seen = new HashSet<(Configuration, bool)>();
            var toDo = new Stack<(Configuration Configuration, bool IsUnseenWrite)>([(from, false)]);
            while (toDo.TryPop(out var now) && next.Count <= _maxConfigurations)
            {
                var triedForEver = new HashSet<Step>();
                foreach (var operation in _openWrites)
                {
                    var step = _steps[operation];
                    if (now.Configuration.Has(operation) || (step.Action == RegisterAction.Swap && now.Configuration.Value != step.Found))
                        continue;
                    // A write that is overwritten before anybody has seen it need not be in the order: see Complete.
                    if (step.Action == RegisterAction.Write && now.IsUnseenWrite) continue;
                    // Of several that are alike and stay open, the first will do.
                    if (step.IsOpenForEver && !triedForEver.Add(step)) continue;
                    var (after, isSeen) = TakePlace(now.Configuration, operation, at);
                    if (after.Has(until)) next.Add(after.Without(until));
                    else if (seen.Add((after, step.Action == RegisterAction.Write && !isSeen)))
                        toDo.Push((after, step.Action == RegisterAction.Write && !isSeen));
                }
            }
        }

        private (Configuration After, bool IsSeen) TakePlace(Configuration configuration, int operation, int at)
        {
            var step = _steps[operation];
            var taken = new List<int>(configuration.Taken) { operation };
            if (step.Action == RegisterAction.Write)
                taken.AddRange(_openWrites.Where(w => w != operation && IsOpenWithItsReaders(_steps[w]) && !configuration.Has(w)));
            var overwritten = taken.Skip(configuration.Taken.Length + 1).Select(w => _steps[w].Value).ToHashSet();
            if (overwritten.Count > 0)
                taken.AddRange(_openReads.Where(r => overwritten.Contains(_steps[r].Found) && _steps[r].Found != step.Value));
            var before = taken.Count;
            taken.AddRange(_openReads.Where(r => _steps[r].Found == step.Value && !configuration.Has(r)));
            var isSeen = taken.Count > before;
            taken.Sort();
            return (new Configuration(step.Value, step.Action == RegisterAction.Write ? at : configuration.BlindAt, [.. taken]), isSeen);
        }

        private bool IsOpenWithItsReaders(Step step) =>
            step.Action == RegisterAction.Write && _readers[step.Value] > 0 && _readers[step.Value] == _openReaders[step.Value];

        /// <summary>Without those from which nothing can be reached that another one cannot reach too.</summary>
        private HashSet<Configuration> WithoutDominated(HashSet<Configuration> all)
        {
            if (all.Count is 1 or > 2_000) return all;
            var kept = new HashSet<Configuration>();
            foreach (var alike in all.GroupBy(c => (c.Value, string.Join(',', c.Taken.Where(o => !_steps[o].IsOpenForEver)))))
            {
                var list = alike.OrderBy(c => c.Taken.Length).ThenByDescending(c => c.BlindAt).ToList();
                foreach (var candidate in list)
                {
                    if (!list.Any(other => other != candidate && kept.Contains(other) && other.BlindAt >= candidate.BlindAt
                        && other.Taken.All(candidate.Has)))
                        kept.Add(candidate);
                }
            }

            return kept;
        }
    }
}
