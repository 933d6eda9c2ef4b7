using Akka.Actor.Internal;

namespace Akka.Actor;

/// <summary>Makes and finds the references of a system; remoting and clustering put another one in its place.</summary>
public interface IActorRefProvider
{
    IInternalActorRef RootGuardian { get; }

    LocalActorRef Guardian { get; }

    LocalActorRef SystemGuardian { get; }

    IActorRef DeadLetters { get; }

    IActorRef IgnoreRef { get; }

    IInternalActorRef TempContainer { get; }

    ActorPath RootPath { get; }

    Settings Settings { get; }

    Deployer Deployer { get; }

    /// <summary>The address under which others reach this system.</summary>
    Address DefaultAddress { get; }

    Serialization.Information SerializationInformation { get; }

    /// <summary>Completes once all actors have ended.</summary>
    Task TerminationTask { get; }

    void Init(ActorSystemImpl system);

    /// <summary>The root of the hierarchy at an address; dead letters if the address cannot be reached from here.</summary>
    IActorRef RootGuardianAt(Address address);

    /// <summary>A reference that stands for nobody if there is no such actor here.</summary>
    IActorRef ResolveActorRef(string path);

    IActorRef ResolveActorRef(ActorPath actorPath);

    /// <summary>Makes, but does not start, an actor.</summary>
    /// <param name="deploy">Counts if deployment configuration is not looked up.</param>
    /// <param name="async">Whether the creation may be finished later; cells are made at once here in any case.</param>
    IInternalActorRef ActorOf(
        ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path, bool systemService, Deploy deploy,
        bool lookupDeploy, bool async);

    /// <summary>A name below /temp that nobody has had.</summary>
    ActorPath TempPath();

    void RegisterTempActor(IInternalActorRef actorRef, ActorPath path);

    void UnregisterTempActor(ActorPath path);

    FutureActorRef<T> CreateFutureRef<T>(TaskCompletionSource<T> tcs);

    /// <summary>The address that somebody at the given address uses to reach this system; null if there is none.</summary>
    Address GetExternalAddressFor(Address address);
}
