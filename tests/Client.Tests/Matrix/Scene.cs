using TiKvActors.Client.Cluster;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Client.Tests.Matrix;

/// <summary>
/// One operation against a cluster of two regions whose answers a scenario spoils, in virtual time and on one thread. Watches what left,
/// what was executed and what the client was told, and judges the outcome by that alone.
/// </summary>
internal sealed class Scene
{
    public const int CallSeconds = 20;

    private readonly FakeCluster _cluster = new();
    private readonly CancellationTokenSource _cancellation = new();
    private readonly Operation _operation;
    private readonly Spoiler _spoiler;
    private bool _watching;
    private int _writesLeft;
    private int _writesExecuted;
    private int _writesAnswered;
    private int _underWay;

    private Scene(Operation operation, Spoiler spoiler) => (_operation, _spoiler) = (operation, spoiler);

    /// <summary>What a scenario does to a request, or null to let it pass.</summary>
    /// <param name="number">Of the request in this scene, from 1.</param>
    public delegate Task<IRegionResponse?> Spoiler(
        Scene scene, int number, string address, IRegionRequest request, Delivery delivery, CancellationToken attempt);

    public VirtualTime Time { get; } = new();

    public FakeCluster Cluster => _cluster;

    public int Requests { get; private set; }

    /// <summary>Times that the call looked at the clock, started a timer, or came to the transport.</summary>
    public int Points { get; private set; }

    public Exception? Failure { get; private set; }

    /// <summary>At this point the caller cancels; 0 = never.</summary>
    public int CancelAt { get; init; }

    /// <summary>At this point all of the call's time is over; 0 = never.</summary>
    public int ExpireAt { get; init; }

    public static Scene Run(
        Operation operation, Spoiler spoiler, int cancelAt = 0, int expireAt = 0, FakeCluster.PdHandler? pd = null, bool cold = false)
    {
        var scene = new Scene(operation, spoiler) { CancelAt = cancelAt, ExpireAt = expireAt };
        // xUnit's would take continuations to other threads.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            scene.Play(pd, cold);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
        return scene;
    }

    /// <summary>There is no answer before the attempt is given up, which is noticed on the thread that gives it up.</summary>
    public static async Task NeverAsync(CancellationToken attempt)
    {
        var given = new TaskCompletionSource();
        await using var registration = attempt.UnsafeRegister(_ => given.TrySetCanceled(attempt), null).ConfigureAwait(false);
        await given.Task.ConfigureAwait(false);
    }

    /// <summary>The network or the store takes the request; what becomes of it is the caller's business.</summary>
    public void Leave(IRegionRequest request, Delivery delivery)
    {
        Assert.True(delivery.TryLeave());
        if (IsWrite(request))
            _writesLeft++;
        Point();
    }

    /// <summary>The store does what the request says.</summary>
    public IRegionResponse Execute(string address, IRegionRequest request)
    {
        var response = _cluster.Handle(address, request);
        if (IsWrite(request) && response.RegionError is null)
            _writesExecuted++;
        Point();
        return response;
    }

