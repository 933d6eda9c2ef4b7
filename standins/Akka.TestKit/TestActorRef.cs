using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Util;

namespace Akka.TestKit;

/// <summary>
/// A reference to an actor that runs on the thread which sends to it, so that a message is handled when Tell returns, and
/// whose instance a test may look at.
/// </summary>
public abstract class TestActorRefBase<TActor> : IInternalActorRef where TActor : ActorBase
{
    private readonly ActorRefWithCell _ref;

    protected TestActorRefBase(ActorSystem system, Props actorProps, IActorRef supervisor = null, string name = null)
    {
        var props = actorProps.WithDispatcher(CallingThreadDispatcher.Id);
        var parent = (ActorRefWithCell)(supervisor as TestProbe)?.Ref ?? (ActorRefWithCell)supervisor
            ?? ((ExtendedActorSystem)system).Provider.Guardian;
        _ref = (ActorRefWithCell)((ActorCell)parent.Underlying).AttachChild(props, false, name);
    }

    public ActorPath Path => _ref.Path;

    public IActorRef Ref => _ref;

    /// <summary>The instance; another one after a restart.</summary>
    public TActor UnderlyingActor => (TActor)Cell.Actor;

    bool IActorRefScope.IsLocal => _ref.IsLocal;

    IInternalActorRef IInternalActorRef.Parent => _ref.Parent;

    IActorRefProvider IInternalActorRef.Provider => _ref.Provider;

    bool IInternalActorRef.IsTerminated => _ref.IsTerminated;

    private ActorCell Cell => (ActorCell)_ref.Underlying;

    /// <summary>Runs the behaviour for the message; an exception comes out here and not at the supervisor.</summary>
    public void Receive(object message, IActorRef sender = null) =>
        Cell.ReceiveMessageForTest(new Envelope(message, sender ?? Cell.System.DeadLetters));

    public void Tell(object message, IActorRef sender) => _ref.Tell(message, sender);

    public void Tell(object message) => _ref.Tell(message);

    public void Forward(object message) => _ref.Forward(message);

    public void Watch(IActorRef subject) => Cell.Watch(subject);

    public void Unwatch(IActorRef subject) => Cell.Unwatch(subject);

    public void SendSystemMessage(ISystemMessage message) => _ref.SendSystemMessage(message);

    public int CompareTo(object obj) => _ref.CompareTo(obj);

    public override bool Equals(object obj) => _ref.Equals(obj);

    public override int GetHashCode() => _ref.GetHashCode();

    public override string ToString() => _ref.ToString();

    bool IEquatable<IActorRef>.Equals(IActorRef other) => _ref.Equals(other);

    int IComparable<IActorRef>.CompareTo(IActorRef other) => _ref.CompareTo(other);

    ISurrogate ISurrogated.ToSurrogate(ActorSystem system) => _ref.ToSurrogate(system);

    IActorRef IInternalActorRef.GetChild(IReadOnlyList<string> name) => _ref.GetChild(name);

    void IInternalActorRef.Resume(Exception causedByFailure) => _ref.Resume(causedByFailure);

    void IInternalActorRef.Start() => _ref.Start();

    void IInternalActorRef.Stop() => _ref.Stop();

    void IInternalActorRef.Restart(Exception cause) => _ref.Restart(cause);

    void IInternalActorRef.Suspend() => _ref.Suspend();
}

public class TestActorRef<TActor>(ActorSystem system, Props actorProps, IActorRef supervisor = null, string name = null)
    : TestActorRefBase<TActor>(system, actorProps, supervisor, name) where TActor : ActorBase;
