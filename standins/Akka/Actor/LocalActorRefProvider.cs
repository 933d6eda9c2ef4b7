using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Routing;
using Akka.Serialization;

namespace Akka.Actor;

/// <summary>The provider of a system that no other one reaches, and the local part of the others.</summary>
public sealed class LocalActorRefProvider : IActorRefProvider
{
    private readonly RootActorPath _rootPath;
    private readonly ActorPath _tempPath;
    private readonly TaskCompletionSource<Status> _termination = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, IInternalActorRef> _extraNames = new(StringComparer.Ordinal);
    private ActorSystemImpl _system;
    private VirtualPathContainer _tempContainer;
    private RootGuardianActorRef _rootGuardian;
    private long _tempNumber;
    private Information _serializationInformation;

    public LocalActorRefProvider(string systemName, Settings settings, EventStream eventStream)
        : this(systemName, settings, eventStream, null, null)
    {
    }

    public LocalActorRefProvider(
        string systemName, Settings settings, EventStream eventStream, Deployer deployer,
        Func<ActorPath, IInternalActorRef> deadLettersFactory)
    {
        Settings = settings;
        EventStream = eventStream;
        Deployer = deployer ?? new Deployer(settings);
        _rootPath = new RootActorPath(new Address("akka", systemName));
        _tempPath = _rootPath / "temp";
        Log = Logging.GetLogger(eventStream, "LocalActorRefProvider(" + _rootPath.Address + ")");
        DeadLetters = deadLettersFactory?.Invoke(_rootPath / "deadLetters")
            ?? new DeadLetterActorRef(this, _rootPath / "deadLetters", eventStream);
        IgnoreRef = new IgnoreActorRef(this);
    }

    public IActorRef DeadLetters { get; }

    public IActorRef IgnoreRef { get; }

    public Deployer Deployer { get; }

    public Settings Settings { get; }

    public EventStream EventStream { get; }

    public ILoggingAdapter Log { get; private set; }

    public IInternalActorRef RootGuardian => _rootGuardian;

    public LocalActorRef Guardian { get; private set; }

    public LocalActorRef SystemGuardian { get; private set; }

    public IInternalActorRef TempContainer => _tempContainer;

    public ActorPath RootPath => _rootPath;

    public Address DefaultAddress => _rootPath.Address;

    public Information SerializationInformation => _serializationInformation ??= new Information(DefaultAddress, _system);

    public Task TerminationTask => _termination.Task;

    internal Task<Status> TerminationStatus => _termination.Task;

    private MessageDispatcher SystemDispatcher => _system.Dispatchers.InternalDispatcher;

    public void Init(ActorSystemImpl system)
    {
        _system = system;
        var strategy = SupervisorStrategyConfigurator.CreateConfigurator(Settings.SupervisorStrategyClass).Create();
        var supervisor = new RootGuardianSupervisor(_rootPath, this, _termination, Log);
        var props = Props.Create<GuardianActor>().WithSupervisorStrategy(strategy);
        var mailbox = _system.Mailboxes.Lookup(Mailboxes.DefaultMailboxId);
        _rootGuardian = new RootGuardianActorRef(
            _system, props, SystemDispatcher, mailbox, supervisor, _rootPath, (IInternalActorRef)DeadLetters, _extraNames);
        var userProps = system.GuardianProps.HasValue
            ? system.GuardianProps.Value
            : Props.Create<GuardianActor>().WithSupervisorStrategy(strategy);
        Guardian = MakeGuardian("user", userProps, mailbox);
        SystemGuardian = MakeGuardian(
            "system", Props.Create(() => new SystemGuardianActor(Guardian)).WithSupervisorStrategy(strategy), mailbox);
        _tempContainer = new VirtualPathContainer(this, _tempPath, _rootGuardian, Log);
        _rootGuardian.SetTempContainer(_tempContainer);
        // The end of /user ends /system, whose end ends the root.
        SystemGuardian.SendSystemMessage(new Watch(Guardian, SystemGuardian));
        _rootGuardian.SendSystemMessage(new Watch(SystemGuardian, _rootGuardian));
        _rootGuardian.Start();
        Guardian.Start();
        SystemGuardian.Start();
    }

    private LocalActorRef MakeGuardian(string name, Props props, MailboxType mailbox)
    {
        _rootGuardian.Cell.ReserveChild(name);
        var guardian = new LocalActorRef(_system, props, SystemDispatcher, mailbox, _rootGuardian, _rootPath / name);
        _rootGuardian.Cell.InitChild(guardian);
        return guardian;
    }

    /// <summary>A name at the root; before the system has started.</summary>
    public void RegisterExtraName(string name, IInternalActorRef actor) => _extraNames.Add(name, actor);

