using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Serialization;

namespace Akka.Remote;

public interface IRemoteActorRefProvider : IActorRefProvider
{
    RemoteSettings RemoteSettings { get; }

    RemoteTransport Transport { get; }

    IActorRef RemoteWatcher { get; }

    /// <summary>Like ResolveActorRef, without an exception or a log entry for a path that is none: dead letters.</summary>
    IInternalActorRef ResolveActorRefWithLocalAddress(string path, Address localAddress);

    IActorRef InternalResolveActorRef(string path);

    /// <summary>Whether the address is this system's, in any form.</summary>
    bool HasAddress(Address address);

    /// <summary>Ends all traffic with that incarnation of a system for good.</summary>
    void Quarantine(Address address, int? uid);
}

/// <summary>References for a system that others reach: local ones below its own address, remote ones else.</summary>
public class RemoteActorRefProvider : IRemoteActorRefProvider
{
    private readonly LocalActorRefProvider _local;
    private readonly EventStream _eventStream;
    private ActorSystemImpl _system;
    private ILoggingAdapter _log;
    private Remoting _remoting;
    private Information _serializationInformation;

    public RemoteActorRefProvider(string systemName, Settings settings, EventStream eventStream)
    {
        settings.InjectTopLevelFallback(ConfigurationFactory.FromResource("Akka.Remote.Configuration.Remote.conf", typeof(RemoteActorRefProvider).Assembly));
        RemoteSettings = new RemoteSettings(settings.Config);
        Deployer = new Deployer(settings);
        _eventStream = eventStream;
        _local = new LocalActorRefProvider(systemName, settings, eventStream, Deployer, null);
    }

    public RemoteSettings RemoteSettings { get; }

    public RemoteTransport Transport => _remoting;

    public IActorRef RemoteWatcher { get; private set; }

    public Deployer Deployer { get; protected set; }

    public IInternalActorRef RootGuardian => _local.RootGuardian;

    public LocalActorRef Guardian => _local.Guardian;

    public LocalActorRef SystemGuardian => _local.SystemGuardian;

    public IActorRef DeadLetters => _local.DeadLetters;

    public IActorRef IgnoreRef => _local.IgnoreRef;

    public ActorPath RootPath => _local.RootPath;

    public Settings Settings => _local.Settings;

    public Task TerminationTask => _local.TerminationTask;

    public IInternalActorRef TempContainer => _local.TempContainer;

    public Address DefaultAddress => _remoting.DefaultAddress;

    public Information SerializationInformation => _serializationInformation ??= new Information(DefaultAddress, _system);

    public virtual void Init(ActorSystemImpl system)
    {
        _system = system;
        _local.Init(system);
        _log = Logging.GetLogger(system, this);
        _remoting = new Remoting(system, this);
        _remoting.Start();
        try
        {
            RemoteWatcher = CreateRemoteWatcher(system);
            system.SystemActorOf(RemoteSettings.ConfigureDispatcher(Props.Create(() => new RemotingTerminator(_remoting, SystemGuardian))), "remoting-terminator");
        }
        catch
        {
            _remoting.Close();
            throw;
        }
        _remoting.Open();
    }

    public ActorPath TempPath() => _local.TempPath();

    public void RegisterTempActor(IInternalActorRef actorRef, ActorPath path) => _local.RegisterTempActor(actorRef, path);

    public void UnregisterTempActor(ActorPath path) => _local.UnregisterTempActor(path);

    public FutureActorRef<T> CreateFutureRef<T>(TaskCompletionSource<T> tcs) => _local.CreateFutureRef(tcs);

    /// <exception cref="ConfigurationException">The actor is to be deployed elsewhere, which this stand-in cannot.</exception>
    public IInternalActorRef ActorOf(ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path, bool systemService, Deploy deploy, bool lookupDeploy, bool async)
    {
        if ((deploy?.Scope ?? props.Deploy?.Scope) is RemoteScope scope && !HasAddress(scope.Address))
            throw new ConfigurationException($"{path} is to be deployed on {scope.Address}: this stand-in for Akka.Remote deploys no actors elsewhere");
        return _local.ActorOf(system, props, supervisor, path, systemService, deploy, lookupDeploy, async);
    }