    private void Play(FakeCluster.PdHandler? pd, bool cold)
    {
        _cluster.Split("m");
        foreach (var key in new[] { "a", "b", "x", "y" })
            _cluster.Put(key, "old-" + key);
        var options = new RawClientOptions { CallTimeout = TimeSpan.FromSeconds(CallSeconds), Random = new Random(5), TimeProvider = Time };
        var connection = Finish(ClusterConnection.OpenAsync(Endpoint.ParseList("n1:1"), _ => _cluster, options, default));
        var (client, admin) = (new RawClient(connection), new AdminClient(connection));
        if (!cold)
            Finish(client.GetTtlAsync("a".B()));
        _cluster.OnKv = OnKv;
        _cluster.OnPd = async (address, request, attempt) =>
        {
            Point();
            return pd is null ? null : await pd(address, request, attempt).ConfigureAwait(false);
        };
        Time.OnUse = Point;
        _watching = true;
        var task = _operation.Invoke(client, admin, _cancellation.Token);
        // Cancelled, it must end without that any time passes; a cancelled wait goes on on another thread.
        while (!(_cancellation.IsCancellationRequested
            ? ((IAsyncResult)task).AsyncWaitHandle.WaitOne(TimeSpan.FromSeconds(60))
            : task.IsCompleted))
            Assert.True(
                !_cancellation.IsCancellationRequested && Time.TryFireNext(),
                $"{_operation} hangs: nothing is under way that could end it (cancelled at {CancelAt}, "
                    + $"expired at {ExpireAt}, {Points} points, {_underWay} under way)");
        _watching = false;
        Failure = task.Exception?.InnerException ?? (task.IsCanceled ? Record.ExceptionAsync(() => task).GetAwaiter().GetResult() : null);
        Judge();
        // Background look-ups end by their own time.
        while (Time.TryFireNext())
        {
        }
        // A cancelled wait cleans up on another thread.
        SpinWait.SpinUntil(() => Time.LiveTimers == 0 && Volatile.Read(ref _underWay) == 0, TimeSpan.FromSeconds(60));
        Assert.Equal((0, 0), (Time.LiveTimers, _underWay));
    }

    private T Finish<T>(Task<T> task)
    {
        while (!task.IsCompleted)
            Assert.True(Time.TryFireNext());
        return task.GetAwaiter().GetResult();
    }

    private async Task<IRegionResponse?> OnKv(string address, IRegionRequest request, Delivery delivery, CancellationToken attempt)
    {
        _underWay++;
        try
        {
            Requests++;
            Point();
            if (await _spoiler(this, Requests, address, request, delivery, attempt).ConfigureAwait(false) is not { } answer)
            {
                attempt.ThrowIfCancellationRequested();
                Leave(request, delivery);
                answer = Execute(address, request);
            }
            // As the real transport: who has given up is not answered any more.
            attempt.ThrowIfCancellationRequested();
            if (IsWrite(request) && answer.RegionError is null)
                _writesAnswered++;
            return answer;
        }
        finally
        {
            _underWay--;
        }
    }

    private void Point()
    {
        if (!_watching)
            return;
        Points++;
        if (Points == CancelAt)
            _cancellation.Cancel();
        if (Points == ExpireAt)
            Time.Pass(TimeSpan.FromSeconds(CallSeconds + 1));
    }

    /// <summary>The rules that hold whatever happened.</summary>
    private void Judge()
    {
        var isUndetermined = Failure is UndeterminedException or OperationCanceledException { InnerException: UndeterminedException };
        if (Failure is null)
        {
            if (_operation.IsWrite)
                Assert.True(
                    _writesAnswered >= _operation.Regions,
                    $"{_operation} succeeded, but only {_writesAnswered} of its {_operation.Regions} regions said so");
            _operation.Check(_cluster);
            return;
        }
        Assert.True(Failure is TikvException or OperationCanceledException, $"{_operation} failed with {Failure}");
        if (Failure is OperationCanceledException)
            Assert.NotEqual(0, CancelAt);
        if (!_operation.IsWrite)
            Assert.False(isUndetermined, $"{_operation} changes nothing, but is undetermined: {Failure}");
        else if (isUndetermined)
            Assert.True(_writesLeft > 0, $"{_operation} is undetermined, but nothing ever left: {Failure}");
        else
            Assert.True(
                _writesExecuted == _writesAnswered && (_operation.Regions > 1 || _writesExecuted == 0),
                $"{_operation} was executed, but failed: {Failure}");
    }

    private static bool IsWrite(IRegionRequest request) =>
        request is RawPutRequest or RawDeleteRequest or RawCASRequest or RawBatchPutRequest or RawBatchDeleteRequest
            or RawDeleteRangeRequest or SplitRegionRequest;
}
