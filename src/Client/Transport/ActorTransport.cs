using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Client.Transport;

/// <summary>
/// Messages through an actor system's remoting: one <see cref="NodeConnection"/> a node, asks for what has no case in the batch envelope.
/// </summary>
internal sealed class ActorTransport : ITransport
{
    private readonly ActorSystem _system;
    private readonly ClientSettings _settings;
    private readonly bool _ownsSystem;
    private readonly Func<string, Node> _resolve;
    private readonly ConcurrentDictionary<string, Lazy<Node>> _nodes = new();

    /// <param name="ownsSystem">Nobody else uses the actor system: it has no connections yet, and ends with the transport.</param>
    /// <param name="resolve">Null: by remote path.</param>
    public ActorTransport(ActorSystem system, bool ownsSystem, ClientSettings settings, Func<string, Node>? resolve = null)
    {
        _ownsSystem = ownsSystem;
        _system = system;
        _settings = settings;
        _resolve = resolve ?? ResolveRemote;
    }

    public Task<IRegionResponse> SendAsync(string address, IRegionRequest request, Delivery delivery, CancellationToken attempt)
    {
        var node = NodeAt(address);
        if (!node.Pending.TryEnter())
        {
            var why = $"{_settings.MaxPendingRequests} requests wait for this store already";
            return Task.FromException<IRegionResponse>(new NodeUnreachableException(node.HostPort, why, isBusy: true));
        }

        if (!BatchCommandsCases.HasCase(request))
            return AskRegionAsync(node, request, delivery, attempt);
        var pending = new PendingRequest(request, delivery, node.Connection);
        // Not undone: the token ends with the attempt.
        attempt.UnsafeRegister(static (pending, token) => ((PendingRequest)pending!).GiveUp(token), pending);
        node.Connection.Tell(new NodeConnection.Submit(pending), ActorRefs.NoSender);
        return pending.Response;
    }

    private static async Task<IRegionResponse> AskRegionAsync(
        Node node, IRegionRequest request, Delivery delivery, CancellationToken attempt)
    {
        try
        {
            delivery.TryLeave();
            return await node.AskAsync<IRegionResponse>(node.Kv, request, delivery, attempt).ConfigureAwait(false);
        }
        finally
        {
            node.Pending.Leave();
        }
    }

    public Task<IPdResponse> AskPdAsync(string address, IPdRequest request, CancellationToken attempt)
    {
        var node = NodeAt(address);
        return node.AskAsync<IPdResponse>(node.Pd, request, new Delivery(), attempt);
    }

    public Task<StoreStatistics> AskStoreAsync(string address, StoreStatisticsRequest request, CancellationToken attempt)
    {
        var node = NodeAt(address);
        return node.AskAsync<StoreStatistics>(node.Store, request, new Delivery(), attempt);
    }

    public Task<MetaMembersResponse> AskMembersAsync(
        string address, MetaMembersRequest request, Delivery delivery, CancellationToken attempt)
    {
        var node = NodeAt(address);
        delivery.TryLeave();
        return node.AskAsync<MetaMembersResponse>(node.Members, request, delivery, attempt);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
        {
            node.Value.Broken("the client was closed");
            _system.Stop(node.Value.Connection);
        }
        if (_ownsSystem)
            await _system.Terminate().ConfigureAwait(false);
    }

    private Node NodeAt(string address) => _nodes.GetOrAdd(address, static (a, self) => new Lazy<Node>(() => self.Start(a)), this).Value;

    private Node Start(string address)
    {
        var node = _resolve(address);
        node.Connection = _system.ActorOf(NodeConnection.Props(node, _settings, mayBeConnected: !_ownsSystem));
        // Here and not in the actor, because it must not miss the failure of the first connection.
        _system.EventStream.Subscribe(node.Connection, typeof(RemotingLifecycleEvent));
        _system.EventStream.Subscribe(node.Connection, typeof(DeadLetter));
        return node;
    }

    private Node ResolveRemote(string hostPort)
    {
        var endpoint = Endpoint.Parse(hostPort);
        var provider = ((ExtendedActorSystem)_system).Provider;
        // Nodes have the protocol that this system has: whether connections go through TLS is a setting that must be the same.
        var address = new Address(provider.DefaultAddress.Protocol, _settings.NodeSystemName, endpoint.Host, endpoint.Port);
        var tikv = new RootActorPath(address) / "user" / "tikv";
        IActorRef Actor(string name) => provider.ResolveActorRef(tikv / name);
        return new Node(hostPort, address, Actor("kv"), Actor("pd"), Actor("store"), Actor("members"), _settings.MaxPendingRequests);
    }
}
