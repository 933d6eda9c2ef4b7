using Akka.Actor;
using Google.Protobuf;
using TiKvActors.Actors.Nodes;
using TiKvActors.Actors.Placement;
using TiKvActors.Actors.Stores;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;
using Error = TiKvActors.Protocol.Errorpb.Error;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Actors.Gateway;

/// <summary>
/// Requests without a context: finds the regions of their keys, sends each its share with a context, follows region errors until the
/// deadline, and puts the answers together. Not an actor: it runs on the thread pool, so its parts are thread-safe.
/// </summary>
internal sealed class RequestRouter(ActorSystem system, IActorRef gateway, ICanTell pd, GatewaySettings settings, StoreServices services)
{
    private readonly Lock _gate = new();
    private readonly RegionTable _regions = new();

    // Regions that a store has contradicted: PD is asked again.
    private readonly HashSet<ulong> _stale = [];

    private APIVersion Mode => services.ApiVersion;

    /// <param name="maxResponseBytes">What the caller can take.</param>
    public async Task<IMessage> RouteAsync(IRegionRequest request, int maxResponseBytes)
    {
        var asked = request.Context?.MaxExecutionDurationMs ?? 0;
        var call = new RoutedCall(
            request.Context,
            services.Clock.Now + (asked == 0 ? settings.DefaultDeadline : TimeSpan.FromMilliseconds(Math.Min(asked, uint.MaxValue))));
        return request switch
        {
            RawGetRequest m => await SendAsync(call, m.Key, _ => m.Clone()),
            RawPutRequest m => await SendAsync(call, m.Key, _ => m.Clone()),
            RawDeleteRequest m => await SendAsync(call, m.Key, _ => m.Clone()),
            RawCASRequest m => await SendAsync(call, m.Key, _ => m.Clone()),
            RawGetKeyTTLRequest m => await SendAsync(call, m.Key, _ => m.Clone()),
            SplitRegionRequest { SplitKeys: [var key] } m => await SendAsync(call, key, _ => m.Clone()),
            SplitRegionRequest m =>
                RequestScope.Fail(m, RegionErrors.Other("a split without a context takes exactly one key in split_keys")),
            RawScanRequest m => await ScanAsync(call, m, (int)Math.Min(m.Limit, int.MaxValue), maxResponseBytes),
            RawBatchScanRequest m => await BatchScanAsync(call, m, maxResponseBytes),
            RawBatchGetRequest m => await BatchGetAsync(call, m, maxResponseBytes),
            RawBatchPutRequest m => await BatchPutAsync(call, m),
            RawBatchDeleteRequest m => await BatchDeleteAsync(call, m),
            RawDeleteRangeRequest m => await DeleteRangeAsync(call, m),
            RawChecksumRequest m => await ChecksumAsync(call, m),
            _ => throw new ArgumentException($"{request.Descriptor.FullName} cannot be routed", nameof(request)),
        };
    }

    private sealed record RoutedCall(Context? Context, TimeSpan Deadline);

    // ---- Requests of several regions