    public ActorPath TempPath() =>
        new ChildActorPath(_tempPath, TemporaryNames.Encode(Interlocked.Increment(ref _tempNumber) - 1), ActorCell.UndefinedUid);

    public void RegisterTempActor(IInternalActorRef actorRef, ActorPath path)
    {
        if (path.Parent != _tempPath)
            throw new InvalidOperationException($"Cannot RegisterTempActor() with anything not obtained from tempPath(): {path}");
        _tempContainer.AddChild(path.Name, actorRef);
    }

    public void UnregisterTempActor(ActorPath path)
    {
        if (path.Parent != _tempPath)
            throw new InvalidOperationException($"Cannot UnregisterTempActor() with anything not obtained from tempPath(): {path}");
        _tempContainer.RemoveChild(path.Name);
    }

    public FutureActorRef<T> CreateFutureRef<T>(TaskCompletionSource<T> tcs) => new(tcs, this);

    public IActorRef RootGuardianAt(Address address) => address == _rootPath.Address ? _rootGuardian : DeadLetters;

    public Address GetExternalAddressFor(Address address) => address == _rootPath.Address ? address : null;

    public IActorRef ResolveActorRef(string path)
    {
        if (ActorPath.TryParse(path, out var actorPath)) return ResolveActorRef(actorPath);
        Log.Debug("Resolve of unknown path [{0}] failed. Invalid format.", path);
        return DeadLetters;
    }

    public IActorRef ResolveActorRef(ActorPath path)
    {
        if (path.Root == _rootPath) return Resolve(_rootGuardian, path);
        if (IgnoreActorRef.IsIgnoreRefPath(path)) return IgnoreRef;
        Log.Debug("Resolve of foreign ActorPath [{0}] failed", path);
        return DeadLetters;
    }

    private IActorRef Resolve(IInternalActorRef from, ActorPath path)
    {
        if (path.Depth == 0) return from;
        var actor = from.GetChild(path.ElementsWithUid);
        if (actor is not Nobody) return actor;
        Log.Debug("Resolve of path sequence [{0}] failed", path.ToStringWithoutAddress());
        // Without uid: it stands for whoever has the name, not for the incarnation that is gone.
        return new EmptyLocalActorRef(_system.Provider, from.Path / path.Elements, EventStream);
    }

    public IInternalActorRef ActorOf(
        ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path, bool systemService, Deploy deploy,
        bool lookupDeploy, bool async)
    {
        var configured = lookupDeploy && !systemService ? Deployer.Lookup(path) : null;
        return props.Deploy.RouterConfig is NoRouter
            ? Single(system, WithDeployment(props, deploy, configured), supervisor, path)
            : Routed(system, WithDeployment(props, deploy, configured), supervisor, path, configured ?? deploy);
    }

    /// <summary>What configuration says counts before what the code says.</summary>
    private static Props WithDeployment(Props props, params ReadOnlySpan<Deploy> deployments)
    {
        foreach (var deploy in deployments)
        {
            if (deploy == null) continue;
            if (deploy.Dispatcher != Deploy.NoDispatcherGiven) props = props.WithDispatcher(deploy.Dispatcher);
            if (deploy.Mailbox != Deploy.NoMailboxGiven) props = props.WithMailbox(deploy.Mailbox);
            if (deploy.StashCapacity != Deploy.NoStashSize) props = props.WithStashCapacity(deploy.StashCapacity);
        }
        return props;
    }

    private static LocalActorRef Single(ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path)
    {
        CheckDispatcher(system, props, path);
        try
        {
            var dispatcher = system.Dispatchers.Lookup(props.Dispatcher);
            var mailbox = system.Mailboxes.GetMailboxType(props, dispatcher.Configurator.Config);
            return new LocalActorRef(system, props, dispatcher, mailbox, supervisor, path);
        }
        catch (Exception e)
        {
            throw new ConfigurationException(
                $"Configuration problem while creating [{path}] with dispatcher [{props.Dispatcher}] and mailbox [{props.Mailbox}]", e);
        }
    }

    private static IInternalActorRef Routed(
        ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path, Deploy deploy)
    {
        if (deploy != null) props = props.WithRouter(deploy.RouterConfig.WithFallback(props.RouterConfig));
        CheckDispatcher(system, props, path);
        return RoutedActorRef.Create(system, props, supervisor, path);
    }

    private static void CheckDispatcher(ActorSystemImpl system, Props props, ActorPath path)
    {
        if (!system.Dispatchers.HasDispatcher(props.Dispatcher))
            throw new ConfigurationException($"Dispatcher [{props.Dispatcher}] not configured for path {path}");
    }
}
