using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Tests.Cluster;

/// <summary>
/// The thinnest possible client: any actor system that knows the messages asks any node, which routes. It repeats what had no effect
/// or has no harm when repeated, on the next node that runs.
/// </summary>
internal sealed class TestClient(ActorSystem system, TestCluster cluster)
{
    private static readonly RawKeySpace _keys = new(APIVersion.V2, KeyspaceId.Default);
    private static readonly TimeSpan _attempt = TimeSpan.FromSeconds(4);
    private int _next;

    public ActorSystem System => system;

    /// <summary>The nodes to ask. A test that kills nodes in unkind ways leaves them out: their silence would only be waited for.</summary>
    public Func<TestNode, bool> Asks { get; set; } = _ => true;

    public static ByteString Key(string key) => _keys.ToRequestKey(Encoding.UTF8.GetBytes(key));

    public static ByteString RegionKey(string key) => RegionKeys.FromRawRequestKey(APIVersion.V2, Key(key));

    public async Task PutAsync(string key, string value, ulong ttl = 0) => Check(await SendAsync<RawPutResponse>(
        () => new RawPutRequest { Key = Key(key), Value = ByteString.CopyFromUtf8(value), Ttl = ttl }));

    public async Task<string?> GetAsync(string key)
    {
        var response = await SendAsync<RawGetResponse>(() => new RawGetRequest { Key = Key(key) });
        Check(response);
        return response.NotFound ? null : response.Value.ToStringUtf8();
    }

    /// <returns>The result, or null if the outcome is unknown.</returns>
    public async Task<bool?> CompareAndSwapAsync(string key, string? expected, string value)
    {
        var request = new RawCASRequest
        {
            Key = Key(key),
            PreviousNotExist = expected is null,
            PreviousValue = ByteString.CopyFromUtf8(expected ?? ""),
            Value = ByteString.CopyFromUtf8(value),
        };
        var response = await AskAsync<RawCASResponse>(request);
        if (response is null or { RegionError: not null })
            return null;
        Check(response);
        return response.Succeed;
    }

    /// <summary>Asked for until it shows: of a split whose answer was lost, a repetition only says that the key begins a region.</summary>
    /// <param name="pointless">Whether nobody needs the split any more.</param>
    public Task SplitAsync(string key, Func<bool>? pointless = null) => Eventually.TrueAsync(
        async () =>
        {
            if (pointless?.Invoke() == true || (await cluster.LeaderOfAsync(key)).Status.Region.StartKey.Equals(RegionKey(key)))
                return true;
            await AskAsync<SplitRegionResponse>(new SplitRegionRequest { SplitKeys = { Key(key) }, IsRawKv = true });
            return false;
        },
        $"a region begins at \"{key}\"");

    /// <summary>Repeats until a node answers without a region error that asks for it.</summary>
    public async Task<T> SendAsync<T>(Func<IRegionRequest> build)
        where T : class, IRegionResponse
    {
        var last = "";
        return await Eventually.NotNullAsync(
            async () =>
            {
                var node = NextNode();
                var response = node is null ? null : await AskAsync<T>(node, WithContext(build()));
                last = $"node {node?.Number.ToString(CultureInfo.InvariantCulture) ?? "none"}: {response?.ToString() ?? "silent"}";
                return response is not null && MayStand(response) ? response : null;
            },
            () => $"{build().Descriptor.Name} is answered; last, {last}");
    }

    /// <returns>Null if nobody answered.</returns>
    public async Task<T?> AskAsync<T>(IRegionRequest request)
        where T : class, IRegionResponse =>
        NextNode() is { } node ? await AskAsync<T>(node, WithContext(request)) : null;

