using System.Collections.Concurrent;
using Google.Protobuf;
using TiKvActors.Client.Regions;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Client.Tests;

/// <summary>
/// Three stores and PD in memory, behind the client's transport. Checks contexts as a store does. <see cref="OnKv"/> and
/// <see cref="OnPd"/> let a test answer, delay or lose what it wants to.
/// </summary>
internal sealed partial class FakeCluster : ITransport
{
    public const ulong Id = 4711;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<ByteString, ByteString> _data = new(ByteStringOrder.Instance);
    private readonly List<Region> _regions = [];
    private readonly Dictionary<ulong, ulong> _leaderStores = [];
    private ulong _lastId = 100;

    // Two more are of another millisecond.
    private long _lastTimestamp = (1L << 20) - 3;

    public FakeCluster(APIVersion apiVersion = APIVersion.V2)
    {
        ApiVersion = apiVersion;
        var region = new Region { Id = 1, RegionEpoch = new RegionEpoch { ConfVer = 1, Version = 1 } };
        for (ulong store = 1; store <= 3; store++)
            region.Peers.Add(new Peer { Id = 10 + store, StoreId = store });
        _regions.Add(region);
        _leaderStores[1] = 1;
    }

    public delegate Task<IRegionResponse?> KvHandler(string address, IRegionRequest request, Delivery delivery, CancellationToken attempt);

    public delegate Task<IPdResponse?> PdHandler(string address, IPdRequest request, CancellationToken attempt);

    public APIVersion ApiVersion { get; }

    /// <summary>host:port of each of the three stores.</summary>
    public IReadOnlyList<string> Addresses { get; set; } = ["n1:1", "n2:2", "n3:3"];

    /// <summary>Asked first; null = the cluster serves the request.</summary>
    public KvHandler? OnKv { get; set; }

    /// <summary>Asked first; null = the cluster serves the request.</summary>
    public PdHandler? OnPd { get; set; }

    public Func<string, MetaMembersRequest, Delivery, Task<MetaMembersResponse>>? OnMembers { get; set; }

    public ConcurrentQueue<(string Address, IRegionRequest Request)> KvRequests { get; } = new();

    public ConcurrentQueue<(string Address, IPdRequest Request)> PdRequests { get; } = new();

    /// <summary>Pairs or bytes at which a scan response is cut short; null = never.</summary>
    public int? CutScansAt { get; set; }

    public bool IsDisposed { get; private set; }

    public IReadOnlyList<Region> Regions
    {
        get { lock (_lock) return [.. _regions]; }
    }

    public async Task<RawClient> ConnectAsync(string config = "", string endpoints = "n1:1", TimeSpan? callTimeout = null)
    {
        var options = new RawClientOptions
        {
            Config = Akka.Configuration.ConfigurationFactory.ParseString(config),
            CallTimeout = callTimeout ?? TimeSpan.FromSeconds(10),
            Random = new Random(5),
        };
        return new RawClient(await Cluster.ClusterConnection.OpenAsync(Endpoint.ParseList(endpoints), _ => this, options, default));
    }

    /// <summary>The right part gets a new id, both a higher version.</summary>
    public void Split(string userKey)
    {
        lock (_lock)
        {
            var key = RegionKeyOf(userKey);
            var index = _regions.FindIndex(r => RegionKeys.Contains(r.StartKey.Span, r.EndKey.Span, key.Span));
            var (left, right) = (_regions[index].Clone(), _regions[index].Clone());
            (left.EndKey, right.StartKey, right.Id) = (key, key, ++_lastId);
            left.RegionEpoch.Version++;
            right.RegionEpoch.Version++;
            foreach (var peer in right.Peers)
                peer.Id = ++_lastId;
            _regions[index] = left;
            _regions.Insert(index + 1, right);
            _leaderStores[right.Id] = _leaderStores[left.Id];
        }
    }

    public void Lead(int regionIndex, ulong storeId)
    {
        lock (_lock)
            _leaderStores[_regions[regionIndex].Id] = storeId;
    }

    public async Task<IRegionResponse> SendAsync(string address, IRegionRequest request, Delivery delivery, CancellationToken attempt)
    {
        KvRequests.Enqueue((address, request));
        if (OnKv is { } handler && await handler(address, request, delivery, attempt) is { } answer)
            return answer;
        Assert.True(delivery.TryLeave());
        return Handle(address, request);
    }

    /// <summary>What a store makes of a request that has reached it.</summary>
    public IRegionResponse Handle(string address, IRegionRequest request)
    {
        lock (_lock)
            return Serve((ulong)Addresses.ToList().IndexOf(address) + 1, request);
    }

    public void Put(string userKey, string value)
    {
        lock (_lock)
            _data[RequestKeyOf(userKey)] = ByteString.CopyFromUtf8(value);
    }

    public string? Value(string userKey)
    {
        lock (_lock)
            return _data.GetValueOrDefault(RequestKeyOf(userKey))?.ToStringUtf8();
    }

    public async Task<IPdResponse> AskPdAsync(string address, IPdRequest request, CancellationToken attempt)
    {
        PdRequests.Enqueue((address, request));
        if (OnPd is { } handler && await handler(address, request, attempt) is { } answer)
            return answer;
        lock (_lock)
            return Serve(request);
    }

    public Task<StoreStatistics> AskStoreAsync(string address, StoreStatisticsRequest request, CancellationToken attempt) =>
        Task.FromResult(new StoreStatistics { StoreId = ulong.Parse(address.AsSpan(1, 1)) });

