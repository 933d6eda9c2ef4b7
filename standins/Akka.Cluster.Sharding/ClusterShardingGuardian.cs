using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Cluster.Sharding.Coordination;
using Akka.Cluster.Sharding.Regions;
using Akka.Cluster.Tools.Singleton;
using Akka.Pattern;

namespace Akka.Cluster.Sharding;

/// <summary>Parent of the regions, and of the managers of their coordinators.</summary>
internal sealed class ClusterShardingGuardian : ReceiveActor
{
    private readonly ConcurrentDictionary<string, IActorRef> _regions;
    private readonly ConcurrentDictionary<string, IActorRef> _proxies;

    /// <summary>Those of a system, which it fills.</summary>
    public ClusterShardingGuardian(ConcurrentDictionary<string, IActorRef> regions, ConcurrentDictionary<string, IActorRef> proxies)
    {
        (_regions, _proxies) = (regions, proxies);
        Receive<Start>(start => Answer(() => RegionOf(start)));
        Receive<StartProxy>(start => Answer(() => ProxyOf(start)));
        Receive<Terminated>(ended =>
        {
            Forget(_regions, ended.ActorRef);
            Forget(_proxies, ended.ActorRef);
        });
    }

    public sealed record Start(
        string TypeName, Func<string, Props> EntityProps, ClusterShardingSettings Settings, IMessageExtractor Extractor,
        IShardAllocationStrategy Strategy, object HandOffStopMessage)
        : INoSerializationVerificationNeeded;

    public sealed record StartProxy(string TypeName, ClusterShardingSettings Settings, IMessageExtractor Extractor)
        : INoSerializationVerificationNeeded;

    public sealed record Started(IActorRef Region) : INoSerializationVerificationNeeded;

    /// <summary>What is wrong with the request is an exception of its sender.</summary>
    private void Answer(Func<IActorRef> start)
    {
        try
        {
            Sender.Tell(new Started(start()));
        }
        catch (Exception e)
        {
            Sender.Tell(new Status.Failure(e));
        }
    }

    private IActorRef RegionOf(Start start)
    {
        if (_regions.TryGetValue(start.TypeName, out var known)) return known;
        var name = Uri.EscapeDataString(start.TypeName);
        if (Context.Child(ManagerOf(name)).IsNobody()) StartCoordinator(name, start);
        var region = ShardRegion.Props(
            start.TypeName, start.EntityProps, start.Settings, CoordinatorPath(name), start.Extractor, start.HandOffStopMessage);
        return _regions[start.TypeName] = Context.Watch(Context.ActorOf(region.WithDispatcher(Context.Props.Dispatcher), name));
    }

    private IActorRef ProxyOf(StartProxy start)
    {
        if (_proxies.TryGetValue(start.TypeName, out var known)) return known;
        var proxy = ShardRegion.ProxyProps(
            start.TypeName, start.Settings, CoordinatorPath(Uri.EscapeDataString(start.TypeName)), start.Extractor);
        return _proxies[start.TypeName] = Context.Watch(
            Context.ActorOf(proxy.WithDispatcher(Context.Props.Dispatcher), Uri.EscapeDataString(start.TypeName + "Proxy")));
    }

    private static void StartCoordinator(string name, Start start)
    {
        var backOff = start.Settings.TuningParameters.CoordinatorFailureBackoff;
        var coordinator = PersistentShardCoordinator.Props(start.TypeName, start.Settings, start.Strategy)
            .WithDispatcher(Context.Props.Dispatcher);
        var singleton = BackoffSupervisor.Props(
            Backoff.OnStop(coordinator, "coordinator", backOff, backOff * 5, 0.2, -1).WithFinalStopMessage(m => m is Terminate));
        var settings = start.Settings.CoordinatorSingletonSettings.WithSingletonName("singleton").WithRole(start.Settings.Role);
        Context.ActorOf(ClusterSingletonManager.Props(singleton, Terminate.Instance, settings), ManagerOf(name));
    }

    private static string ManagerOf(string name) => name + "Coordinator";

    /// <summary>The same on all nodes.</summary>
    private string[] CoordinatorPath(string name) => [.. Self.Path.Elements, ManagerOf(name), "singleton", "coordinator"];

    private static void Forget(ConcurrentDictionary<string, IActorRef> all, IActorRef ended)
    {
        foreach (var one in all.Where(r => r.Value.Equals(ended))) all.TryRemove(one);
    }
}
