using System.Collections.Concurrent;
using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Actors.Gateway;

/// <summary>Where the response of one request goes. Called once, from any thread.</summary>
internal interface IResponder
{
    void Respond(IMessage response);
}

/// <summary>
/// Bounds the requests that a node has accepted and not answered, over all regions, in number and in bytes: what mailboxes and queues
/// behind it are fed by. Thread-safe.
/// </summary>
internal sealed class Admission(int limit, long byteLimit = long.MaxValue)
{
    private int _inside;
    private long _bytes;
    private int _most;

    public int Inside => Volatile.Read(ref _inside);

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>The most that have been inside at a time.</summary>
    public int Most => Volatile.Read(ref _most);

    public bool TryEnter(int bytes = 0)
    {
        var inside = Interlocked.Increment(ref _inside);
        var total = Interlocked.Add(ref _bytes, bytes);
        if (inside > limit || (total > byteLimit && total != bytes))
        {
            Leave(bytes);
            return false;
        }

        int most;
        do most = Most;
        while (inside > most && Interlocked.CompareExchange(ref _most, inside, most) != most);
        return true;
    }

    public void Leave(int bytes = 0)
    {
        Interlocked.Add(ref _bytes, -bytes);
        Interlocked.Decrement(ref _inside);
    }
}

/// <summary>A request that came by itself.</summary>
internal sealed class DirectResponder(IActorRef sender) : IResponder
{
    public void Respond(IMessage response) => sender.Tell(response);
}

/// <summary>One request of a batch.</summary>
internal sealed class BatchResponder(BatchReplies replies, ulong requestId) : IResponder
{
    public void Respond(IMessage response) => replies.Add(requestId, response);
}

/// <summary>Gives the request's place free when it is answered.</summary>
internal sealed class AdmittedResponder(IResponder inner, Admission admission, int bytes = 0) : IResponder
{
    public void Respond(IMessage response)
    {
        admission.Leave(bytes);
        inner.Respond(response);
    }
}

/// <summary>
/// Responses that wait for one sender of batches. Each leaves as soon as it is there; what is there at the same time leaves together. The
/// gateway is told once until it has taken everything.
/// </summary>
internal sealed class BatchReplies(IActorRef sender, IActorRef gateway)
{
    private readonly ConcurrentQueue<(ulong RequestId, IMessage Response)> _ready = new();
    private int _announced;

    public IActorRef Sender => sender;

    /// <summary>Requests without a response yet. For the gateway alone.</summary>
    public int Outstanding { get; set; }

    public void Add(ulong requestId, IMessage response)
    {
        _ready.Enqueue((requestId, response));
        if (Interlocked.Exchange(ref _announced, 1) == 0)
            gateway.Tell(this);
    }

    /// <summary>For the gateway alone.</summary>
    /// <param name="maxBytes">A response message ends beyond this; the largest response by itself may exceed it.</param>
    public void Flush(int maxBytes)
    {
        Volatile.Write(ref _announced, 0);
        while (!_ready.IsEmpty)
        {
            var batch = new BatchCommandsResponse();
            var bytes = 0;
            while (bytes < maxBytes && _ready.TryDequeue(out var next))
            {
                bytes += next.Response.CalculateSize() + 16;
                batch.RequestIds.Add(next.RequestId);
                batch.Responses.Add(BatchCommandsCases.ToResponse(next.Response));
                Outstanding--;
            }

            if (batch.RequestIds.Count > 0)
                sender.Tell(batch);
        }
    }
}
