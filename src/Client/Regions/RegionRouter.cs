using Google.Protobuf;
using TiKvActors.Client.Calls;
using TiKvActors.Client.Cluster;
using TiKvActors.Client.Transport;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Client.Regions;

/// <summary>Brings requests to the leaders of their regions and tries again where that is safe. Any thread.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design", "CA1001", Justification = "A SemaphoreSlim without wait handle holds nothing, and late calls may still use it.")]
internal sealed class RegionRouter(RawKeySpace keys, PdClient pd, ITransport transport, ClientEnvironment environment)
{
    /// <summary>Greater than every key and boundary: for 'the last region'.</summary>
    private static readonly ByteString AboveAllKeys =
        ByteString.CopyFrom(Enumerable.Repeat((byte)0xFF, Protocol.RequestLimits.MaxKeyBytes + 1).ToArray());

    private readonly StoreTable _stores = new(pd, environment);
    private readonly SemaphoreSlim _loading = new(1);

    public RegionCache Cache { get; } = new();

    /// <summary>The region of a request key.</summary>
    public ValueTask<CachedRegion> LocateAsync(Call call, ByteString requestKey) =>
        Cache.Find(requestKey) is { } known
            ? new(known) : LoadAsync(call, () => Cache.Find(requestKey), () => AskForAsync(call, requestKey));

    /// <summary>The region of the keys just below an exclusive end; empty = the end of all keys.</summary>
    public ValueTask<CachedRegion> LocateBelowAsync(Call call, ByteString end) =>
        Cache.FindBelow(end) is { } known ? new(known) : LoadAsync(call, () => Cache.FindBelow(end), () => AskForBelowAsync(call, end));

    /// <summary>A request about one key, tried until it is answered.</summary>
    public async Task<TResponse> SendAsync<TResponse>(Call call, ByteString requestKey, Func<IRegionRequest> build)
        where TResponse : class, IRegionResponse
    {
        while (true)
        {
            var region = await LocateAsync(call, requestKey).ConfigureAwait(false);
            if (await TryAsync<TResponse>(call, region, build).ConfigureAwait(false) is { } response)
                return response;
        }
    }

    /// <summary>One try with one region. When it fails, the cache is corrected and the pause that is due is over.</summary>
    /// <param name="build">
    /// Makes the request without its context; a new one for every try, because an abandoned one may still be on its way.
    /// </param>
    /// <returns>Null: locate the region again (it may be several by now) and try again.</returns>
    public async Task<TResponse?> TryAsync<TResponse>(Call call, CachedRegion region, Func<IRegionRequest> build)
        where TResponse : class, IRegionResponse
    {
        call.ThrowIfOver();
        var peer = region.Target;
        if (await _stores.AddressOfAsync(call, peer.StoreId).ConfigureAwait(false) is not { } address)
        {
            Cache.Drop(region);
            call.Failed(Problem.Other, $"PD knows no address of store {peer.StoreId}");
            await call.PauseAsync(BackoffKind.RegionMiss).ConfigureAwait(false);
            return null;
        }

        var request = build();
        request.Context = ContextFor(call, region, peer, TimeoutOf(request));
        var response = await ExchangeAsync(call, region, peer, address, request).ConfigureAwait(false);
        if (response is null)
            return null;
        if (response.RegionError is { } error)
        {
            await OnRegionErrorAsync(call, error, region, peer).ConfigureAwait(false);
            return null;
        }
        if (Complaint(response) is { } complaint)
            throw call.Refused(complaint);
        if (response is TResponse expected)
            return expected;
        // It says nothing about what was asked.
        call.MayHaveHappenedUnlessRead();
        throw call.Refused($"store {peer.StoreId} answered {request.Descriptor.Name} with {response.Descriptor.Name}");
    }

    /// <param name="timeout">Of the attempt: a store drops what nobody waits for any more.</param>
    private Context ContextFor(Call call, CachedRegion region, Protocol.Metapb.Peer peer, TimeSpan timeout) => new()
    {
        RegionId = region.Region.Id,
        RegionEpoch = region.Region.RegionEpoch,
        Peer = peer,
        MaxExecutionDurationMs = (ulong)Math.Max(1, Math.Min(timeout.TotalMilliseconds, call.Remaining.TotalMilliseconds)),
        ApiVersion = keys.ApiVersion,
        KeyspaceId = keys.Keyspace.Value,
        ClusterId = pd.ClusterId,
        TraceId = call.TraceId,
        MaxResponseBytes = environment.Settings.MaxResponseBytes,
    };

