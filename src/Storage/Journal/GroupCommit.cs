using RocksDbSharp;

namespace TiKvActors.Storage.Journal;

/// <summary>
/// One synced write for everything that waits. Writers add their changes to the batch that is filling; the writer thread takes it, writes
/// and syncs it, and meanwhile the next one fills. Nobody waits on purpose: under load the batches grow by themselves.
/// <para>
/// The first failure is the last write: whether that batch is on disk is unknown, so everything after it must not be accepted.
/// </para>
/// </summary>
internal sealed class GroupCommit : IDisposable
{
    // A batch keeps its memory for the next round unless it once grew beyond this.
    private const long KeptBatchBytes = 8L << 20;

    private readonly Action<WriteBatch> _commit;
    private readonly Action<JournalFailedException> _failed;
    private readonly TimeProvider _time;
    private readonly TimeSpan _writeTimeout;
    private readonly Thread _thread;
    private readonly ITimer _watch;
    private readonly object _gate = new();
    private Batch _filling = new();
    private Batch? _spare;
    private Batch? _committing;
    private JournalFailedException? _failure;
    private bool _closing;
    private GroupCommitCounters _counters;

    /// <param name="commit">Writes and syncs a batch; on the writer thread.</param>
    /// <param name="failed">Called once, on the writer thread or a timer's.</param>
    public GroupCommit(
        string name, Action<WriteBatch> commit, Action<JournalFailedException> failed, TimeSpan writeTimeout, TimeProvider time)
    {
        _commit = commit;
        _failed = failed;
        _time = time;
        _writeTimeout = writeTimeout;
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
        var period = writeTimeout / 4;
        _watch = time.CreateTimer(_ => FailIfStuck(), null, period, period);
    }

    public GroupCommitCounters Counters
    {
        get
        {
            lock (_gate) return _counters;
        }
    }

    /// <summary>Adds changes; the task completes when they are durable.</summary>
    /// <param name="add">Runs at once, under the lock that orders all writers; must not block, and must not fail.</param>
    public Task Submit<TState>(TState state, Action<WriteBatch, TState> add, int events, long bytes)
    {
        lock (_gate)
        {
            if (Refusal() is { } refusal) return Task.FromException(refusal);
            add(_filling.Writes, state);
            _filling.Requests++;
            _filling.Events += events;
            _filling.Bytes += bytes;
            Monitor.Pulse(_gate);
            return _filling.Done.Task;
        }
    }

    /// <summary>Completes when everything submitted before is durable, or fails as that fails. Writes nothing itself.</summary>
    public Task Settled()
    {
        lock (_gate)
        {
            if (Refusal() is { } refusal) return Task.FromException(refusal);
            if (_filling.Requests > 0) return _filling.Done.Task;
            return _committing?.Done.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>Writes what has been submitted, then ends. False if the writer is still stuck in a write after the time-out.</summary>
    public bool Close(TimeSpan timeout)
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }
        return _thread.Join(timeout);
    }

    public void Dispose()
    {
        _watch.Dispose();
        lock (_gate)
        {
            _filling.Writes.Dispose();
            _spare?.Writes.Dispose();
        }
    }

    private Exception? Refusal()
    {
        if (_failure is not null) return new JournalFailedException(_failure.Message, _failure);
        return _closing ? new ObjectDisposedException("journal") : null;
    }

    private void Run()
    {
        while (TakeBatch() is { } batch)
        {
            try
            {
                _commit(batch.Writes);
            }
            catch (Exception e)
            {
                Fail(new JournalFailedException($"a write to the journal failed, so it is unknown what of it is on disk: {e.Message}", e));
                return;
            }
            if (!Finish(batch)) return;
        }
    }

    private Batch? TakeBatch()
    {
        lock (_gate)
        {
            while (_filling.Requests == 0 && !_closing && _failure is null) Monitor.Wait(_gate);
            if (_filling.Requests == 0 || _failure is not null) return null;
            _committing = _filling;
            _committing.StartedAt = _time.GetTimestamp();
            _filling = _spare ?? new Batch();
            _spare = null;
            return _committing;
        }
    }

    private bool Finish(Batch batch)
    {
        TaskCompletionSource done;
        lock (_gate)
        {
            // It took so long that its writers were told it is unknown; that stands.
            if (_failure is not null) return false;
            _committing = null;
            _counters = _counters.Add(batch.Requests, batch.Events, batch.Bytes);
            done = batch.Done;
            _spare = batch.Emptied(KeptBatchBytes);
        }
        done.SetResult();
        return true;
    }

    private void FailIfStuck()
    {
        TimeSpan elapsed;
        lock (_gate)
        {
            if (_committing is null || _failure is not null) return;
            elapsed = _time.GetElapsedTime(_committing.StartedAt);
        }
        if (elapsed >= _writeTimeout)
            Fail(new JournalFailedException(
                $"a write to the journal has taken {elapsed.TotalSeconds:0.#} s (limit {_writeTimeout.TotalSeconds:0.#} s); "
                    + "whether it succeeds is unknown: does the disk hang?",
                null));
    }

    private void Fail(JournalFailedException failure)
    {
        Batch? committing;
        Batch filling;
        lock (_gate)
        {
            if (_failure is not null) return;
            _failure = failure;
            (committing, filling) = (_committing, _filling);
            Monitor.Pulse(_gate);
        }
        committing?.Done.SetException(failure);
        if (filling.Requests > 0) filling.Done.SetException(failure);
        _failed(failure);
    }

    private sealed class Batch
    {
        public WriteBatch Writes { get; private set; } = new();

        public TaskCompletionSource Done { get; private set; } = NewDone();

        public int Requests { get; set; }

        public int Events { get; set; }

        public long Bytes { get; set; }

        public long StartedAt { get; set; }

        public Batch Emptied(long keptBytes)
        {
            if (Bytes > keptBytes)
            {
                Writes.Dispose();
                Writes = new WriteBatch();
            }
            Writes.Clear();
            Done = NewDone();
            (Requests, Events, Bytes, StartedAt) = (0, 0, 0, 0);
            return this;
        }

        private static TaskCompletionSource NewDone() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <param name="Batches">Synced writes.</param>
/// <param name="Requests">What was waiting in them: writes of persistent actors, snapshots, deletions.</param>
/// <param name="LargestBatch">Most requests in one batch.</param>
internal readonly record struct GroupCommitCounters(long Batches, long Requests, long Events, long Bytes, int LargestBatch)
{
    public GroupCommitCounters Add(int requests, int events, long bytes) =>
        new(Batches + 1, Requests + requests, Events + events, Bytes + bytes, Math.Max(LargestBatch, requests));
}
