using Akka.Actor;
using Akka.Configuration;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Client.Tests.Transport;

/// <summary>
/// An actor system with a node's paths, reached through real remoting on loopback; a <see cref="FakeCluster"/> answers behind it.
/// </summary>
internal sealed class RemoteNode : IAsyncDisposable
{
    private readonly ActorSystem _system;

    private RemoteNode(ActorSystem system) => _system = system;

    public string Address
    {
        get
        {
            var address = ((ExtendedActorSystem)_system).Provider.DefaultAddress;
            return $"{address.Host}:{address.Port}";
        }
    }

    /// <param name="cluster">Asked when the first request comes, so that it can know the node's port.</param>
    /// <param name="port">0 = any.</param>
    public static RemoteNode Start(Func<FakeCluster> cluster, int port = 0)
    {
        var config = ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = OFF
              stdout-loglevel = OFF
              actor.provider = remote
              coordinated-shutdown.run-by-clr-shutdown-hook = off
              remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{port}} }
            }
            """);
        var system = ActorSystem.Create("tikv", config.WithFallback(ConfigurationFactory.ParseString(ProtocolHocon.Reference)));
        var node = new RemoteNode(system);
        system.ActorOf(Props.Create(() => new Root(cluster, node)), "tikv");
        return node;
    }

    /// <summary>The connection breaks at once, without a word.</summary>
    public Task KillAsync() => _system.Terminate();

    public async ValueTask DisposeAsync() => await _system.Terminate();

    private sealed class Root : ReceiveActor
    {
        public Root(Func<FakeCluster> cluster, RemoteNode node)
        {
            Context.ActorOf(Props.Create(() => new Door(cluster, node)), "kv");
            Context.ActorOf(Props.Create(() => new Door(cluster, node)), "pd");
        }
    }

    private sealed class Door : ReceiveActor
    {
        public Door(Func<FakeCluster> cluster, RemoteNode node)
        {
            Receive<BatchCommandsRequest>(batch =>
            {
                for (var i = 0; i < batch.Requests.Count; i++)
                    _ = AnswerAsync(cluster(), node.Address, batch.RequestIds[i], (IRegionRequest)batch.Requests[i].Message()!, Sender);
            });
            Receive<IRegionRequest>(request => cluster().SendAsync(node.Address, request, new Delivery(), default).PipeTo(Sender));
            Receive<IPdRequest>(request => cluster().AskPdAsync(node.Address, request, default).PipeTo(Sender));
        }

        private static async Task AnswerAsync(FakeCluster cluster, string address, ulong id, IRegionRequest request, IActorRef sender)
        {
            var response = await cluster.SendAsync(address, request, new Delivery(), default);
            sender.Tell(new BatchCommandsResponse { RequestIds = { id }, Responses = { BatchCommandsCases.ToResponse(response) } });
        }
    }
}
