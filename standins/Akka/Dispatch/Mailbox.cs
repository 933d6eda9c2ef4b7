using System.Diagnostics;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Dispatch.MessageQueues;
using Akka.Dispatch.SysMsg;

namespace Akka.Dispatch;

/// <summary>
/// One actor's messages and its turn on a thread. Any thread adds messages; one thread at a time, the one whose run was
/// scheduled, takes them. No locks: a status word and two queues.
/// </summary>
public class Mailbox : IRunnable
{
    // The status: closed | scheduled | number of suspensions in the upper bits.
    private const int Closed = 1;
    private const int Scheduled = 2;
    private const int OneSuspension = 4;

    /// <summary>Ends the queue of system messages for good.</summary>
    private static readonly SystemMessage _noMore = new NoMessage();

    private readonly UnboundedMessageQueue _unbounded;
    private ActorCell _actor;
    private int _status;

    /// <summary>The newest system message; each one links to the one before it.</summary>
    private SystemMessage _newestSystemMessage;

    public Mailbox(IMessageQueue messageQueue)
    {
        MessageQueue = messageQueue;
        // The usual queue is called directly, without the interface.
        _unbounded = messageQueue as UnboundedMessageQueue;
    }

    public IMessageQueue MessageQueue { get; }

    public MessageDispatcher Dispatcher => _actor.Dispatcher;

    internal ActorCell Actor => _actor;

    internal bool IsClosed => (Volatile.Read(ref _status) & Closed) != 0;

    internal bool IsSuspended => Volatile.Read(ref _status) >= OneSuspension;

    internal bool IsScheduled => (Volatile.Read(ref _status) & Scheduled) != 0;

    private bool MayProcess => (Volatile.Read(ref _status) & ~Scheduled) == 0;

    internal bool HasSystemMessages => Volatile.Read(ref _newestSystemMessage) is { } newest && !ReferenceEquals(newest, _noMore);

    internal bool HasMessages => _unbounded?.HasMessages ?? MessageQueue.HasMessages;

    public virtual void SetActor(ActorCell actorCell) => _actor = actorCell;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enqueue(IActorRef receiver, Envelope envelope)
    {
        if (_unbounded != null)
        {
            // Has a full fence, so that the status is read after the message can be seen: whoever clears 'scheduled' sees it then.
            _unbounded.Enqueue(receiver, envelope);
            return;
        }
        MessageQueue.Enqueue(receiver, envelope);
        Interlocked.MemoryBarrier();
    }

    internal virtual void SystemEnqueue(IActorRef receiver, SystemMessage message)
    {
        var spin = new SpinWait();
        while (true)
        {
            var newest = Volatile.Read(ref _newestSystemMessage);
            if (ReferenceEquals(newest, _noMore))
            {
                _actor.SystemImpl.Mailboxes.DeadLetterMailbox.SystemEnqueue(receiver, message);
                return;
            }
            message.Next = newest;
            if (ReferenceEquals(Interlocked.CompareExchange(ref _newestSystemMessage, message, newest), newest)) return;
            spin.SpinOnce();
        }
    }

    /// <summary>Takes the right to run, if there is something to run for and nobody else has it.</summary>
    internal bool TrySchedule(bool hasMessages, bool hasSystemMessages)
    {
        while (true)
        {
            var status = Volatile.Read(ref _status);
            if ((status & (Closed | Scheduled)) != 0) return false;
            var suspended = status >= OneSuspension;
            if (!hasSystemMessages && !(hasMessages && !suspended) && !HasSystemMessages && (suspended || !HasMessages)) return false;
            if (Interlocked.CompareExchange(ref _status, status | Scheduled, status) == status) return true;
        }
    }

    private void SetIdle() => Interlocked.And(ref _status, ~Scheduled);

    internal void Suspend()
    {
        if (!IsClosed) Interlocked.Add(ref _status, OneSuspension);
    }

