using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace Akka.Routing;

/// <summary>What kind of router an actor is.</summary>
public abstract class RouterConfig : IEquatable<RouterConfig>
{
    protected RouterConfig()
    {
    }

    protected RouterConfig(string routerDispatcher) => RouterDispatcher = routerDispatcher;

    /// <summary>Of the router's own actor; routing itself happens on the senders' threads.</summary>
    public virtual string RouterDispatcher { get; } = Dispatchers.DefaultDispatcherId;

    public virtual bool StopRouterWhenAllRouteesRemoved => true;

    public abstract Router CreateRouter(ActorSystem system);

    /// <summary>The actor that handles management messages and supervises a pool's routees.</summary>
    public abstract ActorBase CreateRouterActor();

    /// <summary>Whether the message is for the router's own actor.</summary>
    public virtual bool IsManagementMessage(object message) => message is IAutoReceivedMessage or RouterManagementMessage;

    /// <exception cref="ConfigurationException">what the router needs is not configured.</exception>
    public virtual void VerifyConfig(ActorPath path)
    {
    }

    public virtual RouterConfig WithFallback(RouterConfig routerConfig) => this;

    public bool Equals(RouterConfig other) =>
        other is not null && GetType() == other.GetType() && RouterDispatcher == other.RouterDispatcher;

    public override bool Equals(object obj) => Equals(obj as RouterConfig);

    public override int GetHashCode() => HashCode.Combine(GetType(), RouterDispatcher);
}

/// <summary>An actor that is no router.</summary>
public class NoRouter : RouterConfig
{
    protected NoRouter()
    {
    }

    public static NoRouter Instance { get; } = new();

    public override string RouterDispatcher => "";

    public override Router CreateRouter(ActorSystem system) => throw new NotSupportedException("NoRouter has no router");

    public override ActorBase CreateRouterActor() => throw new NotSupportedException("NoRouter has no router actor");

    public override RouterConfig WithFallback(RouterConfig routerConfig) => routerConfig;

    public Props Props(Props routeeProps) => routeeProps.WithRouter(this);
}

/// <summary>A router that starts and supervises its routees.</summary>
public abstract class Pool : RouterConfig, IEquatable<Pool>
{
    private protected Pool(int nrOfInstances, SupervisorStrategy supervisorStrategy, string routerDispatcher, bool usePoolDispatcher)
        : base(routerDispatcher)
    {
        NrOfInstances = nrOfInstances;
        SupervisorStrategy = supervisorStrategy;
        UsePoolDispatcher = usePoolDispatcher;
    }

    /// <summary>What fails a routee fails the router.</summary>
    public static SupervisorStrategy DefaultSupervisorStrategy { get; } = new OneForOneStrategy(Decider.From(Directive.Escalate));

    public int NrOfInstances { get; }

    public virtual SupervisorStrategy SupervisorStrategy { get; }

    /// <summary>Whether the routees share the dispatcher configured as pool-dispatcher at their deployment.</summary>
    public virtual bool UsePoolDispatcher { get; }

    public abstract int GetNrOfInstances(ActorSystem system);

    public override ActorBase CreateRouterActor() => new RouterPoolActor(SupervisorStrategy);

    public Props Props(Props routeeProps) => routeeProps.WithRouter(this);

    internal Props RouteePropsFor(Props routeeProps) => UsePoolDispatcher && routeeProps.Dispatcher == Dispatchers.DefaultDispatcherId
        ? routeeProps.WithDispatcher("akka.actor.deployment." + routeeProps.Deploy.Path + ".pool-dispatcher")
        : routeeProps;

    private protected static int InstancesIn(Config config) => config.GetInt("nr-of-instances", 1);

    private protected static bool HasPoolDispatcher(Config config) => config.HasPath("pool-dispatcher");

    /// <summary>The supervisor strategy given in code, where the configuration said the rest.</summary>
    private protected SupervisorStrategy StrategyWithFallback(RouterConfig fallback) =>
        ReferenceEquals(SupervisorStrategy, DefaultSupervisorStrategy) && fallback is Pool pool
            ? pool.SupervisorStrategy : SupervisorStrategy;

    public bool Equals(Pool other) =>
        Equals((RouterConfig)other) && NrOfInstances == other.NrOfInstances && UsePoolDispatcher == other.UsePoolDispatcher
            && Equals(SupervisorStrategy, other.SupervisorStrategy);

    public override bool Equals(object obj) => Equals(obj as Pool);

    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), NrOfInstances);
}

/// <summary>A router to actors that somebody else starts; their paths are looked up for each message.</summary>
public abstract class Group : RouterConfig, IEquatable<Group>
{
    protected readonly string[] InternalPaths;

    protected Group(IEnumerable<string> paths, string routerDispatcher)
        : base(routerDispatcher) => InternalPaths = paths.ToArray();

    public abstract IEnumerable<string> GetPaths(ActorSystem system);

    public override ActorBase CreateRouterActor() => new RouterActor();

    public Props Props() => Actor.Props.Empty.WithRouter(this);

    private protected static IEnumerable<string> PathsIn(Config config) => config.GetStringList("routees.paths", []);

    public bool Equals(Group other) => Equals((RouterConfig)other) && InternalPaths.SequenceEqual(other.InternalPaths);

    public override bool Equals(object obj) => Equals(obj as Group);

    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), InternalPaths.Length);
}

/// <summary>The router that akka.actor.deployment says for the actor's path.</summary>
public class FromConfig : Pool
{
    public FromConfig()
        : this(DefaultSupervisorStrategy, Dispatchers.DefaultDispatcherId)
    {
    }

    private FromConfig(SupervisorStrategy supervisorStrategy, string routerDispatcher)
        : base(0, supervisorStrategy, routerDispatcher, false)
    {
    }

    public static FromConfig Instance { get; } = new();

    public FromConfig WithSupervisorStrategy(SupervisorStrategy strategy) => new(strategy, RouterDispatcher);

    public FromConfig WithDispatcher(string dispatcherId) => new(SupervisorStrategy, dispatcherId);

    public Props Props() => Actor.Props.Empty.WithRouter(this);

    public override void VerifyConfig(ActorPath path) =>
        throw new ConfigurationException($"Configuration missing for router [{path}] in 'akka.actor.deployment' section");

    public override int GetNrOfInstances(ActorSystem sys) => 0;

    public override Router CreateRouter(ActorSystem system) =>
        throw new NotSupportedException("FromConfig stands for the configured router");

    public override ActorBase CreateRouterActor() => throw new NotSupportedException("FromConfig stands for the configured router");
}
