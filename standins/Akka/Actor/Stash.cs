using Akka.Actor.Internal;
using Akka.Dispatch;

namespace Akka.Actor
{
    /// <summary>Puts messages aside for later. Only for the actor itself.</summary>
    public interface IStash
    {
        int Count { get; }

        bool IsEmpty { get; }

        bool NonEmpty { get; }

        bool IsFull { get; }

        /// <summary>-1 for no limit.</summary>
        int Capacity { get; }

        /// <summary>Puts the message that is being handled aside.</summary>
        /// <exception cref="IllegalActorStateException">It has been put aside already.</exception>
        /// <exception cref="StashOverflowException">The stash is full.</exception>
        void Stash();

        /// <summary>Puts the oldest message in front of the mailbox.</summary>
        void Unstash();

        /// <summary>Puts all messages, in their order, in front of the mailbox.</summary>
        void UnstashAll();

        /// <summary>The same for the messages that fit; the others are forgotten.</summary>
        void UnstashAll(Func<Envelope, bool> predicate);

        /// <summary>Empties the stash and answers what was in it.</summary>
        IEnumerable<Envelope> ClearStash();

        /// <summary>Puts messages before those that are there.</summary>
        void Prepend(IEnumerable<Envelope> envelopes);
    }

    public interface IActorStash
    {
        IStash Stash { get; set; }
    }

    /// <summary>Whatever the mailbox is; it has to have two ends for unstashing to work.</summary>
    public interface IWithUnrestrictedStash : IActorStash
    {
    }

    /// <summary>Limited by the mailbox's or the dispatcher's stash-capacity.</summary>
    public interface IWithStash : IWithUnrestrictedStash, IRequiresMessageQueue<IDequeBasedMessageQueueSemantics>
    {
    }

    public interface IWithUnboundedStash : IWithUnrestrictedStash, IRequiresMessageQueue<IUnboundedDequeBasedMessageQueueSemantics>
    {
    }

    public interface IWithBoundedStash : IWithUnrestrictedStash, IRequiresMessageQueue<IBoundedDequeBasedMessageQueueSemantics>
    {
    }

    public static class StashFactory
    {
        public static IStash CreateStash<T>(this IActorContext context) where T : ActorBase => CreateStash(context, typeof(T));

        public static IStash CreateStash(this IActorContext context, IActorStash actorInstance) =>
            CreateStash(context, actorInstance.GetType());

        /// <exception cref="ArgumentException">The actor class has no stash.</exception>
        public static IStash CreateStash(this IActorContext context, Type actorType)
        {
            if (typeof(IWithUnboundedStash).IsAssignableFrom(actorType)) return new UnboundedStashImpl(context);
            if (typeof(IActorStash).IsAssignableFrom(actorType)) return new BoundedStashImpl(context);
            throw new ArgumentException(
                $"Actor {actorType} implements an unrecognized subclass of IActorStash - cannot instantiate", nameof(actorType));
        }
    }
}

namespace Akka.Actor.Internal
{
    public abstract class AbstractStash : IStash
    {
        private readonly LinkedList<Envelope> _stash = [];
        private readonly ActorCell _cell;
        private int _lastStashedId = -1;

        /// <exception cref="NotSupportedException">The actor's mailbox has only one end.</exception>
        protected AbstractStash(IActorContext context)
        {
            _cell = (ActorCell)context;
            if (_cell.Mailbox.MessageQueue is not IDequeBasedMessageQueueSemantics)
                throw new NotSupportedException(
                    $"A deque-based mailbox is required, got: {_cell.Mailbox.MessageQueue.GetType().Name} for actor {_cell.Self}. "
                        + $"Configure one that implements {nameof(IDequeBasedMessageQueueSemantics)}");
            Capacity = CapacityOf(_cell);
        }

        private static int CapacityOf(ActorCell cell) => cell.Props.Deploy.StashCapacity != Deploy.NoStashSize
            ? cell.Props.Deploy.StashCapacity
            : cell.System.Mailboxes.StashCapacity(cell.Props.Dispatcher, cell.Props.Mailbox);

        public virtual int Capacity { get; }

        public int Count => _stash.Count;

        public bool IsEmpty => _stash.Count == 0;

        public bool NonEmpty => !IsEmpty;

        public bool IsFull => Capacity >= 0 && _stash.Count >= Capacity;

        public void Stash()
        {
            if (_cell.CurrentEnvelopeId == _lastStashedId)
                throw new IllegalActorStateException($"Can't stash the same message {_cell.CurrentMessage} more than once");
            if (IsFull)
                throw new StashOverflowException(
                    $"Couldn't enqueue message {_cell.CurrentMessage} from {_cell.Sender} to stash of {_cell.Self}: "
                        + $"it holds {Capacity} messages already");
            _lastStashedId = _cell.CurrentEnvelopeId;
            _stash.AddLast(_cell.CurrentEnvelope);
        }

        public void Unstash()
        {
            if (_stash.First is not { } first) return;
            _stash.RemoveFirst();
            EnqueueFirst(first.Value);
        }

        public void UnstashAll() => UnstashAll(_ => true);

        public void UnstashAll(Func<Envelope, bool> filterPredicate)
        {
            // From the back, as each one goes to the very front.
            for (var node = _stash.Last; node != null; node = node.Previous)
                if (filterPredicate(node.Value)) EnqueueFirst(node.Value);
            _stash.Clear();
        }

        private void EnqueueFirst(Envelope envelope)
        {
            ((IDequeBasedMessageQueueSemantics)_cell.Mailbox.MessageQueue).EnqueueFirst(envelope);
            // It was taken out of the list of those that are awaited when it came up the first time.
            if (envelope.Message is Terminated terminated) _cell.TerminatedQueuedFor(terminated.ActorRef);
        }

        public IEnumerable<Envelope> ClearStash()
        {
            var stashed = _stash.ToArray();
            _stash.Clear();
            return stashed;
        }

        public void Prepend(IEnumerable<Envelope> envelopes)
        {
            foreach (var envelope in envelopes.Reverse())
            {
                if (IsFull)
                    throw new StashOverflowException(
                        $"Couldn't prepend message {envelope.Message} to stash of {_cell.Self}: it holds {Capacity} messages already");
                _stash.AddFirst(envelope);
            }
        }
    }

    public class UnboundedStashImpl : AbstractStash
    {
        public UnboundedStashImpl(IActorContext context) : base(context)
        {
        }

        public override int Capacity => Deploy.NoStashSize;
    }

    public class BoundedStashImpl : AbstractStash
    {
        public BoundedStashImpl(IActorContext context) : base(context)
        {
        }
    }
}
