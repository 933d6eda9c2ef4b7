using Akka.Actor.Internal;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

/// <summary>
/// An actor's run-time state: its mailbox, instance, behaviours, children and watches. Except where noted members are for the
/// thread that runs the actor's mailbox; everything else goes through messages.
/// </summary>
/// <remarks>
/// ActorCell.cs: identity, sending, behaviours. Receive: the mailbox's messages. Children, DeathWatch, FaultHandling,
/// ReceiveTimeout and Tasks: one concern each.
/// </remarks>
public partial class ActorCell : IUntypedActorContext, ICell
{
    public const int UndefinedUid = 0;

    private static readonly Props _terminatedProps = new TerminatedProps();

    private readonly ActorSystemImpl _systemImpl;
    private readonly IInternalActorRef _self;
    private readonly Stack<Receive> _behaviors = new(1);
    private Props _props;
    private ActorBase _actor;
    private Receive _behavior;
    private IActorRef _sender;
    private object _currentMessage;
    private long _nextAnonymousName;

    /// <summary>Swapped for the dead letter mailbox when the actor has ended.</summary>
    private volatile Mailbox _mailbox;

    public ActorCell(ActorSystemImpl system, IInternalActorRef self, Props props, MessageDispatcher dispatcher, IInternalActorRef parent)
    {
        _systemImpl = system;
        _self = self;
        _props = props;
        Dispatcher = dispatcher;
        Parent = parent;
    }

    public ActorSystem System => _systemImpl;

    public ActorSystemImpl SystemImpl => _systemImpl;

    public IActorRef Self => _self;

    IActorRef IActorContext.Parent => Parent;

    public IInternalActorRef Parent { get; }

    public Props Props => _props;

    public MessageDispatcher Dispatcher { get; }

    /// <summary>Any thread.</summary>
    public Mailbox Mailbox => _mailbox;

    public bool IsLocal => true;

    /// <summary>Any thread.</summary>
    public bool IsTerminated => _mailbox.IsClosed;

    public bool HasMessages => _mailbox.MessageQueue.HasMessages;

    public int NumberOfMessages => _mailbox.MessageQueue.Count;

    /// <summary>Dead letters if the message has no sender.</summary>
    public IActorRef Sender => _sender ?? _systemImpl.DeadLetters;

    /// <summary>Null while no message is handled.</summary>
    public object CurrentMessage => _currentMessage;

    /// <summary>Another number for every message, so that a stash notices the same one twice.</summary>
    public int CurrentEnvelopeId { get; private set; }

    internal ActorBase Actor => _actor;

    /// <summary>The envelope that is handled now.</summary>
    internal Envelope CurrentEnvelope => new(_currentMessage, Sender);

    /// <summary>Makes the mailbox, whose first message is the creation of the actor. Before <see cref="Start"/>, from one thread.</summary>
    public void Init(bool sendSupervise, MailboxType mailboxType)
    {
        var mailbox = Dispatcher.CreateMailbox(this, mailboxType);
        _mailbox = mailbox;
        mailbox.SetActor(this);
        mailbox.SystemEnqueue(_self, new Create());
        if (sendSupervise) Parent.SendSystemMessage(new Supervise(_self, async: false));
    }

    public virtual void Start() => Dispatcher.Attach(this);

    internal Mailbox SwapMailbox(Mailbox mailbox) => Interlocked.Exchange(ref _mailbox, mailbox);

    // Any thread.
    public virtual void SendMessage(IActorRef sender, object message)
    {
        if (_systemImpl.SerializesAllMessages) message = _systemImpl.SerializeAndDeserialize(message);
        Dispatcher.Dispatch(this, new Envelope(message, sender));
    }

    public virtual void SendMessage(Envelope message) => SendMessage(message.Sender, message.Message);

    public virtual void SendSystemMessage(ISystemMessage systemMessage) => Dispatcher.SystemDispatch(this, (SystemMessage)systemMessage);

    public void Suspend() => SendSystemMessage(new Suspend());

    public void Resume(Exception causedByFailure) => SendSystemMessage(new Resume(causedByFailure));

    public void Restart(Exception cause) => SendSystemMessage(new Recreate(cause));

    public void Stop() => SendSystemMessage(new Terminate());

    public void Become(Receive receive)
    {
        // The first behaviour stays below whatever replaces it.
        if (_behaviors.Count > 1) _behaviors.Pop();
        _behaviors.Push(receive);
        _behavior = receive;
    }

    public void BecomeStacked(Receive receive)
    {
        _behaviors.Push(receive);
        _behavior = receive;
    }

    void IUntypedActorContext.Become(UntypedReceive receive) => Become(Handling(receive));

    void IUntypedActorContext.BecomeStacked(UntypedReceive receive) => BecomeStacked(Handling(receive));

    private static Receive Handling(UntypedReceive receive) => m =>
    {
        receive(m);
        return true;
    };

    /// <summary>The last behaviour stays, whatever is asked.</summary>
    public void UnbecomeStacked()
    {
        if (_behaviors.Count > 1) _behaviors.Pop();
        _behavior = _behaviors.Peek();
    }

    public ActorSelection ActorSelection(string path) => ActorRefFactoryShared.ActorSelection(path, _systemImpl, _self);

    public ActorSelection ActorSelection(ActorPath path) => ActorRefFactoryShared.ActorSelection(path, _systemImpl);

    public static IActorRef GetCurrentSelfOrNoSender() => InternalCurrentActorCellKeeper.Current?._self ?? ActorRefs.NoSender;

    public static IActorRef GetCurrentSenderOrNoSender() =>
        InternalCurrentActorCellKeeper.Current is { Sender: { } sender } ? sender : ActorRefs.NoSender;

    /// <summary>Runs the action as if it were the actor: with its context.</summary>
    public void UseThreadContext(Action action)
    {
        var before = InternalCurrentActorCellKeeper.Current;
        InternalCurrentActorCellKeeper.Current = this;
        try
        {
            action();
        }
        finally
        {
            InternalCurrentActorCellKeeper.Current = before;
        }
    }

    private void Publish(LogEvent log)
    {
        _systemImpl.EventStream.Publish(log);
    }

    private Type LogClass => _actor?.GetType() ?? typeof(ActorCell);

    private void PublishDebug(bool enabled, string message)
    {
        if (enabled) Publish(new Debug(_self.Path.ToString(), LogClass, message));
    }
}
