using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Dispatch
{
    /// <summary>What a message queue promises; actors ask for it with <see cref="IRequiresMessageQueue{T}"/>.</summary>
    public interface ISemantics
    {
    }

    public interface IUnboundedMessageQueueSemantics : ISemantics
    {
    }

    public interface IBoundedMessageQueueSemantics : ISemantics
    {
        /// <summary>How long a sender waits for room before its message becomes a dead letter.</summary>
        TimeSpan PushTimeOut { get; }
    }

    public interface IDequeBasedMessageQueueSemantics : ISemantics
    {
        void EnqueueFirst(Envelope envelope);
    }

    public interface IUnboundedDequeBasedMessageQueueSemantics : IDequeBasedMessageQueueSemantics, IUnboundedMessageQueueSemantics
    {
    }

    public interface IBoundedDequeBasedMessageQueueSemantics : IDequeBasedMessageQueueSemantics, IBoundedMessageQueueSemantics
    {
    }

    public interface IMultipleConsumerSemantics : ISemantics
    {
    }

    public interface IBlockingMessageQueueSemantics : IMultipleConsumerSemantics
    {
        TimeSpan BlockTimeOut { get; set; }
    }

    public interface IRequiresMessageQueue<T> where T : ISemantics
    {
    }
}

namespace Akka.Dispatch.MessageQueues
{
    /// <summary>The messages of one mailbox: any thread adds, one at a time takes.</summary>
    public interface IMessageQueue
    {
        bool HasMessages { get; }

        int Count { get; }

        void Enqueue(IActorRef receiver, Envelope envelope);

        bool TryDequeue(out Envelope envelope);

        /// <summary>The owner has ended: what is left goes to the dead letters.</summary>
        void CleanUp(IActorRef owner, IMessageQueue deadletters);
    }

    /// <summary>First in, first out, without lock.</summary>
    public class UnboundedMessageQueue : IMessageQueue, IUnboundedMessageQueueSemantics
    {
        private readonly ConcurrentQueue<Envelope> _queue = new();

        public bool HasMessages => !_queue.IsEmpty;

        public int Count => _queue.Count;

        public void Enqueue(IActorRef receiver, Envelope envelope) => _queue.Enqueue(envelope);

        public bool TryDequeue(out Envelope envelope) => _queue.TryDequeue(out envelope);

        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            while (TryDequeue(out var envelope)) deadletters.Enqueue(owner, envelope);
        }
    }

    /// <summary>A sender waits for room for up to the push timeout; then its message becomes a dead letter.</summary>
    public class BoundedMessageQueue : IMessageQueue, IBoundedMessageQueueSemantics
    {
        private readonly BlockingCollection<Envelope> _queue;

        public BoundedMessageQueue(Config config)
            : this(config.GetInt("mailbox-capacity", 0), config.GetTimeSpan("mailbox-push-timeout-time"))
        {
        }

        public BoundedMessageQueue(int boundedCapacity, TimeSpan pushTimeOut)
        {
            if (boundedCapacity <= 0)
                throw new ArgumentException("The capacity of a bounded mailbox must be positive", nameof(boundedCapacity));
            PushTimeOut = pushTimeOut;
            _queue = new BlockingCollection<Envelope>(boundedCapacity);
        }

        public TimeSpan PushTimeOut { get; set; }

        public bool HasMessages => _queue.Count > 0;

        public int Count => _queue.Count;

        public void Enqueue(IActorRef receiver, Envelope envelope)
        {
            if (PushTimeOut < TimeSpan.Zero) _queue.Add(envelope);
            else if (!_queue.TryAdd(envelope, PushTimeOut))
                ((IInternalActorRef)receiver).Provider.DeadLetters.Tell(
                    new DeadLetter(envelope.Message, envelope.Sender ?? ((IInternalActorRef)receiver).Provider.DeadLetters, receiver),
                    envelope.Sender);
        }

        public bool TryDequeue(out Envelope envelope) => _queue.TryTake(out envelope);

        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            while (TryDequeue(out var envelope)) deadletters.Enqueue(owner, envelope);
        }
    }

    /// <summary>
    /// Puts a stack before a queue, for messages that come back from a stash. Only the actor itself puts messages in front.
    /// </summary>
    public class DequeWrapperMessageQueue : IMessageQueue, IDequeBasedMessageQueueSemantics
    {
        protected readonly IMessageQueue MessageQueue;

        private readonly Stack<Envelope> _front = new();

        // Others ask for the count while the actor changes the stack.
        private volatile int _frontCount;

        public DequeWrapperMessageQueue(IMessageQueue messageQueue) => MessageQueue = messageQueue;

        /// <summary>What others put messages in, if any thread may take them out.</summary>
        internal UnboundedMessageQueue Unbounded => MessageQueue as UnboundedMessageQueue;

        public bool HasMessages => _frontCount > 0 || MessageQueue.HasMessages;

        public int Count => _frontCount + MessageQueue.Count;

        public void Enqueue(IActorRef receiver, Envelope envelope) => MessageQueue.Enqueue(receiver, envelope);

        public void EnqueueFirst(Envelope envelope)
        {
            _front.Push(envelope);
            _frontCount = _front.Count;
        }

        public bool TryDequeue(out Envelope envelope)
        {
            if (!_front.TryPop(out envelope)) return MessageQueue.TryDequeue(out envelope);
            _frontCount = _front.Count;
            return true;
        }

        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            while (TryDequeue(out var envelope)) deadletters.Enqueue(owner, envelope);
        }
    }

    public class UnboundedDequeMessageQueue : DequeWrapperMessageQueue, IUnboundedDequeBasedMessageQueueSemantics
    {
        public UnboundedDequeMessageQueue() : base(new UnboundedMessageQueue())
        {
        }
    }

    public class BoundedDequeMessageQueue : DequeWrapperMessageQueue, IBoundedDequeBasedMessageQueueSemantics
    {
        public BoundedDequeMessageQueue(int boundedCapacity, TimeSpan pushTimeOut)
            : base(new BoundedMessageQueue(boundedCapacity, pushTimeOut)) => PushTimeOut = pushTimeOut;

        public TimeSpan PushTimeOut { get; }
    }
}
