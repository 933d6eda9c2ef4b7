using System.Diagnostics;
using Akka.Actor.Internal;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Actor;

/// <summary>A hierarchy of actors with everything that they share. Heavy: one per application, or one per node of a test.</summary>
public abstract class ActorSystem : IActorRefFactory, IDisposable
{
    private readonly long _startTimestamp = Stopwatch.GetTimestamp();

    private bool _isDisposed;

    public abstract string Name { get; }

    public abstract Settings Settings { get; }

    public abstract Serialization.Serialization Serialization { get; }

    public abstract EventStream EventStream { get; }

    public abstract IActorRef DeadLetters { get; }

    /// <summary>For replies that nobody wants.</summary>
    public abstract IActorRef IgnoreRef { get; }

    public abstract Dispatchers Dispatchers { get; }

    public abstract Mailboxes Mailboxes { get; }

    public abstract IScheduler Scheduler { get; }

    public abstract ILoggingAdapter Log { get; }

    /// <summary>Of the monotonic clock.</summary>
    public TimeSpan StartTime => TimeSpan.FromTicks((long)(_startTimestamp * ((double)TimeSpan.TicksPerSecond / Stopwatch.Frequency)));

    public TimeSpan Uptime => Stopwatch.GetElapsedTime(_startTimestamp);

    /// <summary>Completes once all actors have ended.</summary>
    public abstract Task WhenTerminated { get; }

    public static ActorSystem Create(string name) => Create(name, ConfigurationFactory.Load());

    public static ActorSystem Create(string name, Config config) => Start(name, config, ActorSystemSetup.Empty);

    public static ActorSystem Create(string name, BootstrapSetup setup) => Create(name, ActorSystemSetup.Create(setup));

    /// <exception cref="ArgumentException">
    /// The name is not made of ASCII letters, digits and, behind the first character, hyphens.
    /// </exception>
    public static ActorSystem Create(string name, ActorSystemSetup setup)
    {
        var bootstrap = setup.Get<BootstrapSetup>();
        var config = bootstrap.HasValue && bootstrap.Value.Config.HasValue ? bootstrap.Value.Config.Value : ConfigurationFactory.Load();
        return Start(name, config, setup);
    }

    private static ActorSystemImpl Start(string name, Config config, ActorSystemSetup setup)
    {
        var system = new ActorSystemImpl(name, config, setup);
        system.Start();
        return system;
    }

    public abstract IActorRef ActorOf(Props props, string name = null);

    public abstract ActorSelection ActorSelection(ActorPath actorPath);

    public abstract ActorSelection ActorSelection(string actorPath);

    /// <summary>Stops an actor of any place in the hierarchy, without waiting for its end.</summary>
    public abstract void Stop(IActorRef actor);

    /// <summary>Runs the coordinated shutdown (unless configured otherwise), which ends all actors.</summary>
    public abstract Task Terminate();

    /// <summary>Has code run once all actors have ended; what was registered last runs first.</summary>
    /// <exception cref="InvalidOperationException">The system has ended.</exception>
    public abstract void RegisterOnTermination(Action code);

    public abstract object RegisterExtension(IExtensionId extension);

    /// <summary>The extension; null if it is not registered.</summary>
    public abstract object GetExtension(IExtensionId extensionId);

    public abstract T GetExtension<T>() where T : class, IExtension;

    public abstract bool HasExtension(Type type);

    public abstract bool HasExtension<T>() where T : class, IExtension;

    public abstract bool TryGetExtension(Type extensionType, out object extension);

    public abstract bool TryGetExtension<T>(out T extension) where T : class, IExtension;

    /// <summary>Terminates the system without waiting.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _ = Terminate();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The parts of a system that are for extensions and modules.</summary>
public abstract class ExtendedActorSystem : ActorSystem
{
    public abstract IActorRefProvider Provider { get; }

    public abstract IInternalActorRef Guardian { get; }

    public abstract IInternalActorRef SystemGuardian { get; }

    /// <summary>Where relative paths of selections begin.</summary>
    public abstract IInternalActorRef LookupRoot { get; }

    /// <summary>Makes an actor below /system.</summary>
    public abstract IActorRef SystemActorOf(Props props, string name = null);

    public abstract IActorRef SystemActorOf<TActor>(string name = null) where TActor : ActorBase, new();

    /// <summary>Ends all actors without coordinated shutdown.</summary>
    public abstract void Abort();

    /// <summary>The hierarchy as text, for finding out what goes on.</summary>
    public abstract string PrintTree();
}
