using System.Collections.Concurrent;
using Akka.Actor;
using Google.Protobuf;

namespace TiKvActors.Client.Transport;

/// <summary>One node's actors as the client sees them, and what they were asked by itself. Any thread.</summary>
internal sealed class Node(
    string hostPort, Address nodeAddress, IActorRef kv, IActorRef pd, IActorRef store, IActorRef members, int maxPendingRequests)
{
    /// <summary>By the message itself, not by what it holds.</summary>
    private readonly ConcurrentDictionary<object, UnansweredAsk> _asks = new(ReferenceEqualityComparer.Instance);

    public string HostPort { get; } = hostPort;

    public Address NodeAddress { get; } = nodeAddress;

    public IActorRef Kv { get; } = kv;

    public IActorRef Pd { get; } = pd;

    public IActorRef Store { get; } = store;

    public IActorRef Members { get; } = members;

    /// <summary>Of requests to regions.</summary>
    public PendingLimit Pending { get; } = new(maxPendingRequests);

    /// <summary>Set once, before the node is shared.</summary>
    public IActorRef Connection { get; set; } = ActorRefs.Nobody;

    /// <exception cref="NodeUnreachableException">The connection broke, or never was.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task<TResponse> AskAsync<TResponse>(IActorRef target, IMessage request, Delivery delivery, CancellationToken attempt)
    {
        using var ask = new UnansweredAsk(delivery, attempt);
        _asks[request] = ask;
        try
        {
            // No timeout of its own: the attempt's token ends it, by the client's clock.
            return await target.Ask<TResponse>(request, Timeout.InfiniteTimeSpan, ask.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or AskTimeoutException)
        {
            throw ask.Failure is { } reason
                ? new NodeUnreachableException(HostPort, reason)
                : new OperationCanceledException(e.Message, e, attempt);
        }
        finally
        {
            _asks.TryRemove(request, out _);
        }
    }

    /// <summary>Whatever was asked may have arrived; no answer will.</summary>
    public void Broken(string reason)
    {
        foreach (var ask in _asks.Values)
            ask.Fail(reason);
    }

    /// <summary>This message was not carried; of none that was asked by itself if it is another.</summary>
    public void NotCarried(object message, string reason)
    {
        if (_asks.TryGetValue(message, out var ask))
            ask.FailUncarried(reason);
    }
}
