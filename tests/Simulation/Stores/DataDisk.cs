using TiKvActors.Protocol.RaftServerpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Snapshots;

namespace TiKvActors.Simulation.Stores;

/// <summary>
/// What is on the disk of a data engine, and what a crash makes of it. Batches become visible at once and durable with the next sync; a
/// power failure takes any of them away that came after some moment since. A file that was taken in is durable by itself, also if batches
/// before it are lost.
/// </summary>
internal sealed class DataDisk
{
    /// <param name="Ingested">Not null: a file was taken in; what that does to a state.</param>
    private readonly record struct Change(DataState After, Func<DataState, DataState>? Ingested);

    private readonly List<Change> _unsynced = [];
    private readonly Dictionary<(ulong RegionId, ulong Index, ulong Term), Staged> _deleted = [];

    /// <summary>Rows of snapshots before their installation; a folder each.</summary>
    public sealed class Staged
    {
        public List<SnapshotChunk> Chunks { get; } = [];

        public bool IsComplete { get; set; }
    }

    public DataState Synced { get; private set; } = DataState.Empty;

    public DataState State => _unsynced.Count == 0 ? Synced : _unsynced[^1].After;

    public int Unsynced => _unsynced.Count;

    public SortedDictionary<(ulong RegionId, ulong Index, ulong Term), Staged> Staging { get; } = [];

    public void Write(DataState after) => _unsynced.Add(new Change(after, null));

    public void Ingest(ColumnFamily family, IReadOnlyList<KeyValue> rows)
    {
        DataState Take(DataState state)
        {
            var into = state[family];
            foreach (var row in rows) into = into.With(row.Key, row.Value.ToByteArray());
            return state.With(family, into);
        }

        _unsynced.Add(new Change(Take(State), Take));
    }

    public void Sync()
    {
        Synced = State;
        _unsynced.Clear();
    }

    public void DeleteStaged((ulong RegionId, ulong Index, ulong Term) folder)
    {
        if (Staging.Remove(folder, out var staged)) _deleted[folder] = staged;
    }

    /// <summary>The process ends; what it has written is in the operating system's hands.</summary>
    public void Kill() => _deleted.Clear();

    public void LosePower(World world)
    {
        var kept = world.Random.Next(_unsynced.Count + 1);
        var state = kept == 0 ? Synced : _unsynced[kept - 1].After;
        if (kept < _unsynced.Count) world.Coverage.Count("disk: unsynced batches lost", _unsynced.Count - kept);
        foreach (var change in _unsynced.Skip(kept))
        {
            if (change.Ingested is null) continue;
            world.Coverage.Count("disk: ingested file outlives lost batches");
            state = change.Ingested(state);
        }

        _unsynced.Clear();
        Synced = state;
        // Deleting a folder is durable when the file system says so.
        foreach (var (folder, staged) in _deleted.OrderBy(d => d.Key))
        {
            if (!world.Chance(0.3) || !Staging.TryAdd(folder, staged)) continue;
            world.Coverage.Count("disk: deleted staging folder comes back");
        }

        _deleted.Clear();
    }
}
