using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Google.Protobuf;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Client.Tests.Transport;

/// <summary>The transport against a node's actors in the same system; every message goes through the serializer.</summary>
public sealed class ActorTransportTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ActorSystem _system = ActorSystem.Create("transport", ConfigurationFactory
        .ParseString("akka { loglevel = OFF, actor.serialize-messages = on }")
        .WithFallback(ConfigurationFactory.ParseString(ProtocolHocon.Reference)));

    private readonly ConcurrentQueue<BatchCommandsRequest> _batches = new();

    /// <summary>Scans are never answered here, and counted.</summary>
    private readonly SemaphoreSlim _scans = new(0);

    private Action<BatchCommandsRequest, IActorRef> _onBatch = FakeNode.AnswerAll;
    private Func<IMessage, IMessage?> _onOther = _ => null;
    private IActorRef _node = ActorRefs.Nobody;
    private ActorTransport _transport = null!;

    public Task InitializeAsync()
    {
        _node = _system.ActorOf(FakeNode.Props(
            (batch, sender) =>
            {
                if (batch.Requests[0].Message() is RawScanRequest)
                {
                    _scans.Release();
                    return;
                }
                _batches.Enqueue(batch);
                _onBatch(batch, sender);
            },
            message => _onOther(message)));
        _transport = Create(ClientSettings.Read(null));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _transport.DisposeAsync().AsTask().WaitAsync(Patience);
        await _system.Terminate().WaitAsync(Patience);
    }

    [Fact]
    public async Task A_request_is_answered()
    {
        var response = await GetAsync("k");
        Assert.Equal("k", response.Value.ToStringUtf8());
    }

    [Fact]
    public async Task Requests_that_wait_travel_together()
    {
        _transport = Create(ClientSettings.Read(null) with { MaxInFlightBatches = 1 });
        var held = new TaskCompletionSource<(BatchCommandsRequest, IActorRef)>();
        _onBatch = (batch, sender) => held.SetResult((batch, sender));
        var first = GetAsync("first");
        var (firstBatch, client) = await held.Task.WaitAsync(Patience);
        var later = Enumerable.Range(0, 50).Select(i => GetAsync($"k{i:00}")).ToList();
        await GiveUpAsync();       // a message behind all of theirs: they have arrived, and are not sent
        Assert.Single(_batches);

        _onBatch = FakeNode.AnswerAll;
        FakeNode.AnswerAll(firstBatch, client);
        await first.WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"k{i:00}"), (await Task.WhenAll(later).WaitAsync(Patience))
            .Select(r => r.Value.ToStringUtf8()));
        Assert.Equal(2, _batches.Count);
    }

    [Fact]
    public async Task Each_is_answered_as_soon_as_it_is_done()
    {
        var held = new TaskCompletionSource<IActorRef>();
        _transport = Create(ClientSettings.Read(null) with { MaxInFlightBatches = 1 });
        _onBatch = (_, sender) => held.TrySetResult(sender);
        var blocker = GetAsync("blocker");
        var client = await held.Task.WaitAsync(Patience);
        var pair = new TaskCompletionSource<BatchCommandsRequest>();
        _onBatch = (batch, _) => pair.TrySetResult(batch);
        var (one, two) = (GetAsync("1"), GetAsync("2"));
        await GiveUpAsync();
        Answer(client, _batches.First(), 0);
        await blocker.WaitAsync(Patience);

        var both = await pair.Task.WaitAsync(Patience);
        Assert.Equal(2, both.Requests.Count);
        Answer(client, both, 1);
        Assert.Equal("2", (await two.WaitAsync(Patience)).Value.ToStringUtf8());
        Assert.False(one.IsCompleted);
        Answer(client, both, 0);
        Assert.Equal("1", (await one.WaitAsync(Patience)).Value.ToStringUtf8());
    }

    [Fact]
    public async Task Scans_do_not_hold_up_gets()
    {
        _transport = Create(ClientSettings.Read(null) with { MaxInFlightBatches = 1 });
        var scan = _transport.SendAsync("node", new RawScanRequest(), new Delivery(), default);
        await GetAsync("k").WaitAsync(Patience);
        Assert.False(scan.IsCompleted);
    }

    [Fact]
    public async Task A_request_that_is_given_up_frees_its_place()
    {
        _transport = Create(ClientSettings.Read(null) with { MaxInFlightBatches = 1 });
        var arrived = new TaskCompletionSource();
        _onBatch = (_, _) => arrived.TrySetResult();
        using var cancellation = new CancellationTokenSource();
        var delivery = new Delivery();
        var lost = _transport.SendAsync("node", Get("lost"), delivery, cancellation.Token);
        await arrived.Task.WaitAsync(Patience);
        _onBatch = FakeNode.AnswerAll;
        var next = GetAsync("next");
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lost);
        Assert.True(delivery.MayHaveArrived());
        Assert.Equal("next", (await next.WaitAsync(Patience)).Value.ToStringUtf8());
    }

    [Fact]
    public async Task A_node_that_is_gone_is_noticed_and_nothing_was_carried()
    {
        await _node.GracefulStop(Patience);
        var delivery = new Delivery();
        var e = await Assert.ThrowsAsync<NodeUnreachableException>(
            () => _transport.SendAsync("node", Get("k"), delivery, default).WaitAsync(Patience));
        Assert.Contains("node: no connection", e.Message);
        Assert.False(delivery.MayHaveArrived());
    }

    [Fact]
    public async Task Too_many_waiting_requests_are_refused()
    {
        _transport = Create(ClientSettings.Read(null) with { MaxPendingRequests = 2 });
        _onBatch = (_, _) => { };
        var delivery = new Delivery();
        _ = GetAsync("1");
        _ = GetAsync("2");
        var e = await Assert.ThrowsAsync<NodeUnreachableException>(
            () => _transport.SendAsync("node", Get("3"), delivery, default).WaitAsync(Patience));
        Assert.True(e.IsBusy);
        Assert.False(delivery.MayHaveArrived());
    }

    [Fact]
    public async Task What_is_asked_by_itself_takes_a_place_too_and_gives_it_back()
    {
        _transport = Create(ClientSettings.Read(null) with { MaxPendingRequests = 2 });
        using var cancellation = new CancellationTokenSource();
        var swap = _transport.SendAsync("node", new RawCASRequest(), new Delivery(), cancellation.Token);
        var other = _transport.SendAsync("node", new RawCASRequest(), new Delivery(), default);
        foreach (var request in new IRegionRequest[] { new RawCASRequest(), Get("k") })
        {
            var delivery = new Delivery();
            var e = await Assert.ThrowsAsync<NodeUnreachableException>(
                () => _transport.SendAsync("node", request, delivery, default).WaitAsync(Patience));
            Assert.True(e.IsBusy);
            Assert.False(delivery.MayHaveArrived());
        }

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => swap.WaitAsync(Patience));
        Assert.Equal("k", (await GetAsync("k").WaitAsync(Patience)).Value.ToStringUtf8());
        Assert.False(other.IsCompleted);
    }

    [Fact]
    public async Task An_answer_of_another_kind_or_of_nobodys_request_is_no_answer()
    {
        _onBatch = (batch, sender) =>
        {
            sender.Tell(new BatchCommandsResponse
            {
                RequestIds = { 999_999 },
                Responses = { BatchCommandsCases.ToResponse(new RawGetResponse()) }
            });
            sender.Tell(new BatchCommandsResponse
            {
                RequestIds = { batch.RequestIds },
                Responses = { new BatchCommandsResponse.Types.Response() }
            });
        };
        Assert.Contains("of another version", (await Assert.ThrowsAsync<NodeUnreachableException>(() => GetAsync("k"))).Message);
    }

    [Fact]
    public async Task What_has_no_case_is_asked_by_itself()
    {
        _onOther = message => message is RawCASRequest ? new RawCASResponse { Succeed = true } : null;
        var response = await _transport.SendAsync("node", new RawCASRequest(), new Delivery(), default).WaitAsync(Patience);
        Assert.True(Assert.IsType<RawCASResponse>(response).Succeed);
        Assert.Empty(_batches);
    }

    [Fact]
    public async Task PD_is_asked()
    {
        _onOther = message => message is GetClusterIdentityRequest ? new GetClusterIdentityResponse { ApiVersion = APIVersion.V2 } : null;
        var response = await _transport.AskPdAsync("node", new GetClusterIdentityRequest { Header = new RequestHeader() }, default)
            .WaitAsync(Patience);
        Assert.Equal(APIVersion.V2, Assert.IsType<GetClusterIdentityResponse>(response).ApiVersion);
    }

    [Fact]
    public async Task An_unanswered_question_ends_with_its_token()
    {
        using var cancellation = new CancellationTokenSource(30);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _transport.AskPdAsync("node", new GetClusterIdentityRequest(), cancellation.Token).WaitAsync(Patience));
        var delivery = new Delivery();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _transport.SendAsync("node", new RawCASRequest(), delivery, cancellation.Token).WaitAsync(Patience));
    }

    [Fact]
    public async Task Closing_fails_what_is_under_way()
    {
        var arrived = new TaskCompletionSource();
        _onBatch = (_, _) => arrived.TrySetResult();
        var delivery = new Delivery();
        var get = _transport.SendAsync("node", Get("k"), delivery, default);
        var cas = _transport.SendAsync("node", new RawCASRequest(), new Delivery(), default);
        await arrived.Task.WaitAsync(Patience);
        await _transport.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.Contains(
            "the client was closed", (await Assert.ThrowsAsync<NodeUnreachableException>(() => get.WaitAsync(Patience))).Message);
        Assert.Contains(
            "the client was closed", (await Assert.ThrowsAsync<NodeUnreachableException>(() => cas.WaitAsync(Patience))).Message);
        Assert.True(delivery.MayHaveArrived());
    }

    /// <summary>Goes through the connection's mailbox behind everything that was sent before.</summary>
    private async Task GiveUpAsync()
    {
        using var cancellation = new CancellationTokenSource();
        var request = _transport.SendAsync("node", new RawScanRequest(), new Delivery(), cancellation.Token);
        await _scans.WaitAsync().WaitAsync(Patience);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request.WaitAsync(Patience));
    }

    private async Task<RawGetResponse> GetAsync(string key) =>
        Assert.IsType<RawGetResponse>(await _transport.SendAsync("node", Get(key), new Delivery(), default));

    private static RawGetRequest Get(string key) => new() { Key = ByteString.CopyFromUtf8(key) };

    private static void Answer(IActorRef client, BatchCommandsRequest batch, int index) => client.Tell(new BatchCommandsResponse
    {
        RequestIds = { batch.RequestIds[index] },
        Responses = { BatchCommandsCases.ToResponse(FakeNode.Echo(batch.Requests[index])) },
    });

    private ActorTransport Create(ClientSettings settings) =>
        new(_system, ownsSystem: false, settings, address =>
            new Node(address, new Address("akka", "elsewhere"), _node, _node, _node, _node, settings.MaxPendingRequests));
}