    /// <exception cref="RemoteTransportException">The address has a protocol that nothing here speaks.</exception>
    public IActorRef RootGuardianAt(Address address) =>
        HasAddress(address) ? RootGuardian : CreateRemoteRef(new RootActorPath(address), Transport.LocalAddressForRemote(address));

    public IActorRef ResolveActorRef(string path)
    {
        if (ActorPath.TryParse(path, out var actorPath)) return ResolveActorRef(actorPath);
        _log.Debug("Resolve of unknown path [{0}] failed", path);
        return DeadLetters;
    }

    public IActorRef InternalResolveActorRef(string path) => ResolveActorRef(path);

    public IInternalActorRef ResolveActorRefWithLocalAddress(string path, Address localAddress) =>
        ActorPath.TryParse(path, out var actorPath) ? (IInternalActorRef)ResolveActorRef(actorPath) : (IInternalActorRef)DeadLetters;

    public IActorRef ResolveActorRef(ActorPath actorPath)
    {
        if (actorPath.Address.HasLocalScope) return ResolveLocal(actorPath);
        if (HasAddress(actorPath.Address)) return ResolveLocal((RootPath / actorPath.Elements).WithUid(actorPath.Uid));
        try
        {
            return CreateRemoteRef(actorPath, Transport.LocalAddressForRemote(actorPath.Address));
        }
        catch (RemoteTransportException e)
        {
            _log.Warning("Error while resolving address [{0}]: {1}", actorPath.Address, e.Message);
            return new EmptyLocalActorRef(this, actorPath, _eventStream);
        }
    }

    public Address GetExternalAddressFor(Address address)
    {
        if (HasAddress(address)) return _local.RootPath.Address;
        return address.Protocol == _remoting.Protocol && address.HasGlobalScope && address.Port != null ? DefaultAddress : null;
    }

    public bool HasAddress(Address address) => address.Equals(_local.RootPath.Address) || address.Equals(_remoting?.DefaultAddress);

    public void Quarantine(Address address, int? uid) => Transport.Quarantine(address, uid);

    protected virtual IInternalActorRef CreateRemoteRef(ActorPath actorPath, Address localAddress) =>
        new RemoteActorRef(Transport, localAddress, actorPath, ActorRefs.Nobody, Props.None, Deploy.None);

    protected virtual IActorRef CreateRemoteWatcher(ActorSystemImpl system) => system.SystemActorOf(
        RemoteSettings.ConfigureDispatcher(Akka.Remote.RemoteWatcher.Props(
            CreateRemoteWatcherFailureDetector(system), RemoteSettings.WatchHeartBeatInterval, RemoteSettings.WatchUnreachableReaperInterval, RemoteSettings.WatchHeartbeatExpectedResponseAfter)),
        "remote-watcher");

    protected DefaultFailureDetectorRegistry<Address> CreateRemoteWatcherFailureDetector(ActorSystem system) =>
        new(() => FailureDetectorLoader.Load(RemoteSettings.WatchFailureDetectorImplementationClass, RemoteSettings.WatchFailureDetectorConfig, system));

    private IActorRef ResolveLocal(ActorPath path)
    {
        var actor = _local.ResolveActorRef(path);
        // The incarnation that a reference elsewhere means: who watches it there compares with the uid.
        return actor.Path.Uid != path.Uid && actor.GetType() == typeof(EmptyLocalActorRef) ? new EmptyLocalActorRef(this, path, _eventStream) : actor;
    }

    /// <summary>Shuts remoting down when the user's actors have ended and before the system's do.</summary>
    private sealed class RemotingTerminator : UntypedActor
    {
        private sealed record ShutDown(Exception Cause);

        private readonly Remoting _remoting;
        private readonly IActorRef _systemGuardian;

        public RemotingTerminator(Remoting remoting, IActorRef systemGuardian)
        {
            _remoting = remoting;
            _systemGuardian = systemGuardian;
        }

        protected override void PreStart() => _systemGuardian.Tell(RegisterTerminationHook.Instance, Self);

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case TerminationHook:
                    _remoting.Shutdown().PipeTo(Self, Self, () => new ShutDown(null), cause => new ShutDown(cause));
                    break;
                case ShutDown ended:
                    if (ended.Cause != null) _remoting.Log.Error(ended.Cause, "Remoting did not shut down in order");
                    _systemGuardian.Tell(TerminationHookDone.Instance, Self);
                    break;
                default:
                    Unhandled(message);
                    break;
            }
        }
    }
}
