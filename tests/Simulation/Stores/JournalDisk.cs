using TiKvActors.Protocol;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Simulation.Stores;

/// <summary>What is durable of all journals of a store. Changed only by <see cref="SimJournal"/>, in whole batches.</summary>
internal sealed class JournalDisk
{
    /// <summary>Of one persistence id.</summary>
    public sealed class Log
    {
        private readonly SortedDictionary<long, RaftAdvanced> _events = [];
        private readonly SortedDictionary<long, RaftTruncated> _snapshots = [];

        // By index, what a replay comes to; kept beside the events, because every application asks.
        private readonly List<ulong> _terms = [];
        private ulong _firstIndex;

        public long Highest { get; private set; }

        public HardState? HardState { get; private set; }

        public RaftTruncated? Snapshot { get; private set; }

        public long SnapshotNr { get; private set; }

        public IEnumerable<(long SequenceNr, RaftAdvanced Event)> Replayed =>
            _events.Where(e => e.Key > SnapshotNr).Select(e => (e.Key, e.Value));

        public ulong LastIndex => Math.Max(_firstIndex + (ulong)_terms.Count, 1) - 1;

        public ulong? TermAt(ulong index)
        {
            if (Snapshot is { } truncated && index == truncated.Index) return truncated.Term;
            return index < _firstIndex || index >= _firstIndex + (ulong)_terms.Count ? null : _terms[(int)(index - _firstIndex)];
        }

        /// <summary>Does a restart find the entry, or a snapshot that covers it?</summary>
        public bool Holds(ulong index, ulong term) => (Snapshot is { } truncated && index < truncated.Index) || TermAt(index) == term;

        public IEnumerable<RaftAdvanced> Read(long from, long to) => _events.Where(e => e.Key >= from && e.Key <= to).Select(e => e.Value);

        public void Append(long sequenceNr, RaftAdvanced advanced)
        {
            World.Check(sequenceNr == Highest + 1, () => $"journal: event {sequenceNr} after {Highest}");
            _events.Add(sequenceNr, advanced);
            Highest = sequenceNr;
            Extend(advanced);
        }

        public void Save(long sequenceNr, RaftTruncated snapshot)
        {
            _snapshots[sequenceNr] = snapshot;
            Highest = Math.Max(Highest, sequenceNr);
            Rebuild();
        }

        public void DeleteEvents(long to)
        {
            foreach (var nr in _events.Keys.TakeWhile(k => k <= to).ToList()) _events.Remove(nr);
            Rebuild();
        }

        public void DeleteSnapshots(long to)
        {
            foreach (var nr in _snapshots.Keys.TakeWhile(k => k <= to).ToList()) _snapshots.Remove(nr);
            Rebuild();
        }

        private void Rebuild()
        {
            (SnapshotNr, Snapshot) = _snapshots.Count == 0 ? (0, null) : (_snapshots.Last().Key, _snapshots.Last().Value);
            HardState = Snapshot?.HardState;
            _terms.Clear();
            _firstIndex = 0;
            foreach (var (_, advanced) in Replayed) Extend(advanced);
        }

        private void Extend(RaftAdvanced advanced)
        {
            HardState = advanced.HardState;
            if (advanced.Entries.Count == 0) return;
            var first = advanced.Entries[0].Index;
            if (_terms.Count == 0 || first < _firstIndex)
            {
                _terms.Clear();
                _firstIndex = first;
            }

            World.Check(first <= _firstIndex + (ulong)_terms.Count, () => $"journal: entry {first} leaves a hole after {LastIndex}");
            _terms.RemoveRange((int)(first - _firstIndex), _terms.Count - (int)(first - _firstIndex));
            foreach (var entry in advanced.Entries) _terms.Add(entry.Term);
        }
    }

    public SortedDictionary<string, Log> Logs { get; } = new(StringComparer.Ordinal);

    public Log? Find(string persistenceId) => Logs.GetValueOrDefault(persistenceId);

    public Log Get(string persistenceId)
    {
        if (!Logs.TryGetValue(persistenceId, out var log)) Logs.Add(persistenceId, log = new Log());
        return log;
    }
}