    private async Task<IMessage> ScanAsync(RoutedCall call, RawScanRequest request, int limit, int maxResponseBytes)
    {
        var result = new RawScanResponse();
        var start = request.StartKey;
        var leftBytes = maxResponseBytes;
        while (result.Kvs.Count < limit)
        {
            Region? region = null;
            var page = (RawScanResponse)await SendAsync(call, start, r =>
            {
                region = r;
                var part = request.Clone();
                part.StartKey = start;
                part.Limit = (uint)(limit - result.Kvs.Count);
                return part;
            }, request.Reverse, r => Math.Max(1, leftBytes - (NextEdge(r) is { } next ? next.Length + RequestScope.PairOverheadBytes : 0)));
            if (page is { RegionError: null, Kvs: [{ Error: not null }] } && result.Kvs.Count > 0)
            {
                // Not one more row: whether it is too large by itself the next scan says.
                result.ResumeKey = start;
                break;
            }

            if (page.RegionError is not null || page.Kvs is [{ Error: not null }])
                return page;
            result.Kvs.AddRange(page.Kvs);
            if (!page.ResumeKey.IsEmpty)
            {
                result.ResumeKey = page.ResumeKey;
                break;
            }

            // Fewer rows than asked for: the region is exhausted.
            if (result.Kvs.Count >= limit || NextEdge(region!) is not { } edge)
                break;
            start = edge;
            leftBytes -= page.CalculateSize();
        }

        return result;

        // Where the scan goes on after a region, in whose answer there must be room for saying so; null after the last one.
        ByteString? NextEdge(Region region)
        {
            var edge = request.Reverse ? region.StartKey : region.EndKey;
            return edge.IsEmpty || IsOutside(edge, request.EndKey, request.Reverse) ? null : RegionKeys.ToRawRequestKey(Mode, edge);
        }
    }

    private bool IsOutside(ByteString edge, ByteString end, bool isReverse)
    {
        var bound = RegionKeys.FromRawRequestKey(Mode, end);
        return !bound.IsEmpty && (isReverse ? KeyRange.Compare(edge, bound) <= 0 : KeyRange.Compare(edge, bound) >= 0);
    }

    private async Task<IMessage> BatchScanAsync(RoutedCall call, RawBatchScanRequest request, int maxResponseBytes)
    {
        var result = new RawBatchScanResponse();
        foreach (var range in request.Ranges)
        {
            var scan = new RawScanRequest
            {
                StartKey = range.StartKey,
                EndKey = range.EndKey,
                KeyOnly = request.KeyOnly,
                Reverse = request.Reverse,
                Cf = request.Cf,
                Limit = request.EachLimit
            };
            var rows = (RawScanResponse)await ScanAsync(call, scan, (int)Math.Min(request.EachLimit, int.MaxValue), maxResponseBytes);
            if (rows.RegionError is not null)
                return new RawBatchScanResponse { RegionError = rows.RegionError };
            result.Kvs.AddRange(rows.Kvs);
            if (!rows.ResumeKey.IsEmpty)
            {
                const string Why = "the rows do not fit one response: scan fewer ranges or rows, or raise max_response_bytes";
                return new RawBatchScanResponse { Kvs = { new KvPair { Error = new KeyError { Abort = Why } } } };
            }
        }

        return result;
    }

    private async Task<IMessage> BatchGetAsync(RoutedCall call, RawBatchGetRequest request, int maxResponseBytes)
    {
        var result = new BatchGetPairs(maxResponseBytes);
        var error = await ForEachShareAsync(
            call, request.Keys, k => k, keys => new RawBatchGetRequest { Keys = { keys }, Cf = request.Cf },
            response =>
            {
                var pairs = ((RawBatchGetResponse)response).Pairs;
                // A pair that is no key's: the share was refused as a whole.
                if (pairs is [{ Key.IsEmpty: true, Error: not null }])
                    return response;
                foreach (var pair in pairs)
                    result.Add(pair);
                return null;
            });
        return error ?? result.ToResponse();
    }

    private async Task<IMessage> BatchPutAsync(RoutedCall call, RawBatchPutRequest request)
    {
        var pairs = request.Pairs.Select((pair, i) => (Pair: pair, Ttl: RequestFactory.TtlOf(request, i))).ToList();
        var error = await ForEachShareAsync(
            call,
            pairs,
            p => p.Pair.Key,
            share => new RawBatchPutRequest { Pairs = { share.Select(p => p.Pair) }, Ttls = { share.Select(p => p.Ttl) }, Cf = request.Cf },
            TextError);
        return error ?? new RawBatchPutResponse();
    }

