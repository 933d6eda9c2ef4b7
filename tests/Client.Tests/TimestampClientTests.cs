using TiKvActors.Client.Cluster;
using TiKvActors.Client.Tests.Matrix;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Tests;

public class TimestampClientTests
{
    private const ulong First = (1UL << 20) - 2;

    private readonly FakeCluster _cluster = new();
    private readonly VirtualTime _time = new();

    private IEnumerable<uint> Counts => _cluster.PdRequests.Select(r => r.Request).OfType<TsoRequest>().Select(r => r.Count);

    [Fact]
    public async Task Who_asks_while_a_request_is_under_way_shares_the_next_one()
    {
        await using var admin = await ConnectAsync();
        var gate = new TaskCompletionSource<IPdResponse?>();
        _cluster.OnPd = (_, _, _) => gate.Task;
        var first = admin.GetTimestampAsync();
        var others = Enumerable.Range(0, 5).Select(_ => admin.GetTimestampAsync()).ToList();
        Assert.Equal([1u], Counts);
        _cluster.OnPd = null;
        gate.SetResult(null);
        Assert.Equal(First, await first);
        Assert.Equal(Enumerable.Range(1, 5).Select(i => First + (ulong)i), await Task.WhenAll(others));
        Assert.Equal([1u, 5u], Counts);
        Assert.Equal(First + 6, await admin.GetTimestampAsync());
    }

    [Fact]
    public async Task Callers_that_take_many_get_what_others_do_not()
    {
        await using var admin = await ConnectAsync();
        var gate = new TaskCompletionSource<IPdResponse?>();
        _cluster.OnPd = (_, _, _) => gate.Task;
        var one = admin.GetTimestampAsync();
        var (three, another, most) = (admin.GetTimestampsAsync(3), admin.GetTimestampAsync(), admin.GetTimestampsAsync(1 << 18));
        _cluster.OnPd = null;
        gate.SetResult(null);
        var firsts = await Task.WhenAll(one, three, another, most);
        Assert.Equal([First, First + 1, First + 4, First + 5], firsts);
        Assert.Equal([1u, 4u, 1u << 18], Counts);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => admin.GetTimestampsAsync(0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => admin.GetTimestampsAsync((1 << 18) + 1));
    }

    /// <summary>It is asked for again, and nobody else has joined meanwhile.</summary>
    [Fact]
    public async Task A_request_whose_answer_is_lost_is_repeated_as_it_was()
    {
        await using var admin = await ConnectAsync();
        var lost = new TaskCompletionSource<IPdResponse?>();
        _cluster.OnPd = (_, _, _) => lost.Task;
        var first = admin.GetTimestampAsync();
        var second = admin.GetTimestampAsync();
        _cluster.OnPd = null;
        lost.SetException(new NodeUnreachableException("n1:1", "gone"));
        await PassUntilAsync(() => first.IsCompleted);
        Assert.True(await first < await second);
        Assert.Equal([1u, 1u, 1u], Counts);
    }

    [Fact]
    public async Task A_refusal_reaches_everybody_in_the_request_and_nobody_else()
    {
        await using var admin = await ConnectAsync();
        var gate = new TaskCompletionSource<IPdResponse?>();
        _cluster.OnPd = (_, _, _) => gate.Task;
        var refused = admin.GetTimestampAsync();
        var served = admin.GetTimestampAsync();
        _cluster.OnPd = null;
        gate.SetResult(new TsoResponse
        {
            Header = new ResponseHeader { ClusterId = FakeCluster.Id, Error = new Error { Type = ErrorType.Unknown, Message = "no" } },
        });
        Assert.Contains("no", (await Assert.ThrowsAsync<ServerErrorException>(() => refused)).Message);
        Assert.Equal(First, await served);
    }

    [Fact]
    public async Task An_answer_of_another_size_is_refused()
    {
        await using var admin = await ConnectAsync();
        _cluster.OnPd = (_, _, _) => Task.FromResult<IPdResponse?>(new TsoResponse
        {
            Header = new ResponseHeader { ClusterId = FakeCluster.Id }, Count = 2, Timestamp = new Timestamp { Physical = 1 },
        });
        await Assert.ThrowsAsync<ServerErrorException>(() => admin.GetTimestampAsync());
    }

    /// <summary>Not when the time of somebody is over who came earlier, and not later either.</summary>
    [Fact]
    public async Task Everybody_waits_for_his_own_time()
    {
        await using var admin = await ConnectAsync();
        _cluster.OnPd = (_, _, _) => Task.FromException<IPdResponse?>(new NodeUnreachableException("n1:1", "away"));
        var begin = _time.GetTimestamp();
        var first = admin.GetTimestampAsync();
        await PassUntilAsync(() => _time.GetElapsedTime(begin) > TimeSpan.FromSeconds(5));
        var middle = _time.GetTimestamp();
        var second = admin.GetTimestampAsync();
        await PassUntilAsync(() => first.IsCompleted);
        Assert.Equal(TimeSpan.FromSeconds(10), _time.GetElapsedTime(begin));
        await Assert.ThrowsAsync<DeadlineExceededException>(() => first);
        Assert.False(second.IsCompleted);
        await PassUntilAsync(() => second.IsCompleted);
        Assert.Equal(TimeSpan.FromSeconds(10), _time.GetElapsedTime(middle));
        await Assert.ThrowsAsync<DeadlineExceededException>(() => second);
        _cluster.OnPd = null;
        Assert.Equal(First, await admin.GetTimestampAsync());
    }

    [Fact]
    public async Task Who_cancels_leaves_the_others_what_is_theirs()
    {
        await using var admin = await ConnectAsync();
        var gate = new TaskCompletionSource<IPdResponse?>();
        _cluster.OnPd = (_, _, _) => gate.Task;
        using var cancellation = new CancellationTokenSource();
        var cancelled = admin.GetTimestampAsync(cancellation.Token);
        var other = admin.GetTimestampAsync();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        _cluster.OnPd = null;
        gate.SetResult(null);
        Assert.Equal(First + 1, await other);
    }

    private async Task PassUntilAsync(Func<bool> isReached)
    {
        while (!isReached())
        {
            if (!_time.TryFireNext())
                await Task.Yield();
        }
    }

    private async Task<AdminClient> ConnectAsync()
    {
        var options = new RawClientOptions { TimeProvider = _time, Random = new Random(1), CallTimeout = TimeSpan.FromSeconds(10) };
        return new AdminClient(await ClusterConnection.OpenAsync(Endpoint.ParseList("n1:1"), _ => _cluster, options, default));
    }
}