    /// <returns>Null if there is no answer.</returns>
    private async Task<IRegionResponse?> ExchangeAsync(
        Call call, CachedRegion region, Protocol.Metapb.Peer peer, string address, IRegionRequest request)
    {
        var delivery = new Delivery();
        using var attempt = call.StartAttempt(TimeoutOf(request));
        try
        {
            return await transport.SendAsync(address, request, delivery, attempt.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (call.Cancellation.IsCancellationRequested)
        {
            if (delivery.MayHaveArrived())
                call.MayHaveHappenedUnlessRead();
            throw call.Cancelled();
        }
        catch (OperationCanceledException) when (!delivery.MayHaveArrived())
        {
            // It waited for its turn here. That says nothing about the store; those that were sent find out whether it answers.
            var text = $"{attempt.Timeout.TotalSeconds:0.###} s were too short to be sent to store {peer.StoreId} at {address}";
            call.Failed(Problem.ServerIsBusy, $"{text}: too many requests wait for it");
            await call.PauseAsync(BackoffKind.ServerIsBusy).ConfigureAwait(false);
            return null;
        }
        catch (OperationCanceledException)
        {
            var text = $"store {peer.StoreId} at {address} did not answer within {attempt.Timeout.TotalSeconds:0.###} s";
            if (attempt.Timeout < TimeoutOf(request))
                call.Inquiry.HeardNothingYet(region.Region, peer.StoreId, text);
            else
                call.Inquiry.Heard(region.Region, peer.StoreId, answered: false, text);
            await OnNoAnswerAsync(call, region, peer, delivery, text).ConfigureAwait(false);
            return null;
        }
        catch (NodeUnreachableException e) when (e.IsBusy)
        {
            call.Failed(Problem.ServerIsBusy, e.Message);
            await call.PauseAsync(BackoffKind.ServerIsBusy).ConfigureAwait(false);
            return null;
        }
        catch (NodeUnreachableException e)
        {
            _stores.Suspect();
            call.Inquiry.Heard(region.Region, peer.StoreId, answered: false, $"store {peer.StoreId} at {e.Message}");
            await OnNoAnswerAsync(call, region, peer, delivery, $"store {peer.StoreId} at {e.Message}").ConfigureAwait(false);
            return null;
        }
    }

    private static async Task OnNoAnswerAsync(Call call, CachedRegion region, Protocol.Metapb.Peer peer, Delivery delivery, string text)
    {
        call.Failed(Problem.NoLeader, text);
        if (delivery.MayHaveArrived())
            call.LostAnswer(text);
        region.TryAnotherThan(peer);
        await call.PauseAsync(BackoffKind.Unreachable).ConfigureAwait(false);
    }

    private async Task OnRegionErrorAsync(Call call, Protocol.Errorpb.Error error, CachedRegion region, Protocol.Metapb.Peer peer)
    {
        var text = $"region {region.Region.Id} on store {peer.StoreId}: {error.Message}";
        var reaction = RegionErrorPolicy.React(error, region, peer, Cache, keys.ApiVersion);
        call.Failed(reaction.Problem, text);
        call.Inquiry.Heard(region.Region, peer.StoreId, answered: true, error.Message);
        if (reaction.DropStore)
            _stores.Drop(peer.StoreId);
        switch (reaction.Verdict)
        {
            case RegionVerdict.OutcomeUnknown:
                call.LostAnswer(text);
                break;
            case RegionVerdict.Invalid:
                throw call.Invalid(text);
            case RegionVerdict.Refused:
                throw call.Refused(text);
        }
        if (reaction.Pause is { } pause)
            await call.PauseAsync(pause, reaction.AtLeast).ConfigureAwait(false);
        else if (!call.TakeFreeRetry())
            await call.PauseAsync(BackoffKind.NoLeader).ConfigureAwait(false);      // two stores may each name the other
    }

    /// <summary>Why the request itself was refused; each response says it in its own way.</summary>
    private static string? Complaint(IRegionResponse response)
    {
        var text = response switch
        {
            // It has happened; only the previous value did not fit, and that is what was expected.
            RawCASResponse { Succeed: true } => null,
            IErrorTextResponse r => r.Error,
            RawBatchGetResponse r => Abort(r.Pairs),
            RawScanResponse r => Abort(r.Kvs),
            RawBatchScanResponse r => Abort(r.Kvs),
            SplitRegionResponse r => r.Errors.Select(e => e.Abort).FirstOrDefault(),
            _ => null,
        };
        return string.IsNullOrEmpty(text) ? null : text;

        static string? Abort(IEnumerable<KvPair> pairs) =>
            pairs.Select(p => p.Error?.Abort).FirstOrDefault(abort => !string.IsNullOrEmpty(abort));
    }

    private TimeSpan TimeoutOf(IRegionRequest request) => request switch
    {
        RawScanRequest or RawBatchScanRequest or RawDeleteRangeRequest or RawChecksumRequest or SplitRegionRequest =>
            environment.Settings.SlowAttemptTimeout,
        _ => environment.Settings.AttemptTimeout,
    };

    /// <summary>One load at a time, because those who wait for it mostly find their region loaded too.</summary>
    private async ValueTask<CachedRegion> LoadAsync(Call call, Func<CachedRegion?> find, Func<Task<CachedRegion?>> ask)
    {
        while (true)
        {
            call.ThrowIfOver();
            if (!await EnterAsync(call).ConfigureAwait(false))
                continue;
            try
            {
                if ((find() ?? await ask().ConfigureAwait(false)) is { } region)
                    return region;
            }
            finally
            {
                _loading.Release();
            }
            call.Failed(Problem.Other, "PD knows no region for this key yet");
            await call.PauseAsync(BackoffKind.RegionMiss).ConfigureAwait(false);
        }
    }

    private async Task<bool> EnterAsync(Call call)
    {
        using var attempt = call.StartAttempt(environment.Settings.PdAttemptTimeout);
        try
        {
            await _loading.WaitAsync(attempt.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;       // the caller's loop finds out whether the call is over
        }
    }

    private async Task<CachedRegion?> AskForAsync(Call call, ByteString requestKey)
    {
        var start = RegionKeys.FromRawRequestKey(keys.ApiVersion, requestKey);
        var doubted = Cache.FindDoubted(requestKey);
        var response = await AskAsync<ScanRegionsResponse>(
            call, doubted, () => new ScanRegionsRequest { StartKey = start, Limit = environment.Settings.RegionsPerLoad })
            .ConfigureAwait(false);
        if (response is null)
            return Trust(doubted!);
        CachedRegion? found = null;
        foreach (var info in response.Regions)
            if (Learn(info.Region_, info.Leader) is { } region && region.Contains(requestKey))
                found = region;
        return found;
    }

    private async Task<CachedRegion?> AskForBelowAsync(Call call, ByteString end)
    {
        var key = end.IsEmpty ? AboveAllKeys : RegionKeys.FromRawRequestKey(keys.ApiVersion, end);
        var doubted = Cache.FindDoubtedBelow(end);
        var response = await AskAsync<GetRegionResponse>(call, doubted, () => new GetRegionRequest { RegionKey = key }).ConfigureAwait(false);
        if (response is null)
            return Trust(doubted!);
        if (Learn(response.Region, response.Leader) is { } holding && holding.ContainsBelow(end))
            return holding;
        response = await pd.AskAsync<GetRegionResponse>(call, () => new Protocol.GetPrevRegionRequest { RegionKey = key })
            .ConfigureAwait(false);
        return Learn(response.Region, response.Leader) is { } previous && previous.ContainsBelow(end) ? previous : null;
    }

    /// <summary>Stores go on without PD, and so do their clients: by what they knew last, which stores put right as far as they can.</summary>
    /// <returns>Null if PD does not answer and there is something to go by.</returns>
    private async Task<TResponse?> AskAsync<TResponse>(Call call, CachedRegion? doubted, Func<IPdRequest> build)
        where TResponse : class, IPdResponse =>
        doubted is null
            ? await pd.AskAsync<TResponse>(call, build).ConfigureAwait(false)
            : await pd.AskOnceAsync<TResponse>(call, build).ConfigureAwait(false);

    private CachedRegion Trust(CachedRegion doubted)
    {
        Cache.Insert(doubted);
        return doubted;
    }

    /// <returns>The region also if a newer one is known that overlaps it: its store will answer with what became of it.</returns>
    private CachedRegion? Learn(Protocol.Metapb.Region? region, Protocol.Metapb.Peer? leader)
    {
        if (region is null || CachedRegion.Create(keys.ApiVersion, region, leader) is not { } known)
            return null;
        Cache.Insert(known);
        return known;
    }
}