    private async Task<IMessage> BatchDeleteAsync(RoutedCall call, RawBatchDeleteRequest request) =>
        await ForEachShareAsync(
            call, request.Keys, k => k, keys => new RawBatchDeleteRequest { Keys = { keys }, Cf = request.Cf },
            TextError) ?? new RawBatchDeleteResponse();

    private async Task<IMessage> DeleteRangeAsync(RoutedCall call, RawDeleteRangeRequest request) =>
        await ForEachPartAsync(
            call, request.StartKey, request.EndKey,
            (start, end) => new RawDeleteRangeRequest { StartKey = start, EndKey = end, Cf = request.Cf }, TextError)
        ?? new RawDeleteRangeResponse();

    private async Task<IMessage> ChecksumAsync(RoutedCall call, RawChecksumRequest request)
    {
        var sum = new RawChecksumResponse();
        foreach (var range in request.Ranges)
        {
            var error = await ForEachPartAsync(
                call, range.StartKey, range.EndKey,
                (start, end) => new RawChecksumRequest { Ranges = { new Protocol.Kvrpcpb.KeyRange { StartKey = start, EndKey = end } } },
                response =>
                {
                    var part = (RawChecksumResponse)response;
                    sum.Checksum ^= part.Checksum;
                    sum.TotalKvs += part.TotalKvs;
                    sum.TotalBytes += part.TotalBytes;
                    return TextError(response);
                });
            if (error is not null)
                return error;
        }

        return sum;
    }

    private static IRegionResponse? TextError(IRegionResponse response) =>
        response is IErrorTextResponse { Error.Length: > 0 } ? response : null;

    /// <summary>Items by region; whatever a region refuses because it has changed is shared out anew.</summary>
    /// <param name="take">Takes over a share's answer; not null: the whole request's answer.</param>
    private async Task<IRegionResponse?> ForEachShareAsync<T>(
        RoutedCall call, IReadOnlyList<T> items, Func<T, ByteString> keyOf, Func<IReadOnlyList<T>, IRegionRequest> build,
        Func<IRegionResponse, IRegionResponse?> take)
    {
        var left = items.ToList();
        while (left.Count > 0)
        {
            List<T> share = [];
            // The share is made anew for each attempt: the region may have been split since.
            var response = await SendAsync(call, keyOf(left[0]), region =>
            {
                share = left.FindAll(item => KeyRange.Contains(region, RegionKeys.FromRawRequestKey(Mode, keyOf(item))));
                return build(share);
            });
            if (response.RegionError is not null || take(response) is not null)
                return response;
            var done = new HashSet<T>(share, ReferenceOrValue<T>());
            left.RemoveAll(done.Contains);
        }

        return null;
    }

    private static IEqualityComparer<T> ReferenceOrValue<T>() => EqualityComparer<T>.Default;

    private async Task<IRegionResponse?> ForEachPartAsync(
        RoutedCall call, ByteString start, ByteString end, Func<ByteString, ByteString, IRegionRequest> build,
        Func<IRegionResponse, IRegionResponse?> take)
    {
        while (true)
        {
            var partEnd = end;
            var response = await SendAsync(call, start, region =>
            {
                var clipped = KeyRange.MinEnd(RegionKeys.FromRawRequestKey(Mode, end), region.EndKey);
                partEnd = RegionKeys.ToRawRequestKey(Mode, clipped);
                return build(start, partEnd);
            });
            if (response.RegionError is not null || take(response) is not null)
                return response;
            if (partEnd.IsEmpty || partEnd.Equals(end))
                return null;
            start = partEnd;
        }
    }

    // ---- One region

