using Akka.Actor;
using Akka.Event;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Actors.Gateway;

/// <summary>
/// <c>/user/tikv/kv</c>: the door for clients. A request whose context names a region goes to this store's peer; one without is routed to
/// wherever its keys live. Requests of one batch that are for the same region reach it as one message; each is answered as soon as it is
/// done.
/// </summary>
internal sealed class RequestGateway : UntypedActor
{
    private readonly TikvSettings _settings;
    private readonly NodeState _node;
    private readonly RequestFactory _factory;
    private readonly Admission _admission;
    private readonly Admission _routed;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<IActorRef, BatchReplies> _replies = [];

    // Requests of the message at hand, by peer.
    private readonly Dictionary<IActorRef, List<RegionRequest>> _byPeer = [];
    private readonly ActorSelection _pd;
    private RequestRouter? _router;

    public RequestGateway(TikvSettings settings, NodeState node)
    {
        _settings = settings;
        _node = node;
        _factory = new RequestFactory(node.Clock);
        _admission = node.Requests;
        _routed = node.RoutedRequests;
        _pd = Context.ActorSelection(NodePaths.Pd(Context.System, settings.PdEndpoint));
    }

    public static Props Props(TikvSettings settings, NodeState node) => Akka.Actor.Props.Create(() => new RequestGateway(settings, node));

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case BatchCommandsRequest batch:
                OnBatch(batch);
                break;
            case BatchReplies replies:
                replies.Flush(_settings.Gateway.BatchResponseBytes);
                if (replies.Outstanding == 0)
                    _replies.Remove(replies.Sender);
                break;
            case IRegionRequest request:
                Accept(request, new DirectResponder(Sender));
                SendToPeers();
                break;
            case RoutedPart part:
                Accept(part.Request, new DirectResponder(Sender), isAdmitted: true);
                SendToPeers();
                break;
            case DeadLetter { Message: RegionPeer.Submit lost }:
                // The peer stopped with them in its mailbox: it never saw them.
                foreach (var request in lost.Requests)
                    request.Fail(RegionErrors.RegionNotFound(request.Context.RegionId));
                break;
            case DeadLetter { Message: Reader.Read lost }:
                foreach (var task in lost.Tasks)
                    task.Request.Fail(RegionErrors.RegionNotFound(task.Region.Id));
                lost.Snapshot.Release();
                break;
            case DeadLetter { Message: Reader.ReadForSwap lost }:
                lost.Snapshot.Release();
                break;
            case DeadLetter:
                break;
            case Routed routed:
                routed.Scope.Respond(routed.Response);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OnBatch(BatchCommandsRequest batch)
    {
        if (!_replies.TryGetValue(Sender, out var replies))
            _replies.Add(Sender, replies = new BatchReplies(Sender, Self));
        replies.Outstanding += batch.RequestIds.Count;
        for (var i = 0; i < batch.RequestIds.Count; i++)
        {
            var responder = new BatchResponder(replies, batch.RequestIds[i]);
            switch (i < batch.Requests.Count ? batch.Requests[i].Message() : null)
            {
                case IRegionRequest request:
                    Accept(request, responder);
                    break;
                case BatchCommandsEmptyRequest empty:
                    responder.Respond(new BatchCommandsEmptyResponse { TestId = empty.TestId });
                    break;
                default:
                    // A case of a newer protocol: every id comes back once, and its caller sees that the case is not its request's.
                    responder.Respond(new BatchCommandsEmptyResponse());
                    break;
            }
        }

        SendToPeers();
    }

