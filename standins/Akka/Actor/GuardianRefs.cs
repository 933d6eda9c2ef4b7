using Akka.Actor.Internal;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

/// <summary>The reference to the root of the hierarchy. Knows /temp and /deadLetters, and further names that a provider adds.</summary>
public class RootGuardianActorRef : LocalActorRef
{
    private readonly IInternalActorRef _deadLetters;
    private readonly IReadOnlyDictionary<string, IInternalActorRef> _extraNames;
    private IInternalActorRef _tempContainer;

    public RootGuardianActorRef(
        ActorSystemImpl system, Props props, MessageDispatcher dispatcher, MailboxType mailboxType, IInternalActorRef supervisor,
        ActorPath path, IInternalActorRef deadLetters, IReadOnlyDictionary<string, IInternalActorRef> extraNames)
        : base(system, props, dispatcher, mailboxType, supervisor, path)
    {
        _deadLetters = deadLetters;
        _extraNames = extraNames;
    }

    public override IInternalActorRef Parent => this;

    public void SetTempContainer(IInternalActorRef tempContainer) => _tempContainer = tempContainer;

    public override IInternalActorRef GetSingleChild(string name) => name switch
    {
        "temp" => _tempContainer,
        "deadLetters" => _deadLetters,
        _ => _extraNames.TryGetValue(name, out var extra) ? extra : base.GetSingleChild(name)
    };
}

/// <summary>Supervises the root guardian: the end of the line for failures, and the one that notices the end of the hierarchy.</summary>
public class RootGuardianSupervisor : MinimalActorRef
{
    private readonly ILoggingAdapter _log;
    private readonly TaskCompletionSource<Status> _terminationPromise;
    private readonly ActorPath _path;

    public RootGuardianSupervisor(
        RootActorPath root, IActorRefProvider provider, TaskCompletionSource<Status> terminationPromise, ILoggingAdapter log)
    {
        _log = log;
        _terminationPromise = terminationPromise;
        Provider = provider;
        _path = root / "_Root-guardian-supervisor";
    }

    public override ActorPath Path => _path;

    public override IActorRefProvider Provider { get; }

    /// <summary>The failure that ended the system, if it ended by one.</summary>
    public Exception CauseOfTermination { get; private set; }

    public override void SendSystemMessage(ISystemMessage systemMessage)
    {
        switch (systemMessage)
        {
            case Failed failed:
                _log.Error(failed.Cause, "guardian {0} failed, shutting down!", failed.Child);
                CauseOfTermination = failed.Cause;
                ((IInternalActorRef)failed.Child).Stop();
                break;
            case Supervise:
                break;
            case DeathWatchNotification:
                Stop();
                break;
            default:
                _log.Error("{0} received unexpected system message [{1}]", this, systemMessage);
                break;
        }
    }

    public override void Stop()
    {
        Status status = CauseOfTermination == null ? Status.Success.Instance : new Status.Failure(CauseOfTermination);
        _terminationPromise.TrySetResult(status);
    }

    protected override void TellInternal(object message, IActorRef sender) =>
        _log.Error("{0} received unexpected message [{1}]", this, message);
}
