using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Remote;

namespace TiKvActors.StandIns.Tests.Clustering;

/// <summary>An actor system that may be a member, on the loopback address, with short timers.</summary>
internal sealed class ClusterNode : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<object> _events = [];

    private ClusterNode(ActorSystem system)
    {
        System = (ExtendedActorSystem)system;
        Cluster = Cluster.Get(system);
        Cluster.Subscribe(
            system.ActorOf(Props.Create(() => new Keeper(_events))), ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent));
    }

    public ExtendedActorSystem System { get; }

    public Cluster Cluster { get; }

    public Address Address => Cluster.SelfAddress;

    public IReadOnlyList<object> Events
    {
        get { lock (_events) return _events.ToArray(); }
    }

    public static ClusterNode Start(string hocon = "", int port = 0, string name = "members") =>
        new(ActorSystem.Create(name, ConfigurationFactory.ParseString(hocon).WithFallback(Configuration(port))));

    private static Config Configuration(int port) => ConfigurationFactory.ParseString($$"""
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        akka.actor.provider = cluster
        akka.remote {
          dot-netty.tcp { hostname = "127.0.0.1", port = {{port}}, connection-timeout = 2s }
          handshake-timeout = 2s
          retry-gate-closed-for = 100ms
        }
        akka.cluster {
          gossip-interval = 50ms, leader-actions-interval = 50ms
          unreachable-nodes-reaper-interval = 50ms, periodic-tasks-initial-delay = 10ms
          retry-unsuccessful-join-after = 500ms, seed-node-timeout = 1s
          failure-detector { heartbeat-interval = 100ms, acceptable-heartbeat-pause = 2s, expected-response-after = 100ms }
          split-brain-resolver { stable-after = 1s, down-all-when-unstable = off }
        }
        """);

    /// <summary>Several nodes, all up in all eyes.</summary>
    public static async Task<ClusterNode[]> StartCluster(int size, string hocon = "")
    {
        var nodes = Enumerable.Range(0, size).Select(_ => Start(hocon)).ToArray();
        await nodes[0].Cluster.JoinAsync(nodes[0].Address).WaitAsync(Patience);
        await Task.WhenAll(nodes[1..].Select(n => n.Cluster.JoinSeedNodesAsync([nodes[0].Address]))).WaitAsync(Patience);
        foreach (var node in nodes) await node.SeesUp(size);
        return nodes;
    }

    public Task SeesUp(int members) => Eventually.TrueAsync(
        () => Cluster.State.Members.Count == members && Cluster.State.Unreachable.IsEmpty
            && Cluster.State.Members.All(m => m.Status == MemberStatus.Up),
        () => $"{members} members up at {Address}, sees {string.Join(", ", Cluster.State.Members)}");

    /// <summary>As the end of the process would.</summary>
    public Task Kill()
    {
        var remoting = (Akka.Remote.Remoting)((RemoteActorRefProvider)System.Provider).Transport;
        remoting.CutAllConnections();
        return remoting.Shutdown();
    }

    public async ValueTask DisposeAsync()
    {
        System.Abort();
        await System.WhenTerminated.WaitAsync(Patience);
    }

    private sealed class Keeper(List<object> events) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            lock (events) events.Add(message);
        }
    }
}

internal static class ClusterNodes
{
    public static async Task End(this IEnumerable<ClusterNode> nodes)
    {
        foreach (var node in nodes) await node.DisposeAsync();
    }
}
