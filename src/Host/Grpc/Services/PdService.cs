using System.Threading.Channels;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Host.Grpc.Services;

/// <summary>
/// <c>pdpb.PD</c>: passes requests to <c>/user/tikv/pd</c>, which finds PD wherever it runs. What differs from the actor protocol:
/// addresses are those of the gRPC ports, and some of PD's refusals are statuses of gRPC.
/// </summary>
internal sealed class PdService(Doors doors, GrpcAddresses addresses)
{
    /// <summary>Requests of one stream that wait for their timestamps.</summary>
    private const int MaxOpen = 1024;

    public GrpcService Create() => new GrpcService(PdpbReflection.Descriptor.Services[0])
        .Unary<GetMembersRequest, GetMembersResponse>("GetMembers", GetMembersRequest.Parser, MembersAsync)
        .Bidirectional<TsoRequest, TsoResponse>("Tso", TsoRequest.Parser, TimestampsAsync)
        .Unary("IsBootstrapped", IsBootstrappedRequest.Parser, AskAsync<IsBootstrappedRequest, IsBootstrappedResponse>)
        .Unary("AllocID", AllocIDRequest.Parser, AskAsync<AllocIDRequest, AllocIDResponse>)
        .Unary<GetStoreRequest, GetStoreResponse>("GetStore", GetStoreRequest.Parser, StoreAsync)
        .Unary<GetAllStoresRequest, GetAllStoresResponse>("GetAllStores", GetAllStoresRequest.Parser, StoresAsync)
        .Unary("GetRegion", GetRegionRequest.Parser, AskAsync<GetRegionRequest, GetRegionResponse>)
        .Unary<GetRegionRequest, GetRegionResponse>("GetPrevRegion", GetRegionRequest.Parser, (request, call) =>
            AskAsync<GetPrevRegionRequest, GetRegionResponse>(
                new GetPrevRegionRequest { Header = request.Header, RegionKey = request.RegionKey }, call))
        .Unary("GetRegionByID", GetRegionByIDRequest.Parser, AskAsync<GetRegionByIDRequest, GetRegionResponse>)
        .Unary("ScanRegions", ScanRegionsRequest.Parser, AskAsync<ScanRegionsRequest, ScanRegionsResponse>)
        .Unary("GetGCSafePoint", GetGCSafePointRequest.Parser, AskAsync<GetGCSafePointRequest, GetGCSafePointResponse>)
        .Unary("UpdateGCSafePoint", UpdateGCSafePointRequest.Parser, AskAsync<UpdateGCSafePointRequest, UpdateGCSafePointResponse>)
        .Unary(
            "UpdateServiceGCSafePoint", UpdateServiceGCSafePointRequest.Parser,
            AskAsync<UpdateServiceGCSafePointRequest, UpdateServiceGCSafePointResponse>)
        .Unary("GetGCState", GetGCStateRequest.Parser, AskAsync<GetGCStateRequest, GetGCStateResponse>)
        .Unary("AdvanceTxnSafePoint", AdvanceTxnSafePointRequest.Parser, AskAsync<AdvanceTxnSafePointRequest, AdvanceTxnSafePointResponse>)
        .Unary("AdvanceGCSafePoint", AdvanceGCSafePointRequest.Parser, AskAsync<AdvanceGCSafePointRequest, AdvanceGCSafePointResponse>)
        .Unary("SetGCBarrier", SetGCBarrierRequest.Parser, AskAsync<SetGCBarrierRequest, SetGCBarrierResponse>)
        .Unary("DeleteGCBarrier", DeleteGCBarrierRequest.Parser, AskAsync<DeleteGCBarrierRequest, DeleteGCBarrierResponse>)
        .Unary(
            "GetAllKeyspacesGCStates", GetAllKeyspacesGCStatesRequest.Parser,
            AskAsync<GetAllKeyspacesGCStatesRequest, GetAllKeyspacesGCStatesResponse>)
        .Unary("GetMinTS", GetMinTSRequest.Parser, AskAsync<GetMinTSRequest, GetMinTSResponse>);

    private Task<TResponse> AskAsync<TRequest, TResponse>(TRequest request, GrpcCall call)
        where TRequest : IPdRequest
        where TResponse : IPdResponse => doors.AskPdAsync<TResponse>(request, call);

    private async Task<GetMembersResponse> MembersAsync(GetMembersRequest request, GrpcCall call)
    {
        var response = await AskAsync<GetMembersRequest, GetMembersResponse>(request, call);
        return response.Header.Error is { } error
            ? throw new GrpcException(GrpcStatus.Unavailable, error.Message)
            : addresses.Translate(response);
    }

    private async Task<GetStoreResponse> StoreAsync(GetStoreRequest request, GrpcCall call)
    {
        var response = await AskAsync<GetStoreRequest, GetStoreResponse>(request, call);
        if (response.Store is { } store)
            response.Store = addresses.Translate(store);
        return response;
    }

    private async Task<GetAllStoresResponse> StoresAsync(GetAllStoresRequest request, GrpcCall call)
    {
        var response = await AskAsync<GetAllStoresRequest, GetAllStoresResponse>(request, call);
        return new GetAllStoresResponse { Header = response.Header, Stores = { response.Stores.Select(addresses.Translate) } };
    }

    /// <summary>Answers in the order of the requests, of which many may be under way.</summary>
    private async Task TimestampsAsync(MessageReader<TsoRequest> requests, MessageWriter<TsoResponse> responses, GrpcCall call)
    {
        var open = Channel.CreateBounded<Task<TsoResponse>>(MaxOpen);
        await Duplex.RunAsync(call.Cancellation, ReadAsync, WriteAsync);

        async Task ReadAsync(CancellationToken cancellation)
        {
            while (await requests.ReadAsync(cancellation) is { } request)
                await open.Writer.WriteAsync(AskAsync<TsoRequest, TsoResponse>(request, call), cancellation);
            open.Writer.Complete();
        }

        async Task WriteAsync(CancellationToken cancellation)
        {
            await foreach (var answer in open.Reader.ReadAllAsync(cancellation))
            {
                var response = await answer;
                if (response.Header.Error is { } error)
                    throw new GrpcException(
                        error.Type == ErrorType.InvalidValue ? GrpcStatus.InvalidArgument : GrpcStatus.Unavailable, error.Message);
                await responses.WriteAsync(response);
            }
        }
    }
}
