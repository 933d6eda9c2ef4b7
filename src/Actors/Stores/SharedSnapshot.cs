using TiKvActors.Storage.Data;

namespace TiKvActors.Actors.Stores;

/// <summary>
/// One state of the data engine for several reads that go to different readers; closed when the last is done. Taking it costs a mutex, no
/// disk access, so a peer does it on its own thread.
/// </summary>
internal sealed class SharedSnapshot(DataSnapshot snapshot, int users)
{
    private int _users = users;

    public DataSnapshot Data => snapshot;

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            snapshot.Dispose();
    }
}