    public Task<MetaMembersResponse> AskMembersAsync(
        string address, MetaMembersRequest request, Delivery delivery, CancellationToken attempt)
    {
        delivery.TryLeave();
        return OnMembers!(address, request, delivery);
    }

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return default;
    }

    public ByteString RegionKeyOf(string userKey) => RegionKeys.FromRawRequestKey(ApiVersion, RequestKeyOf(userKey));

    private ByteString RequestKeyOf(string userKey) =>
        new RawKeySpace(ApiVersion, KeyspaceId.Default).ToRequestKey(System.Text.Encoding.UTF8.GetBytes(userKey));

    private IPdResponse Serve(IPdRequest request)
    {
        var header = new ResponseHeader { ClusterId = Id };
        if (request is not GetClusterIdentityRequest && request.Header?.ClusterId != Id)
            header.Error = new Protocol.Pdpb.Error
            {
                Type = ErrorType.Unknown,
                Message = $"mismatch cluster id, need {Id} but got {request.Header?.ClusterId}"
            };
        Region? holding(ByteString key) => _regions.FirstOrDefault(r => RegionKeys.Contains(r.StartKey.Span, r.EndKey.Span, key.Span));
        Peer leader(Region region) => region.Peers.Single(p => p.StoreId == _leaderStores[region.Id]);
        GetRegionResponse found(Region? region) =>
            new() { Header = header, Region = region, Leader = region is null ? null : leader(region) };
        switch (request)
        {
            case GetClusterIdentityRequest:
                return new GetClusterIdentityResponse { Header = header, ApiVersion = ApiVersion, Bootstrapped = true };
            case GetAllStoresRequest:
                return new GetAllStoresResponse
                {
                    Header = header,
                    Stores = { Enumerable.Range(1, 3).Select(i => new Store { Id = (ulong)i, Address = Addresses[i - 1] }) }
                };
            case GetRegionRequest r:
                return found(holding(r.RegionKey));
            case TsoRequest r:
                _lastTimestamp += r.Count;
                var highest = new Timestamp { Physical = _lastTimestamp >> 18, Logical = _lastTimestamp & 0x3FFFF };
                return new TsoResponse { Header = header, Count = r.Count, Timestamp = highest };
            case GetRegionByIDRequest r:
                return found(_regions.FirstOrDefault(region => region.Id == r.RegionId));
            case GetPrevRegionRequest r:
                var index = _regions.IndexOf(holding(r.RegionKey)!);
                return found(index > 0 ? _regions[index - 1] : null);
            case ScanRegionsRequest r:
                var from = _regions.IndexOf(holding(r.StartKey)!);
                var regions = _regions.Skip(from).Take(r.Limit <= 0 ? int.MaxValue : r.Limit);
                return new ScanRegionsResponse
                {
                    Header = header,
                    Regions = { regions.Select(region => new Protocol.Pdpb.Region { Region_ = region, Leader = leader(region) }) }
                };
            default:
                throw new NotSupportedException(request.Descriptor.FullName);
        }
    }

    private IRegionResponse Serve(ulong storeId, IRegionRequest request)
    {
        var context = request.Context;
        Assert.Equal(Id, context.ClusterId);
        Assert.Equal(ApiVersion, context.ApiVersion);
        Assert.InRange(context.MaxExecutionDurationMs, 1ul, 60_000ul);
        Assert.Equal(16, context.TraceId.Length);
        var region = _regions.FirstOrDefault(r => r.Id == context.RegionId);
        return Check(storeId, context, region, request) is { } error ? Failed(request, error) : Execute(region!, request);
    }

    private Protocol.Errorpb.Error? Check(ulong storeId, Context context, Region? region, IRegionRequest request)
    {
        if (context.Peer.StoreId != storeId)
            return RegionErrors.StoreNotMatch(context.Peer.StoreId, storeId);
        if (region is null)
            return RegionErrors.RegionNotFound(context.RegionId);
        if (region.Peers.FirstOrDefault(p => p.Id == context.Peer.Id) is not { } peer)
            return RegionErrors.MismatchPeerId(context.Peer.Id, 0);
        if (_leaderStores[region.Id] != storeId)
            return RegionErrors.NotLeader(region.Id, region.Peers.Single(p => p.StoreId == _leaderStores[region.Id]));
        if (context.RegionEpoch.Version != region.RegionEpoch.Version)
            return RegionErrors.EpochNotMatch(context.RegionEpoch, _regions.Where(r => r.Id >= region.Id));
        foreach (var key in KeysOf(request).Select(k => RegionKeys.FromRawRequestKey(ApiVersion, k)))
            if (!RegionKeys.Contains(region.StartKey.Span, region.EndKey.Span, key.Span))
                return RegionErrors.KeyNotInRegion(key, region);
        return null;
    }

    private static IEnumerable<ByteString> KeysOf(IRegionRequest request) => request switch
    {
        RawGetRequest r => [r.Key],
        RawPutRequest r => [r.Key],
        RawDeleteRequest r => [r.Key],
        RawCASRequest r => [r.Key],
        RawGetKeyTTLRequest r => [r.Key],
        RawBatchGetRequest r => r.Keys,
        RawBatchDeleteRequest r => r.Keys,
        RawBatchPutRequest r => r.Pairs.Select(p => p.Key),
        RawDeleteRangeRequest r => [r.StartKey],
        RawChecksumRequest r => r.Ranges.Select(range => range.StartKey),
        RawScanRequest { Reverse: false } r => [r.StartKey],
        _ => [],
    };
}
