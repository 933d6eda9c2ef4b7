namespace TiKvActors.Client.Transport;

/// <summary>
/// Requests of one kind for one store: those that wait, and those that travelled in batches and are not answered yet. While
/// as many batches as allowed are unanswered, what comes in waits and becomes the next batch. Not thread-safe.
/// </summary>
/// <param name="pending">Every request entered it before it came here, and leaves it when it leaves the queue.</param>
internal sealed class BatchQueue(int maxInFlightBatches, int maxBatchRequests, int maxBatchBytes, PendingLimit pending)
{
    private readonly Queue<PendingRequest> _waiting = new();
    private readonly Dictionary<ulong, InFlight> _inFlight = [];
    private int _batchesInFlight;

    /// <summary>Waiting and unanswered.</summary>
    public int Count => _waiting.Count + _inFlight.Count;

    public void Enqueue(PendingRequest request) => _waiting.Enqueue(request);

    /// <summary>
    /// The next batch, its requests marked as having left and counted as unanswered from now on; null if nothing waits or too much is
    /// unanswered.
    /// </summary>
    /// <param name="nextId">Gives ids that are unique for the store.</param>
    public List<(ulong Id, PendingRequest Request)>? TryTake(Func<ulong> nextId)
    {
        if (_batchesInFlight >= maxInFlightBatches)
            return null;
        List<(ulong, PendingRequest)>? taken = null;
        Batch? batch = null;
        long bytes = 0;
        while (_waiting.TryPeek(out var next))
        {
            if (taken is not null && (taken.Count == maxBatchRequests || bytes + next.Bytes > maxBatchBytes))
                break;
            _waiting.Dequeue();
            if (!next.Delivery.TryLeave())
            {
                pending.Leave();
                continue;
            }

            taken ??= [];
            batch ??= new Batch();
            bytes += next.Bytes;
            batch.Unanswered++;
            var id = nextId();
            taken.Add((id, next));
            _inFlight.Add(id, new InFlight(next, batch));
        }
        if (taken is not null)
            _batchesInFlight++;
        return taken;
    }

    /// <summary>
    /// The request that an answer, or the news that there will be none, is for; null if it is of another queue or settled already.
    /// </summary>
    public PendingRequest? Settle(ulong id)
    {
        if (!_inFlight.Remove(id, out var settled))
            return null;
        pending.Leave();
        if (--settled.Batch.Unanswered == 0)
            _batchesInFlight--;
        return settled.Request;
    }

    /// <summary>Forgets requests that their callers gave up on, so that they hold up nothing.</summary>
    public void DropDone()
    {
        foreach (var id in _inFlight.Where(entry => entry.Value.Request.IsDone).Select(entry => entry.Key).ToList())
            Settle(id);
    }

    /// <summary>Empties the queue and gives back everything that was in it.</summary>
    public List<PendingRequest> TakeAll()
    {
        List<PendingRequest> all = [.. _inFlight.Values.Select(entry => entry.Request), .. _waiting];
        _inFlight.Clear();
        _waiting.Clear();
        _batchesInFlight = 0;
        pending.Leave(all.Count);
        return all;
    }

    private sealed class Batch
    {
        public int Unanswered;
    }

    private readonly record struct InFlight(PendingRequest Request, Batch Batch);
}
