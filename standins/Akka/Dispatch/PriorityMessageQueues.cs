using Akka.Actor;

namespace Akka.Dispatch.MessageQueues;

/// <summary>A queue under a lock, for those that cannot do with less.</summary>
public abstract class BlockingMessageQueue : IMessageQueue, IBlockingMessageQueueSemantics
{
    private protected readonly Lock Gate = new();

    /// <summary>Nothing waits here: the queues are unbounded and the lock is held briefly.</summary>
    public TimeSpan BlockTimeOut { get; set; } = TimeSpan.FromSeconds(1);

    protected abstract int LockedCount { get; }

    public bool HasMessages => Count > 0;

    public int Count
    {
        get
        {
            lock (Gate) return LockedCount;
        }
    }

    protected abstract void LockedEnqueue(Envelope envelope);

    protected abstract bool LockedTryDequeue(out Envelope envelope);

    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        lock (Gate) LockedEnqueue(envelope);
    }

    public bool TryDequeue(out Envelope envelope)
    {
        lock (Gate) return LockedTryDequeue(out envelope);
    }

    public void CleanUp(IActorRef owner, IMessageQueue deadletters)
    {
        while (TryDequeue(out var envelope)) deadletters.Enqueue(owner, envelope);
    }
}

/// <summary>A queue by priority. This one keeps the order of equal priorities too, which it need not.</summary>
public class UnboundedPriorityMessageQueue : BlockingMessageQueue, IUnboundedDequeBasedMessageQueueSemantics
{
    private readonly PriorityEnvelopes _envelopes;

    public UnboundedPriorityMessageQueue(Func<object, int> priorityGenerator, int initialCapacity) =>
        _envelopes = new PriorityEnvelopes(priorityGenerator, initialCapacity);

    protected override int LockedCount => _envelopes.Count;

    protected override void LockedEnqueue(Envelope envelope) => _envelopes.Enqueue(envelope);

    protected override bool LockedTryDequeue(out Envelope envelope) => _envelopes.TryDequeue(out envelope);

    /// <summary>For a stash: before everything, whatever its priority.</summary>
    public void EnqueueFirst(Envelope envelope)
    {
        lock (Gate) _envelopes.EnqueueFirst(envelope);
    }
}

/// <summary>A queue by priority that keeps the order of equal priorities.</summary>
public class UnboundedStablePriorityMessageQueue : BlockingMessageQueue, IUnboundedDequeBasedMessageQueueSemantics
{
    private readonly PriorityEnvelopes _envelopes;

    public UnboundedStablePriorityMessageQueue(Func<object, int> priorityGenerator, int initialCapacity) =>
        _envelopes = new PriorityEnvelopes(priorityGenerator, initialCapacity);

    protected override int LockedCount => _envelopes.Count;

    protected override void LockedEnqueue(Envelope envelope) => _envelopes.Enqueue(envelope);

    protected override bool LockedTryDequeue(out Envelope envelope) => _envelopes.TryDequeue(out envelope);

    /// <summary>For a stash: before everything, whatever its priority.</summary>
    public void EnqueueFirst(Envelope envelope)
    {
        lock (Gate) _envelopes.EnqueueFirst(envelope);
    }
}

/// <summary>Envelopes by priority and arrival; what was put first comes before, the last one put so first. Not safe for threads.</summary>
internal sealed class PriorityEnvelopes(Func<object, int> priorityGenerator, int initialCapacity)
{
    private readonly PriorityQueue<Envelope, (int Priority, long Arrival)> _queue = new(initialCapacity);
    private readonly Stack<Envelope> _first = new();
    private long _arrivals;

    public int Count => _queue.Count + _first.Count;

    public void Enqueue(Envelope envelope) => _queue.Enqueue(envelope, (priorityGenerator(envelope.Message), _arrivals++));

    public void EnqueueFirst(Envelope envelope) => _first.Push(envelope);

    public bool TryDequeue(out Envelope envelope) => _first.TryPop(out envelope) || _queue.TryDequeue(out envelope, out _);
}