    public async Task<T?> AskAsync<T>(TestNode node, IMessage request)
        where T : class
    {
        try
        {
            return await Selection(node, "kv").Ask<T>(request, _attempt + TimeSpan.FromSeconds(2));
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    public async Task<List<Protocol.Pdpb.Region>> RegionsAsync()
    {
        var identity = await Selection(cluster.Node(1), "pd")
            .Ask<Protocol.GetClusterIdentityResponse>(new Protocol.GetClusterIdentityRequest { Header = new RequestHeader() }, _attempt);
        var header = new RequestHeader { ClusterId = identity.Header.ClusterId };
        return [.. (await Selection(cluster.Node(1), "pd")
            .Ask<ScanRegionsResponse>(new ScanRegionsRequest { Header = header }, _attempt)).Regions];
    }

    public ActorSelection Selection(TestNode node, string part) =>
        system.ActorSelection($"akka.tcp://tikv@127.0.0.1:{node.Port}/user/tikv/{part}");

    private TestNode? NextNode()
    {
        var running = cluster.Running.Where(Asks).ToList();
        return running.Count == 0 ? null : running[Interlocked.Increment(ref _next) % running.Count];
    }

    private static IRegionRequest WithContext(IRegionRequest request)
    {
        request.Context = new Context
        {
            ApiVersion = APIVersion.V2,
            MaxExecutionDurationMs = (ulong)_attempt.TotalMilliseconds,
            MaxResponseBytes = 4 << 20
        };
        return request;
    }

    private static bool MayStand(IRegionResponse response) =>
        response.RegionError is null || response.RegionError.Kind() is RegionErrorKind.RaftEntryTooLarge or RegionErrorKind.Unknown
            or RegionErrorKind.KeyNotInRegion;

    private static void Check(IErrorTextResponse response)
    {
        Assert.Null(response.RegionError);
        Assert.Equal("", response.Error);
    }
}

/// <summary>Writers that put until they are stopped; what was acknowledged can be checked afterwards.</summary>
internal sealed class WriteLoad : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, string> _acknowledged = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TestClient _client;
    private readonly string _letters;
    private readonly string _name;
    private readonly List<Task> _writers;
    private volatile TaskCompletionSource _mayWrite = new();
    private int _waiting;

    /// <param name="name">Within each key: tells the writes of one load from those of another.</param>
    /// <param name="swaps">Whether somebody also swaps values: what comes of it is not checked.</param>
    /// <param name="letters">
    /// First letters of the keys: they spread the load over the regions that a test splits off, or keep it within some.
    /// </param>
    public WriteLoad(
        TestClient client, int writers = 8, int valueBytes = 20, string letters = "abcdefghijklmnopqrstuvwxyz", string name = "",
        bool swaps = false)
    {
        _client = client;
        _name = name;
        _letters = letters;
        _mayWrite.SetResult();
        _writers = [.. Enumerable.Range(0, writers).Select(w => Task.Run(() => WriteAsync(w, valueBytes)))];
        if (swaps)
            _writers.Add(Task.Run(SwapAsync));
    }

    public int Acknowledged => _acknowledged.Count;

    /// <summary>Writers whose put is not answered yet.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public bool IsStopping => _stop.IsCancellationRequested;

    /// <summary>Waits for so many more acknowledged writes.</summary>
    public async Task ProgressAsync(int more)
    {
        var goal = Acknowledged + more;
        await Eventually.TrueAsync(
            () =>
            {
                if (_writers.Find(w => w.IsFaulted) is { } failed)
                    throw failed.Exception!;
                return Acknowledged >= goal;
            },
            $"{goal} writes are acknowledged");
    }

    /// <summary>What is under way goes on, nothing new begins before <see cref="Resume"/>.</summary>
    public void Pause() => _mayWrite = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Resume() => _mayWrite.TrySetResult();

    public async Task StopAsync()
    {
        Resume();
        await _stop.CancelAsync();
        await Task.WhenAll(_writers);
    }

    public async Task EveryAcknowledgedWriteIsThereAsync()
    {
        foreach (var share in _acknowledged.Chunk(200))
        {
            var response = await _client.SendAsync<RawBatchGetResponse>(
                () => new RawBatchGetRequest { Keys = { share.Select(p => TestClient.Key(p.Key)) } });
            var found = response.Pairs.ToDictionary(p => p.Key, p => p.Value.ToStringUtf8());
            foreach (var (key, value) in share)
                Assert.True(
                    found.TryGetValue(TestClient.Key(key), out var stored) && stored == value,
                    $"acknowledged write of {key} is lost (found: {found.GetValueOrDefault(TestClient.Key(key))})");
        }
    }

    public async ValueTask DisposeAsync()
    {
        Resume();
        await _stop.CancelAsync();
        await Task.WhenAll(_writers.Select(w => w.ContinueWith(_ => { }, TaskScheduler.Default)));
        _stop.Dispose();
    }

    private async Task SwapAsync()
    {
        var key = $"{_letters[0]}-swapped{_name}";
        while (!_stop.IsCancellationRequested)
        {
            await _mayWrite.Task;
            await _client.CompareAndSwapAsync(key, await _client.GetAsync(key), Guid.NewGuid().ToString());
        }
    }

    private async Task WriteAsync(int writer, int valueBytes)
    {
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var key = $"{_letters[(writer + i) % _letters.Length]}-{writer}-{i}{_name}";
            var value = $"{i}".PadRight(valueBytes, '.');
            await _mayWrite.Task;
            Interlocked.Increment(ref _waiting);
            await _client.PutAsync(key, value);
            Interlocked.Decrement(ref _waiting);
            _acknowledged[key] = value;
        }
    }
}