    /// <summary>
    /// Sends what <paramref name="build"/> makes for the region of a key to its leader, again and again until the region takes it or the
    /// deadline is over. A write whose answer was lost is not sent again: its outcome is unknown.
    /// </summary>
    /// <param name="requestKey">Empty stands for the first key, or, before an edge, for the end of all keys.</param>
    /// <param name="before">The region that ends at or after the key, and begins before it.</param>
    /// <param name="maxResponseBytes">Null: as the caller has it.</param>
    private async Task<IRegionResponse> SendAsync(
        RoutedCall call, ByteString requestKey, Func<Region, IRegionRequest> build, bool before = false,
        Func<Region, int>? maxResponseBytes = null)
    {
        var backoff = settings.RetryBackoff;
        var problem = RegionErrors.DeadlineExceeded();
        var key = RegionKeys.FromRawRequestKey(Mode, requestKey);
        MetaPeer? guess = null;
        IRegionRequest? last = null;
        while (services.Clock.Now < call.Deadline)
        {
            if (await LocateAsync(key, before, call) is not { } info)
            {
                problem = RegionErrors.ServerIsBusy(
                    $"PD at {services.Settings.PdEndpoint} names no region for the key yet", settings.RetryBackoffMax);
            }
            else
            {
                var target = guess is not null && info.Region.Peers.Any(p => p.Id == guess.Id)
                    ? guess : info.Leader ?? info.Region.Peers[0];
                last = build(info.Region);
                last.Context = ContextFor(call, info.Region, target);
                if (maxResponseBytes is not null)
                    last.Context.MaxResponseBytes = (uint)maxResponseBytes(info.Region);
                var response = AddressOf(target.StoreId) is { } kv
                    ? await AskAsync<IRegionResponse>(kv, target.StoreId == services.StoreId ? new RoutedPart(last) : last, call.Deadline)
                    : null;
                switch (response)
                {
                    case { RegionError: null }:
                        return response;
                    case null:
                        guess = Next(info.Region, target);
                        Suspect(info, guess);
                        if (IsWrite(last) && AddressOf(target.StoreId) is not null)
                            return (IRegionResponse)RequestScope.Fail(
                                last, RegionErrors.UndeterminedResult($"store {target.StoreId} did not answer in time"));
                        break;
                    case { RegionError: { } error } when error.Kind() is RegionErrorKind.UndeterminedResult
                        or RegionErrorKind.RaftEntryTooLarge or RegionErrorKind.DiskFull or RegionErrorKind.Unknown:
                        return response;
                    default:
                        problem = response.RegionError;
                        var corrected = guess is null && problem.NotLeader?.Leader is { Id: not 0 };
                        guess = Correct(problem, info, target);
                        // Whoever was asked knows who leads: no reason to wait.
                        if (corrected)
                            continue;
                        break;
                }
            }

            await Task.Delay(backoff, CancellationToken.None);
            backoff = backoff * 2 < settings.RetryBackoffMax ? backoff * 2 : settings.RetryBackoffMax;
        }

        return (IRegionResponse)RequestScope.Fail(last ?? build(new Region()), problem);
    }

    /// <summary>Puts right what the error says is wrong in the picture of the regions.</summary>
    /// <returns>Whom to ask next; null for whoever is thought to lead.</returns>
    private MetaPeer? Correct(Error error, RegionInfo asked, MetaPeer target)
    {
        lock (_gate)
        {
            switch (error.Kind())
            {
                case RegionErrorKind.NotLeader when error.NotLeader.Leader is { Id: not 0 } leader:
                    if (_regions.Find(asked.Region.Id) is not null)
                        _regions.Report(asked.Region.Id, leader, asked.Term, 0, 0);
                    return leader;
                case RegionErrorKind.NotLeader or RegionErrorKind.RegionNotFound or RegionErrorKind.RegionNotInitialized:
                    _stale.Add(asked.Region.Id);
                    return Next(asked.Region, target);
                case RegionErrorKind.ServerIsBusy or RegionErrorKind.StaleCommand or RegionErrorKind.ReadIndexNotReady:
                    return target;
                default:
                    foreach (var region in error.EpochNotMatch?.CurrentRegions ?? [])
                        Learn(region, region.Peers.FirstOrDefault(p => p.StoreId == target.StoreId));
                    _stale.Add(asked.Region.Id);
                    return null;
            }
        }
    }

