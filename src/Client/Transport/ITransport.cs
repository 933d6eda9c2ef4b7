using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Transport;

/// <summary>Messages to nodes and back. Any thread.</summary>
internal interface ITransport : IAsyncDisposable
{
    /// <summary>One request to a node's <c>/user/tikv/kv</c>.</summary>
    /// <param name="address">host:port of the actor protocol.</param>
    /// <param name="delivery">Tells after an exception whether the node may have got the request.</param>
    /// <param name="attempt">For this request alone: what is registered with it is left to end with it.</param>
    /// <exception cref="NodeUnreachableException">The connection failed or broke, or too much waits for it.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    Task<IRegionResponse> SendAsync(string address, IRegionRequest request, Delivery delivery, CancellationToken attempt);

    /// <summary>One request to a node's <c>/user/tikv/pd</c>.</summary>
    /// <exception cref="NodeUnreachableException">The connection failed or broke.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    Task<IPdResponse> AskPdAsync(string address, IPdRequest request, CancellationToken attempt);

    /// <summary>Asks a node's <c>/user/tikv/store</c>.</summary>
    /// <exception cref="NodeUnreachableException">The connection failed or broke.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    Task<StoreStatistics> AskStoreAsync(string address, StoreStatisticsRequest request, CancellationToken attempt);

    /// <summary>Asks a node's <c>/user/tikv/members</c>.</summary>
    /// <param name="delivery">Tells after an exception whether the node may have got the request.</param>
    /// <exception cref="NodeUnreachableException">The connection failed or broke.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    Task<MetaMembersResponse> AskMembersAsync(string address, MetaMembersRequest request, Delivery delivery, CancellationToken attempt);
}

/// <summary>How far a request came; decided once, between the sender and a caller that gives up. Any thread.</summary>
internal sealed class Delivery
{
    private const int Waiting = 0;
    private const int Left = 1;
    private const int NeverArrived = 2;

    private int _state;

    /// <summary>Asked before the request is handed to the network; false if its caller has given up.</summary>
    public bool TryLeave() => Interlocked.CompareExchange(ref _state, Left, Waiting) == Waiting;

    /// <summary>The network did not carry it after all.</summary>
    public void WasNotCarried() => Interlocked.Exchange(ref _state, NeverArrived);

    /// <summary>Asked by a caller that gives up: whether the node may have got the request. If not, it never will.</summary>
    public bool MayHaveArrived() => Interlocked.CompareExchange(ref _state, NeverArrived, Waiting) == Left;
}

internal sealed class NodeUnreachableException(string address, string reason, bool isBusy = false) : Exception($"{address}: {reason}")
{
    /// <summary>The limit on waiting requests, not the network.</summary>
    public bool IsBusy { get; } = isBusy;
}
