using TiKvActors.Storage;

namespace TiKvActors.Simulation.Stores;

/// <summary>
/// The group commit of a store's journal: what waits is written in one batch and synced; it is durable as a whole or not at all. Journal
/// and snapshot store are two actors, so that what is handed to one may overtake what was handed to the other.
/// </summary>
internal sealed class SimJournal
{
    private readonly SimStore _store;
    private readonly JournalDisk _disk;
    private readonly int _incarnation;
    private readonly Mailbox _journal;
    private readonly Mailbox _snapshots;
    private readonly List<(Action<JournalDisk> Write, Action Done)> _waiting = [];
    private List<(Action<JournalDisk> Write, Action Done)> _writing = [];

    /// <summary>What waits until everything before it is written.</summary>
    private readonly Queue<(long After, Action Read)> _reads = new();
    private long _submitted;
    private long _settled;

    public SimJournal(SimStore store, JournalDisk disk)
    {
        (_store, _disk, _incarnation) = (store, disk, store.Incarnation);
        _journal = store.NewMailbox();
        _snapshots = store.NewMailbox();
    }

    /// <param name="write">On the disk, together with whatever shares the batch.</param>
    /// <param name="done">When it is durable.</param>
    public void Write(Action<JournalDisk> write, Action done) => _journal.Post(() => Submit(write, done));

    public void WriteSnapshot(Action<JournalDisk> write, Action done) => _snapshots.Post(() => Submit(write, done));

    /// <summary>Not by way of the actors: what waits there comes later.</summary>
    public void Purge(Action<JournalDisk> write, Action done) => Submit(write, done);

    public void Delete(Action<JournalDisk> write, Action done) => _journal.Post(() =>
    {
        _store.FailPoints.Hit(FailPoints.JournalDeletion);
        Submit(write, done);
    });

    /// <summary>A recovery: the snapshot first, then the events, each once everything that was handed in before is durable.</summary>
    public void Read(Action<JournalDisk> read) => _snapshots.Post(() => Enqueue(() => _journal.Post(() => Enqueue(() => read(_disk)))));

    private void Enqueue(Action read)
    {
        _reads.Enqueue((_submitted, read));
        Settle();
    }

    /// <summary>Power fails, or the process is killed: the batch that is being written is there afterwards or not.</summary>
    public void Crash()
    {
        if (_writing.Count == 0) return;
        var survives = _store.World.Chance(0.5);
        _store.World.Coverage.Count(survives ? "disk: unacknowledged journal batch survived" : "disk: journal batch in flight lost");
        if (!survives) return;
        foreach (var (write, _) in _writing) write(_disk);
    }

    private void Submit(Action<JournalDisk> write, Action done)
    {
        _submitted++;
        _waiting.Add((write, done));
        if (_writing.Count == 0) Begin();
    }

    private void Begin()
    {
        if (_waiting.Count == 0) return;
        _writing = [.. _waiting];
        _waiting.Clear();
        _store.Outside(_store.DiskLatency, Commit);
        if (_writing.Count > 1) _store.World.Coverage.Count("journal: batches of several writes");
    }

    private void Commit()
    {
        if (_store.Incarnation != _incarnation) return;
        _store.Perform(() => _store.FailPoints.Hit(FailPoints.JournalCommit));
        if (_store.Incarnation != _incarnation) return;
        var written = _writing;
        _writing = [];
        foreach (var (write, _) in written) write(_disk);
        _settled += written.Count;
        foreach (var (_, done) in written) done();
        Settle();
        Begin();
    }

    private void Settle()
    {
        while (_reads.TryPeek(out var next) && next.After <= _settled) _reads.Dequeue().Read();
    }
}
