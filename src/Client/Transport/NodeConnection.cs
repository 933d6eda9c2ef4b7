using Akka.Actor;
using Akka.Event;
using Akka.Remote;
using Google.Protobuf;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Client.Transport;

/// <summary>
/// Sends requests to one node in batches, and fails what is unanswered as soon as the connection is known to be broken:
/// <code>
/// Submit → queue of its kind → Flush (behind the Submits that already wait in the mailbox) → BatchCommandsRequest → answers one by one
/// </code>
/// </summary>
internal sealed class NodeConnection : ReceiveActor
{
    public sealed record Submit(PendingRequest Request) : INoSerializationVerificationNeeded;

    /// <summary>A caller gave up on a request.</summary>
    public sealed class GaveUp : INoSerializationVerificationNeeded
    {
        public static readonly GaveUp Instance = new();
    }

    private sealed class Flush : INoSerializationVerificationNeeded
    {
        public static readonly Flush Instance = new();
    }

    private readonly Node _node;
    private readonly BatchQueue _reads;
    private readonly BatchQueue _writes;
    private readonly BatchQueue _scans;
    private readonly BatchQueue[] _queues;
    private readonly Func<ulong> _nextId;
    private ulong _lastId;
    private bool _flushing;
    private bool _dropping;

    /// <summary>While it is false, what fails to connect has carried nothing, and each message comes back as a dead letter.</summary>
    private bool _mayBeConnected;
    private string _lastError = "no connection";

    /// <param name="mayBeConnected">The actor system may have a connection to the node already.</param>
    public NodeConnection(Node node, ClientSettings settings, bool mayBeConnected)
    {
        _mayBeConnected = mayBeConnected;
        _node = node;
        BatchQueue NewQueue() => new(settings.MaxInFlightBatches, settings.MaxBatchRequests, settings.MaxBatchBytes, node.Pending);
        _queues = [_reads = NewQueue(), _writes = NewQueue(), _scans = NewQueue()];
        _nextId = () => ++_lastId;

        Receive<Submit>(submit => OnSubmit(submit.Request));
        Receive<Flush>(_ => OnFlush());
        Receive<BatchCommandsResponse>(OnResponse);
        Receive<GaveUp>(_ => OnGaveUp());
        Receive<AssociatedEvent>(e => e.RemoteAddress == _node.NodeAddress, _ => _mayBeConnected = true);
        Receive<AssociationErrorEvent>(e => e.RemoteAddress == _node.NodeAddress, e => OnError(e.Cause));
        Receive<DisassociatedEvent>(e => e.RemoteAddress == _node.NodeAddress, _ => OnBroken("the connection was closed"));
        Receive<QuarantinedEvent>(e => e.Address == _node.NodeAddress, _ => OnBroken("the node was quarantined"));
        Receive<DeadLetter>(letter => letter.Message is IMessage, OnDeadLetter);
        Receive<DeadLetter>(_ => { });
        Receive<RemotingLifecycleEvent>(_ => { });
    }

    public static Props Props(Node node, ClientSettings settings, bool mayBeConnected) =>
        Akka.Actor.Props.Create(() => new NodeConnection(node, settings, mayBeConnected));

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        FailAll("the client was closed");
    }

    private void OnSubmit(PendingRequest request)
    {
        QueueOf(request.Request).Enqueue(request);
        ScheduleFlush();
    }

    private BatchQueue QueueOf(IMessage request) => request switch
    {
        RawGetRequest or RawBatchGetRequest => _reads,
        RawScanRequest or RawBatchScanRequest or RawDeleteRangeRequest => _scans,
        _ => _writes,
    };

    private void ScheduleFlush()
    {
        if (_flushing)
            return;
        _flushing = true;
        Self.Tell(Flush.Instance);
    }

    private void OnFlush()
    {
        _flushing = false;
        if (_dropping)
        {
            _dropping = false;
            foreach (var queue in _queues)
                queue.DropDone();
        }
        foreach (var queue in _queues)
            while (queue.TryTake(_nextId) is { } batch)
                Send(batch);
    }

    private void Send(List<(ulong Id, PendingRequest Request)> batch)
    {
        var message = new BatchCommandsRequest();
        foreach (var (id, pending) in batch)
        {
            message.RequestIds.Add(id);
            message.Requests.Add(BatchCommandsCases.ToRequest(pending.Request));
        }
        _node.Kv.Tell(message, Self);
    }

    private void OnResponse(BatchCommandsResponse batch)
    {
        for (var i = 0; i < batch.RequestIds.Count && i < batch.Responses.Count; i++)
        {
            if (Settle(batch.RequestIds[i]) is not { } pending)
                continue;
            if (batch.Responses[i].Message() is IRegionResponse response)
                pending.Complete(response);
            else
                pending.Fail(new NodeUnreachableException(
                    _node.HostPort,
                    $"answered {pending.Request.Descriptor.Name} with {batch.Responses[i].CmdCase}: is it of another version?"));
        }
        ScheduleFlush();
    }

    private PendingRequest? Settle(ulong id) => _reads.Settle(id) ?? _writes.Settle(id) ?? _scans.Settle(id);

    private void OnGaveUp()
    {
        _dropping = true;
        ScheduleFlush();
    }

    private void OnError(Exception cause)
    {
        _lastError = Describe(cause);
        if (_mayBeConnected)
            OnBroken(_lastError);
    }

    /// <summary>What is unanswered may have arrived.</summary>
    private void OnBroken(string reason)
    {
        _mayBeConnected = false;
        FailAll(reason);
        _node.Broken(reason);
    }

    /// <summary>A message that cannot be sent: remoting could not connect, or holds a failed connection closed for a moment.</summary>
    private void OnDeadLetter(DeadLetter letter)
    {
        if (letter.Message is not BatchCommandsRequest batch)
        {
            _node.NotCarried(letter.Message, _lastError);
            return;
        }
        if (!letter.Sender.Equals(Self))
            return;
        foreach (var id in batch.RequestIds)
            Settle(id)?.FailUncarried(new NodeUnreachableException(_node.HostPort, _lastError));
        ScheduleFlush();
    }

    private void FailAll(string reason)
    {
        foreach (var request in _queues.SelectMany(q => q.TakeAll()))
            request.Fail(new NodeUnreachableException(_node.HostPort, reason));
    }

    private static string Describe(Exception e) => e.InnerException is null ? $"cannot connect: {e.Message}" : Describe(e.InnerException);
}
