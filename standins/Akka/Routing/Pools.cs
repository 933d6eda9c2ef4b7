using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace Akka.Routing;

public sealed class RoundRobinPool : Pool
{
    public RoundRobinPool(Config config)
        : this(InstancesIn(config), DefaultSupervisorStrategy, Dispatchers.DefaultDispatcherId, HasPoolDispatcher(config))
    {
    }

    public RoundRobinPool(int nrOfInstances)
        : this(nrOfInstances, DefaultSupervisorStrategy, Dispatchers.DefaultDispatcherId, false)
    {
    }

    private RoundRobinPool(int nrOfInstances, SupervisorStrategy supervisorStrategy, string routerDispatcher, bool usePoolDispatcher)
        : base(nrOfInstances, supervisorStrategy, routerDispatcher, usePoolDispatcher)
    {
    }

    public override Router CreateRouter(ActorSystem system) => new(new RoundRobinRoutingLogic());

    public override int GetNrOfInstances(ActorSystem sys) => NrOfInstances;

    public RoundRobinPool WithSupervisorStrategy(SupervisorStrategy strategy) =>
        new(NrOfInstances, strategy, RouterDispatcher, UsePoolDispatcher);

    public RoundRobinPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, UsePoolDispatcher);

    public override RouterConfig WithFallback(RouterConfig routerConfig) => WithSupervisorStrategy(StrategyWithFallback(routerConfig));
}

public sealed class RandomPool : Pool
{
    public RandomPool(Config config)
        : this(InstancesIn(config), DefaultSupervisorStrategy, Dispatchers.DefaultDispatcherId, HasPoolDispatcher(config))
    {
    }

    public RandomPool(int nrOfInstances)
        : this(nrOfInstances, DefaultSupervisorStrategy, Dispatchers.DefaultDispatcherId, false)
    {
    }

    private RandomPool(int nrOfInstances, SupervisorStrategy supervisorStrategy, string routerDispatcher, bool usePoolDispatcher)
        : base(nrOfInstances, supervisorStrategy, routerDispatcher, usePoolDispatcher)
    {
    }

    public override Router CreateRouter(ActorSystem system) => new(new RandomLogic());

    public override int GetNrOfInstances(ActorSystem system) => NrOfInstances;

    public RandomPool WithSupervisorStrategy(SupervisorStrategy strategy) =>
        new(NrOfInstances, strategy, RouterDispatcher, UsePoolDispatcher);

    public RandomPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, UsePoolDispatcher);

    public override RouterConfig WithFallback(RouterConfig routerConfig) => WithSupervisorStrategy(StrategyWithFallback(routerConfig));
}

public sealed class BroadcastPool : Pool
{
    public BroadcastPool(Config config)
        : this(InstancesIn(config), DefaultSupervisorStrategy, Dispatchers.DefaultDispatcherId, HasPoolDispatcher(config))
    {
    }

    public BroadcastPool(int nrOfInstances)
        : this(nrOfInstances, DefaultSupervisorStrategy, Dispatchers.DefaultDispatcherId, false)
    {
    }

    private BroadcastPool(int nrOfInstances, SupervisorStrategy supervisorStrategy, string routerDispatcher, bool usePoolDispatcher)
        : base(nrOfInstances, supervisorStrategy, routerDispatcher, usePoolDispatcher)
    {
    }

    public override Router CreateRouter(ActorSystem system) => new(new BroadcastRoutingLogic());

    public override int GetNrOfInstances(ActorSystem system) => NrOfInstances;

    public BroadcastPool WithSupervisorStrategy(SupervisorStrategy strategy) =>
        new(NrOfInstances, strategy, RouterDispatcher, UsePoolDispatcher);

    public BroadcastPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, UsePoolDispatcher);

    public override RouterConfig WithFallback(RouterConfig routerConfig) => WithSupervisorStrategy(StrategyWithFallback(routerConfig));
}

public sealed class ConsistentHashingPool : Pool
{
    private readonly ConsistentHashMapping _hashMapping;

    public ConsistentHashingPool(Config config)
        : this(
            InstancesIn(config), config.GetInt("virtual-nodes-factor", 0), NoMapping, DefaultSupervisorStrategy,
            Dispatchers.DefaultDispatcherId, HasPoolDispatcher(config))
    {
    }

    public ConsistentHashingPool(int nrOfInstances)
        : this(nrOfInstances, NoMapping)
    {
    }

    public ConsistentHashingPool(int nrOfInstances, ConsistentHashMapping hashMapping)
        : this(nrOfInstances, 0, hashMapping, DefaultSupervisorStrategy, Dispatchers.DefaultDispatcherId, false)
    {
    }

    private ConsistentHashingPool(
        int nrOfInstances, int virtualNodesFactor, ConsistentHashMapping hashMapping, SupervisorStrategy supervisorStrategy,
        string routerDispatcher, bool usePoolDispatcher)
        : base(nrOfInstances, supervisorStrategy, routerDispatcher, usePoolDispatcher)
    {
        VirtualNodesFactor = virtualNodesFactor;
        _hashMapping = hashMapping;
    }

    /// <summary>Points a routee on the ring; 0: the configured default.</summary>
    public int VirtualNodesFactor { get; }

    internal static object NoMapping(object message) => null;

    public override Router CreateRouter(ActorSystem system) =>
        new(new ConsistentHashingRoutingLogic(system, VirtualNodesFactor, _hashMapping));

    public override int GetNrOfInstances(ActorSystem system) => NrOfInstances;

    public ConsistentHashingPool WithHashMapping(ConsistentHashMapping mapping) =>
        new(NrOfInstances, VirtualNodesFactor, mapping, SupervisorStrategy, RouterDispatcher, UsePoolDispatcher);

    public ConsistentHashingPool WithVirtualNodesFactor(int vnodes) =>
        new(NrOfInstances, vnodes, _hashMapping, SupervisorStrategy, RouterDispatcher, UsePoolDispatcher);

    public ConsistentHashingPool WithSupervisorStrategy(SupervisorStrategy strategy) =>
        new(NrOfInstances, VirtualNodesFactor, _hashMapping, strategy, RouterDispatcher, UsePoolDispatcher);

    public ConsistentHashingPool WithDispatcher(string dispatcher) =>
        new(NrOfInstances, VirtualNodesFactor, _hashMapping, SupervisorStrategy, dispatcher, UsePoolDispatcher);

    public override RouterConfig WithFallback(RouterConfig routerConfig)
    {
        var mapping = _hashMapping == NoMapping && routerConfig is ConsistentHashingPool other ? other._hashMapping : _hashMapping;
        return WithSupervisorStrategy(StrategyWithFallback(routerConfig)).WithHashMapping(mapping);
    }
}
