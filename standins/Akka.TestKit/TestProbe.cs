using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Util;

namespace Akka.TestKit;

/// <summary>An actor reference with a queue of its own: as many as a test needs. It is never the implicit sender.</summary>
public class TestProbe : TestKitBase, INoImplicitSender, IInternalActorRef
{
    public TestProbe(ActorSystem system, ITestKitAssertions assertions, string testProbeName = null)
        : base(assertions, system, testProbeName)
    {
    }

    public IActorRef Ref => TestActor;

    /// <summary>Who sent the message that the test took last.</summary>
    public IActorRef Sender => LastSender;

    ActorPath IActorRef.Path => TestActor.Path;

    bool IActorRefScope.IsLocal => Cell.IsLocal;

    IInternalActorRef IInternalActorRef.Parent => Cell.Parent;

    IActorRefProvider IInternalActorRef.Provider => Cell.Provider;

    bool IInternalActorRef.IsTerminated => Cell.IsTerminated;

    private IInternalActorRef Cell => (IInternalActorRef)TestActor;

    /// <summary>Sends with the probe as sender.</summary>
    public void Send(IActorRef actor, object message) => actor.Tell(message, TestActor);

    public void Reply(object message) => Sender.Tell(message, TestActor);

    /// <summary>Sends the last message on, from its sender.</summary>
    public void Forward(IActorRef actor) => actor.Tell(LastMessage, Sender);

    public void Forward(IActorRef actor, object message) => actor.Tell(message, Sender);

    public void SendSystemMessage(ISystemMessage message) => Cell.SendSystemMessage(message);

    public int CompareTo(object obj) => TestActor.CompareTo(obj);

    public override bool Equals(object obj) => TestActor.Equals(obj);

    public override int GetHashCode() => TestActor.GetHashCode();

    public override string ToString() => TestActor.ToString();

    void ICanTell.Tell(object message, IActorRef sender) => TestActor.Tell(message, sender);

    bool IEquatable<IActorRef>.Equals(IActorRef other) => TestActor.Equals(other);

    int IComparable<IActorRef>.CompareTo(IActorRef other) => TestActor.CompareTo(other);

    ISurrogate ISurrogated.ToSurrogate(ActorSystem system) => TestActor.ToSurrogate(system);

    IActorRef IInternalActorRef.GetChild(IReadOnlyList<string> name) => Cell.GetChild(name);

    void IInternalActorRef.Resume(Exception causedByFailure) => Cell.Resume(causedByFailure);

    void IInternalActorRef.Start() => Cell.Start();

    void IInternalActorRef.Stop() => Cell.Stop();

    void IInternalActorRef.Restart(Exception cause) => Cell.Restart(cause);

    void IInternalActorRef.Suspend() => Cell.Suspend();
}
