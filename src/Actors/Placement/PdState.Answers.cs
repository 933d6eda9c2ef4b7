using TiKvActors.Protocol;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Actors.Placement;

/// <summary>Headers and the read-only answers.</summary>
internal sealed partial class PdState
{
    /// <summary>On success <c>header.error</c> is absent: clients test its presence, not its type.</summary>
    private ResponseHeader Ok() => new() { ClusterId = ClusterId };

    private ResponseHeader Fail(ErrorType type, string message) =>
        new() { ClusterId = ClusterId, Error = new Error { Type = type, Message = message } };

    /// <summary>Callers try again after this error.</summary>
    private ResponseHeader? NotServing() => _whyNotServing is { } why ? Fail(ErrorType.NotBootstrapped, why) : null;

    private ResponseHeader? Refusal(RequestHeader? header)
    {
        if (NotServing() is { } notServing)
            return notServing;
        var claimed = header?.ClusterId ?? 0;
        return claimed == ClusterId ? null : Fail(ErrorType.Unknown, $"mismatch cluster id, need {ClusterId} but got {claimed}");
    }

    private ResponseHeader? WhenBootstrapped(RequestHeader? header)
    {
        if (Refusal(header) is { } refusal)
            return refusal;
        return IsBootstrapped
            ? null
            : Fail(
                ErrorType.NotBootstrapped,
                $"{_stores.Count} of {config.InitialStores} initial stores have registered: the cluster waits for the others");
    }

    private GetClusterIdentityResponse Identity() => new() { Header = Ok(), ApiVersion = ApiVersion, Bootstrapped = IsBootstrapped };

    /// <returns>Null if the oracle is to answer.</returns>
    public TsoResponse? Refuse(TsoRequest request)
    {
        var error = Refusal(request.Header);
        if (error is null && request.Count is 0 or > (uint)TimestampLayout.LogicalCount)
            error = Fail(ErrorType.InvalidValue, $"{request.Count} timestamps: it must be 1 to {TimestampLayout.LogicalCount}");
        return error is null ? null : new TsoResponse { Header = error };
    }

    /// <summary>Callers try again after it.</summary>
    public TsoResponse NoTimestamp(string why) => new() { Header = Fail(ErrorType.NotBootstrapped, why) };

    public TsoResponse Timestamps(uint count, long highest) => new()
    {
        Header = Ok(),
        Count = count,
        Timestamp = new Timestamp { Physical = TimestampLayout.Physical(highest), Logical = TimestampLayout.Logical(highest) },
    };

    /// <summary>One member for now, which leads.</summary>
    private GetMembersResponse Members()
    {
        var member = new Member { Name = "pd", MemberId = 1, ClientUrls = { $"http://{config.Address}" } };
        return new GetMembersResponse { Header = Ok(), Members = { member }, Leader = member };
    }

    private GetStoreResponse Get(GetStoreRequest request) =>
        _stores.Find(request.StoreId) is { } store
            ? new GetStoreResponse { Header = Ok(), Store = store, Stats = _stores.StatsOf(store.Id) }
            // Clients match this text.
            : new GetStoreResponse { Header = Fail(ErrorType.Unknown, $"invalid store ID {request.StoreId}, not found") };

    private GetAllStoresResponse GetAll(GetAllStoresRequest request)
    {
        var stores = _stores.All.Where(s => !request.ExcludeTombstoneStores || s.State != StoreState.Tombstone);
        return new GetAllStoresResponse { Header = Ok(), Stores = { stores } };
    }

    private GetRegionResponse Found(RegionInfo? info) =>
        info is null
            ? new GetRegionResponse { Header = Ok() }
            : new GetRegionResponse { Header = Ok(), Region = info.Region, Leader = LeaderInRegion(info) };

    private ScanRegionsResponse Scan(ScanRegionsRequest request)
    {
        var response = new ScanRegionsResponse { Header = Ok() };
        foreach (var info in Regions.Scan(request.StartKey, request.EndKey, request.Limit))
        {
            var leader = LeaderInRegion(info);
            response.Regions.Add(new Protocol.Pdpb.Region { Region_ = info.Region, Leader = leader });
            response.RegionMetas.Add(info.Region);
            response.Leaders.Add(leader ?? new Peer());
        }

        return response;
    }

    // The leader that reported last may have been removed since: clients require it to be one of the region's peers.
    private static Peer? LeaderInRegion(RegionInfo info) => info.Region.Peers.FirstOrDefault(p => p.Id == info.Leader?.Id);
}
