namespace TiKvActors.Protocol.Pdpb;

/// <summary>What every request to <c>/user/tikv/pd</c> has.</summary>
public interface IPdRequest : Google.Protobuf.IMessage
{
    /// <summary>Its cluster id must be the cluster's, except in requests that learn it.</summary>
    RequestHeader Header { get; set; }
}

/// <summary>What every response of <c>/user/tikv/pd</c> has.</summary>
public interface IPdResponse : Google.Protobuf.IMessage
{
    /// <summary>Its error is null on success.</summary>
    ResponseHeader Header { get; set; }
}

public sealed partial class GetMembersRequest : IPdRequest;

public sealed partial class GetMembersResponse : IPdResponse;

public sealed partial class IsBootstrappedRequest : IPdRequest;

public sealed partial class IsBootstrappedResponse : IPdResponse;

public sealed partial class AllocIDRequest : IPdRequest;

public sealed partial class AllocIDResponse : IPdResponse;

public sealed partial class GetStoreRequest : IPdRequest;

public sealed partial class GetStoreResponse : IPdResponse;

public sealed partial class PutStoreRequest : IPdRequest;

public sealed partial class PutStoreResponse : IPdResponse;

public sealed partial class GetAllStoresRequest : IPdRequest;

public sealed partial class GetAllStoresResponse : IPdResponse;

public sealed partial class GetRegionRequest : IPdRequest;

public sealed partial class GetRegionResponse : IPdResponse;

public sealed partial class ScanRegionsRequest : IPdRequest;

public sealed partial class ScanRegionsResponse : IPdResponse;

public sealed partial class RegionHeartbeatRequest : IPdRequest;

public sealed partial class RegionHeartbeatResponse : IPdResponse;

public sealed partial class AskBatchSplitRequest : IPdRequest;

public sealed partial class AskBatchSplitResponse : IPdResponse;

public sealed partial class ReportBatchSplitRequest : IPdRequest;

public sealed partial class ReportBatchSplitResponse : IPdResponse;

public sealed partial class StoreHeartbeatRequest : IPdRequest;

public sealed partial class StoreHeartbeatResponse : IPdResponse;

public sealed partial class GetRegionByIDRequest : IPdRequest;

public sealed partial class TsoRequest : IPdRequest;

public sealed partial class TsoResponse : IPdResponse;

public sealed partial class GetGCSafePointRequest : IPdRequest;

public sealed partial class GetGCSafePointResponse : IPdResponse;

public sealed partial class UpdateGCSafePointRequest : IPdRequest;

public sealed partial class UpdateGCSafePointResponse : IPdResponse;

public sealed partial class UpdateServiceGCSafePointRequest : IPdRequest;

public sealed partial class UpdateServiceGCSafePointResponse : IPdResponse;

public sealed partial class GetGCStateRequest : IPdRequest;

public sealed partial class GetGCStateResponse : IPdResponse;

public sealed partial class AdvanceTxnSafePointRequest : IPdRequest;

public sealed partial class AdvanceTxnSafePointResponse : IPdResponse;

public sealed partial class AdvanceGCSafePointRequest : IPdRequest;

public sealed partial class AdvanceGCSafePointResponse : IPdResponse;

public sealed partial class SetGCBarrierRequest : IPdRequest;

public sealed partial class SetGCBarrierResponse : IPdResponse;

public sealed partial class DeleteGCBarrierRequest : IPdRequest;

public sealed partial class DeleteGCBarrierResponse : IPdResponse;

public sealed partial class GetAllKeyspacesGCStatesRequest : IPdRequest;

public sealed partial class GetAllKeyspacesGCStatesResponse : IPdResponse;

public sealed partial class GetMinTSRequest : IPdRequest;

public sealed partial class GetMinTSResponse : IPdResponse;