    /// <param name="isAdmitted">
    /// A part of a request that has its place: a second one could only be had when others leave, which wait for theirs.
    /// </param>
    private void Accept(IRegionRequest message, IResponder responder, bool isAdmitted = false)
    {
        if (_node.Services is not { } services)
        {
            responder.Respond(RequestScope.Fail(message, WithoutStore(message.Context?.RegionId ?? 0)));
            return;
        }

        if (!isAdmitted)
        {
            var bytes = message.CalculateSize();
            if (!_admission.TryEnter(bytes))
            {
                responder.Respond(Busy(message, $"{_admission.Inside} requests wait on this node"));
                return;
            }

            responder = new AdmittedResponder(responder, _admission, bytes);
        }

        var context = message.Context;
        if (context is null or { RegionId: 0 })
        {
            if (!_routed.TryEnter())
            {
                responder.Respond(Busy(message, $"{_routed.Inside} requests that this node routes wait"));
                return;
            }

            responder = new AdmittedResponder(responder, _routed);
        }

        var scope = new RequestScope(responder, services.ApiVersion, MaxResponseBytes(context), _log);
        if (context is { ClusterId: not 0 } && context.ClusterId != services.ClusterId)
        {
            responder.Respond(scope.Fail(message, $"mismatch cluster id, need {services.ClusterId} but got {context.ClusterId}"));
            return;
        }

        if (context is null or { RegionId: 0 })
        {
            _router ??= new RequestRouter(Context.System, Self, _pd, _settings.Gateway, services);
            Route(message, scope, _router);
            return;
        }

        var (request, refusal) = _factory.Create(message, DeadlineOf(context), scope);
        if (request is null)
        {
            responder.Respond(scope.Fail(message, refusal!));
            return;
        }

        if (services.Router.Find(context.RegionId) is not { } peer)
        {
            request.Fail(RegionErrors.RegionNotFound(context.RegionId));
            return;
        }

        if (!_byPeer.TryGetValue(peer, out var requests))
            _byPeer.Add(peer, requests = []);
        requests.Add(request);
    }

    /// <summary>The store starts, has been removed, or there is none. Who asks it for a region must look for that elsewhere.</summary>
    private Protocol.Errorpb.Error WithoutStore(ulong regionId)
    {
        if (regionId != 0)
            return RegionErrors.RegionNotFound(regionId);
        return _settings.StoreEnabled
            ? RegionErrors.ServerIsBusy("the store of this node does not serve (yet)", _settings.Gateway.RetryBackoffMax)
            : RegionErrors.Other("this node has no store (tikv.store.enabled = off): ask one that has");
    }

    private IMessage Busy(IRegionRequest message, string why) =>
        RequestScope.Fail(message, RegionErrors.ServerIsBusy(why, _settings.Peer.BusyBackoff));

    private void SendToPeers()
    {
        foreach (var (peer, requests) in _byPeer)
            peer.Tell(new RegionPeer.Submit(requests) { DiskFull = _node.Disk.Full });
        _byPeer.Clear();
    }

    /// <summary>The answer comes back here from many parts, so it is awaited outside of the actor and then sent like any other.</summary>
    private void Route(IRegionRequest message, RequestScope scope, RequestRouter router)
    {
        if (RequestFactory.Check(message, scope.Mode) is { } refusal)
        {
            scope.Responder.Respond(scope.Fail(message, refusal));
            return;
        }

        router.RouteAsync(message, scope.MaxResponseBytes).PipeTo(
            Self,
            success: response => new Routed(scope, response),
            failure: e => new Routed(
                scope, RequestScope.Fail(message, Unrouted(message, $"the request could not be routed: {e.Message}"))));
    }

    /// <summary>A part of a write may have reached its store.</summary>
    private static Protocol.Errorpb.Error Unrouted(IRegionRequest message, string why) =>
        RequestRouter.IsWrite(message) ? RegionErrors.UndeterminedResult(why) : RegionErrors.Other(why);

    private int MaxResponseBytes(Context? context) => context is { MaxResponseBytes: > 0 }
        // In this process there is no frame that the response must fit.
        ? (int)Math.Min(
            context.MaxResponseBytes, Sender.Path.Address.HasLocalScope ? int.MaxValue : (uint)_settings.Gateway.MaxResponseBytes)
        : RequestScope.DefaultMaxResponseBytes;

    private TimeSpan DeadlineOf(Context context) =>
        context.MaxExecutionDurationMs == 0
            ? TimeSpan.MaxValue : _node.Clock.Now + TimeSpan.FromMilliseconds(Math.Min(context.MaxExecutionDurationMs, uint.MaxValue));
}

/// <summary>What a routed request asks of its own node. Never leaves the process.</summary>
internal sealed record RoutedPart(IRegionRequest Request) : INoSerializationVerificationNeeded;

/// <summary>A routed request is answered.</summary>
internal sealed record Routed(RequestScope Scope, IMessage Response);