    /// <summary>The leader's store is silent: other requests try another peer first, which knows who leads now.</summary>
    private void Suspect(RegionInfo asked, MetaPeer next)
    {
        lock (_gate)
        {
            if (_regions.Find(asked.Region.Id) is not null)
                _regions.Report(asked.Region.Id, next, asked.Term, 0, 0);
        }
    }

    private static MetaPeer Next(Region region, MetaPeer after)
    {
        var index = 0;
        while (index < region.Peers.Count && region.Peers[index].Id != after.Id)
            index++;
        return region.Peers[(index + 1) % region.Peers.Count];
    }

    private Context ContextFor(RoutedCall call, Region region, MetaPeer leader)
    {
        var context = call.Context?.Clone() ?? new Context { ApiVersion = Mode };
        context.RegionId = region.Id;
        context.RegionEpoch = region.RegionEpoch;
        context.Peer = leader;
        context.ClusterId = services.ClusterId;
        context.MaxExecutionDurationMs = (ulong)Math.Max(1, (call.Deadline - services.Clock.Now).TotalMilliseconds);
        return context;
    }

    /// <summary>
    /// From the own picture, unless it is known to be wrong there; PD corrects it, and if PD is silent the old picture must do.
    /// </summary>
    private async Task<RegionInfo?> LocateAsync(ByteString key, bool before, RoutedCall call)
    {
        lock (_gate)
        {
            if (Find(key, before) is { } known && !_stale.Contains(known.Region.Id))
                return known;
        }

        IMessage question = before
            ? new ScanRegionsRequest { Header = PdHeader() }
            : new ScanRegionsRequest { Header = PdHeader(), StartKey = key, Limit = 16 };
        var answer = await AskAsync<ScanRegionsResponse>(pd, question, call.Deadline);
        lock (_gate)
        {
            foreach (var region in answer?.Header.Error is null ? answer?.Regions ?? [] : [])
            {
                _stale.Remove(region.Region_.Id);
                Learn(region.Region_, region.Leader is { Id: not 0 } leader ? leader : null);
            }

            var found = Find(key, before);
            if (found is not null)
                _stale.Remove(found.Region.Id);
            return found;
        }
    }

    private void Learn(Region region, MetaPeer? leader)
    {
        var (stale, _, replaced) = _regions.Judge(region);
        if (stale)
            return;
        foreach (var id in replaced)
            _regions.Remove(id);
        _regions.Put(region);
        if (leader is not null)
            _regions.Report(region.Id, leader, 0, 0, 0);
    }

    private RegionInfo? Find(ByteString key, bool before) => before ? FindBefore(key) : _regions.FindByKey(key);

    private RegionInfo? FindBefore(ByteString key) => _regions.All.LastOrDefault(r => KeyRange.ContainsAsEnd(r.Region, key));

    private ICanTell? AddressOf(ulong storeId)
    {
        if (storeId == services.StoreId)
            return gateway;
        return services.Addresses.TryGetValue(storeId, out var address) ? system.ActorSelection(NodePaths.Kv(system, address)) : null;
    }

    private RequestHeader PdHeader() => new() { ClusterId = services.ClusterId, SenderId = services.StoreId };

    /// <returns>Null if no answer came in time.</returns>
    private async Task<T?> AskAsync<T>(ICanTell target, object request, TimeSpan deadline)
        where T : class
    {
        var left = deadline - services.Clock.Now;
        if (left <= TimeSpan.Zero)
            return null;
        try
        {
            return await target.Ask<T>(request, left < settings.AttemptTimeout ? left : settings.AttemptTimeout);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    public static bool IsWrite(IRegionRequest request) =>
        request is RawPutRequest or RawDeleteRequest or RawCASRequest or RawBatchPutRequest or RawBatchDeleteRequest
            or RawDeleteRangeRequest or SplitRegionRequest;
}
