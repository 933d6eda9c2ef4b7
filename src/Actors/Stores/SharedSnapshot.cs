using System.Collections.Concurrent;
using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// One state of the data engine for several reads that go to different readers; closed when the last is done. Taking it costs a mutex, no
/// disk access, so a peer does it on its own thread.
/// </summary>
internal sealed class SharedSnapshot
{
    private readonly OpenSnapshots _open;
    private int _users;

    public SharedSnapshot(IDataSnapshot snapshot, int users, OpenSnapshots open)
    {
        Data = snapshot;
        _users = users;
        _open = open;
        open.Add(this);
    }

    public IDataSnapshot Data { get; }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            Close();
    }

    public void Close()
    {
        _open.Remove(this);
        Data.Dispose();
    }
}

/// <summary>Snapshots that readers still have: one that stops with reads in its mailbox must not keep the engine open for ever.</summary>
internal sealed class OpenSnapshots
{
    private readonly ConcurrentDictionary<SharedSnapshot, byte> _snapshots = new();

    public void Add(SharedSnapshot snapshot) => _snapshots.TryAdd(snapshot, 0);

    public void Remove(SharedSnapshot snapshot) => _snapshots.TryRemove(snapshot, out _);

    /// <summary>Once no reader runs any more.</summary>
    public void CloseAll()
    {
        foreach (var snapshot in _snapshots.Keys)
            snapshot.Close();
    }
}