    /// <summary>Takes one suspension back; true if it was the last one.</summary>
    internal bool Resume()
    {
        while (true)
        {
            var status = Volatile.Read(ref _status);
            if ((status & Closed) != 0) return false;
            if (status < OneSuspension) return true;
            if (Interlocked.CompareExchange(ref _status, status - OneSuspension, status) == status)
                return status - OneSuspension < OneSuspension;
        }
    }

    internal void BecomeClosed() => Interlocked.Or(ref _status, Closed);

    public void Execute() => Run();

    /// <summary>One turn: all system messages, and user messages up to the dispatcher's throughput.</summary>
    public void Run()
    {
        var before = InternalCurrentActorCellKeeper.Current;
        try
        {
            if (!IsClosed)
            {
                InternalCurrentActorCellKeeper.Current = _actor;
                ProcessSystemMessages();
                ProcessMessages();
            }
        }
        finally
        {
            InternalCurrentActorCellKeeper.Current = before;
            SetIdle();
            Dispatcher.RegisterForExecution(this, false, false);
        }
    }

    private void ProcessMessages()
    {
        var dispatcher = Dispatcher;
        var left = Math.Max(dispatcher.Throughput, 1);
        var deadline = dispatcher.ThroughputDeadlineTime is { } ticks
            ? Stopwatch.GetTimestamp() + (long)(ticks * ((double)Stopwatch.Frequency / TimeSpan.TicksPerSecond))
            : 0;
        while (MayProcess && TryDequeue(out var envelope))
        {
            _actor.Invoke(envelope);
            if (HasSystemMessages) ProcessSystemMessages();
            // One message more than the throughput setting says, as recorded of the real library.
            if (--left < 0) return;
            if (deadline > 0 && Stopwatch.GetTimestamp() >= deadline) return;
        }
    }

    private bool TryDequeue(out Envelope envelope) =>
        _unbounded != null ? _unbounded.TryDequeue(out envelope) : MessageQueue.TryDequeue(out envelope);

    private void ProcessSystemMessages()
    {
        for (var message = TakeSystemMessages(null); message != null; message ??= TakeSystemMessages(null))
        {
            var next = message.Next;
            message.Unlink();
            _actor.SystemInvoke(message);
            message = next;
            if (!IsClosed) continue;
            PassToDeadLetters(message);
            return;
        }
    }

    /// <summary>Takes the system messages that are there, oldest first.</summary>
    private SystemMessage TakeSystemMessages(SystemMessage replacement)
    {
        if (replacement == null && !HasSystemMessages) return null;
        var newest = Interlocked.Exchange(ref _newestSystemMessage, replacement);
        if (ReferenceEquals(newest, _noMore)) return null;
        SystemMessage oldest = null;
        while (newest != null)
        {
            var next = newest.Next;
            newest.Next = oldest;
            oldest = newest;
            newest = next;
        }
        return oldest;
    }

    private void PassToDeadLetters(SystemMessage message)
    {
        var deadLetters = _actor.SystemImpl.Mailboxes.DeadLetterMailbox;
        while (message != null)
        {
            var next = message.Next;
            message.Unlink();
            deadLetters.SystemEnqueue(_actor.Self, message);
            message = next;
        }
    }

    /// <summary>For a sender that found the mailbox just before it was closed, and whose message came after the clean-up.</summary>
    internal void PassOnLateMessages()
    {
        // Other queues' clean-up is not for several threads.
        var queue = _unbounded ?? (MessageQueue as DequeWrapperMessageQueue)?.Unbounded;
        if (_actor != null) queue?.CleanUp(_actor.Self, _actor.SystemImpl.Mailboxes.DeadLetterMailbox.MessageQueue);
    }

    /// <summary>After the mailbox has been closed: what is left goes to the dead letters.</summary>
    public virtual void CleanUp()
    {
        // The dead letters' own mailbox belongs to no actor.
        if (_actor == null) return;
        PassToDeadLetters(TakeSystemMessages(_noMore));
        MessageQueue?.CleanUp(_actor.Self, _actor.SystemImpl.Mailboxes.DeadLetterMailbox.MessageQueue);
    }
}
