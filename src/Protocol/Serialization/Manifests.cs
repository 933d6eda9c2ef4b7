using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using TiKvActors.Protocol.Keyspacepb;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Pdpb;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Protocol.Serialization;

/// <summary>
/// Manifest of every message that is sent or persisted by itself. Frozen: journals hold them, and nodes of different versions
/// exchange them. docs/wire.md shows the same table. A message is only ever added, under a manifest that was never used.
/// </summary>
public static class Manifests
{
    /// <summary>In the order of docs/wire.md.</summary>
    public static IReadOnlyList<(string Manifest, MessageDescriptor Message)> All { get; } =
    [
        ("BC", BatchCommandsRequest.Descriptor),
        ("BCr", BatchCommandsResponse.Descriptor),
        ("RG", RawGetRequest.Descriptor),
        ("RGr", RawGetResponse.Descriptor),
        ("RBG", RawBatchGetRequest.Descriptor),
        ("RBGr", RawBatchGetResponse.Descriptor),
        ("RP", RawPutRequest.Descriptor),
        ("RPr", RawPutResponse.Descriptor),
        ("RBP", RawBatchPutRequest.Descriptor),
        ("RBPr", RawBatchPutResponse.Descriptor),
        ("RD", RawDeleteRequest.Descriptor),
        ("RDr", RawDeleteResponse.Descriptor),
        ("RBD", RawBatchDeleteRequest.Descriptor),
        ("RBDr", RawBatchDeleteResponse.Descriptor),
        ("RS", RawScanRequest.Descriptor),
        ("RSr", RawScanResponse.Descriptor),
        ("RBS", RawBatchScanRequest.Descriptor),
        ("RBSr", RawBatchScanResponse.Descriptor),
        ("RRD", RawDeleteRangeRequest.Descriptor),
        ("RRDr", RawDeleteRangeResponse.Descriptor),
        ("RT", RawGetKeyTTLRequest.Descriptor),
        ("RTr", RawGetKeyTTLResponse.Descriptor),
        ("RC", RawCASRequest.Descriptor),
        ("RCr", RawCASResponse.Descriptor),
        ("RX", RawChecksumRequest.Descriptor),
        ("RXr", RawChecksumResponse.Descriptor),
        ("SR", SplitRegionRequest.Descriptor),
        ("SRr", SplitRegionResponse.Descriptor),

        ("pCI", GetClusterIdentityRequest.Descriptor),
        ("pCIr", GetClusterIdentityResponse.Descriptor),
        ("pGM", GetMembersRequest.Descriptor),
        ("pGMr", GetMembersResponse.Descriptor),
        ("pIB", IsBootstrappedRequest.Descriptor),
        ("pIBr", IsBootstrappedResponse.Descriptor),
        ("pAI", AllocIDRequest.Descriptor),
        ("pAIr", AllocIDResponse.Descriptor),
        ("pGS", GetStoreRequest.Descriptor),
        ("pGSr", GetStoreResponse.Descriptor),
        ("pPS", PutStoreRequest.Descriptor),
        ("pPSr", PutStoreResponse.Descriptor),
        ("pAS", GetAllStoresRequest.Descriptor),
        ("pASr", GetAllStoresResponse.Descriptor),
        ("pGR", GetRegionRequest.Descriptor),
        ("pGRr", GetRegionResponse.Descriptor),
        ("pGP", GetPrevRegionRequest.Descriptor),
        ("pGI", GetRegionByIDRequest.Descriptor),
        ("pSR", ScanRegionsRequest.Descriptor),
        ("pSRr", ScanRegionsResponse.Descriptor),
        ("pRH", RegionHeartbeatRequest.Descriptor),
        ("pRHr", RegionHeartbeatResponse.Descriptor),
        ("pSH", StoreHeartbeatRequest.Descriptor),
        ("pSHr", StoreHeartbeatResponse.Descriptor),
        ("pBS", AskBatchSplitRequest.Descriptor),
        ("pBSr", AskBatchSplitResponse.Descriptor),
        ("pRS", ReportBatchSplitRequest.Descriptor),
        ("pRSr", ReportBatchSplitResponse.Descriptor),
        ("pTS", TsoRequest.Descriptor),
        ("pTSr", TsoResponse.Descriptor),
        ("pSS", GetStoreStatusRequest.Descriptor),
        ("pSSr", GetStoreStatusResponse.Descriptor),
        ("pXS", RemoveStoreRequest.Descriptor),
        ("pXSr", RemoveStoreResponse.Descriptor),
        ("pCR", CancelStoreRemovalRequest.Descriptor),
        ("pCRr", CancelStoreRemovalResponse.Descriptor),
        ("pRB", RegionBeatsRequest.Descriptor),
        ("pRBr", RegionBeatsResponse.Descriptor),
        ("pGC", GetGCSafePointRequest.Descriptor),
        ("pGCr", GetGCSafePointResponse.Descriptor),
        ("pUG", UpdateGCSafePointRequest.Descriptor),
        ("pUGr", UpdateGCSafePointResponse.Descriptor),
        ("pUS", UpdateServiceGCSafePointRequest.Descriptor),
        ("pUSr", UpdateServiceGCSafePointResponse.Descriptor),
        ("pST", GetGCStateRequest.Descriptor),
        ("pSTr", GetGCStateResponse.Descriptor),
        ("pAT", AdvanceTxnSafePointRequest.Descriptor),
        ("pATr", AdvanceTxnSafePointResponse.Descriptor),
        ("pAG", AdvanceGCSafePointRequest.Descriptor),
        ("pAGr", AdvanceGCSafePointResponse.Descriptor),
        ("pSB", SetGCBarrierRequest.Descriptor),
        ("pSBr", SetGCBarrierResponse.Descriptor),
        ("pDB", DeleteGCBarrierRequest.Descriptor),
        ("pDBr", DeleteGCBarrierResponse.Descriptor),
        ("pKS", GetAllKeyspacesGCStatesRequest.Descriptor),
        ("pKSr", GetAllKeyspacesGCStatesResponse.Descriptor),
        ("pMT", GetMinTSRequest.Descriptor),
        ("pMTr", GetMinTSResponse.Descriptor),
        ("pLK", LoadKeyspaceRequest.Descriptor),
        ("pLKr", LoadKeyspaceResponse.Descriptor),
        ("pLI", LoadKeyspaceByIDRequest.Descriptor),
        ("pAK", GetAllKeyspacesRequest.Descriptor),
        ("pAKr", GetAllKeyspacesResponse.Descriptor),
        ("pUK", UpdateKeyspaceStateRequest.Descriptor),
        ("pUKr", UpdateKeyspaceStateResponse.Descriptor),
        ("pCK", CreateKeyspaceRequest.Descriptor),
        ("pCKr", CreateKeyspaceResponse.Descriptor),

        ("sRB", StoreRaftBatch.Descriptor),
        ("sSC", SnapshotChunkRequest.Descriptor),
        ("sSCr", SnapshotChunkResponse.Descriptor),
        ("sST", StoreStatisticsRequest.Descriptor),
        ("sSTr", StoreStatistics.Descriptor),

        ("mH", MetaHello.Descriptor),
        ("mHr", MetaHelloResponse.Descriptor),
        ("mR", MetaRequest.Descriptor),
        ("mRr", MetaResponse.Descriptor),
        ("mM", MetaMembersRequest.Descriptor),
        ("mMr", MetaMembersResponse.Descriptor),

        ("cM", MembershipRequest.Descriptor),
        ("cMr", MembershipResponse.Descriptor),
        ("cS", ClusterStateRequest.Descriptor),
        ("cSr", ClusterStateResponse.Descriptor),
        ("cC", ClusterChangeRequest.Descriptor),
        ("cCr", ClusterChangeResponse.Descriptor),

        ("eM", MoveShardsRequest.Descriptor),
        ("eMr", MoveShardsResponse.Descriptor),

        ("jRA", RaftAdvanced.Descriptor),
        ("jRT", RaftTruncated.Descriptor),
        ("dCI", ClusterIdentityDecided.Descriptor),
        ("dIW", IdWindowExtended.Descriptor),
        ("dST", StoreTableChanged.Descriptor),
        ("dCB", ClusterBootstrapped.Descriptor),
        ("dRT", RegionTableChanged.Descriptor),
        ("dPS", PlacementSnapshot.Descriptor),
        ("dIS", IncarnationStarted.Descriptor),
        ("dIR", IncarnationReleased.Descriptor),
        ("dTO", PlacementTakenOver.Descriptor),
        ("dTW", TimestampWindowExtended.Descriptor),
        ("dSP", SafePointsChanged.Descriptor),
        ("dKC", KeyspaceChanged.Descriptor),
    ];

    private static readonly FrozenDictionary<Type, string> ByType = All.ToFrozenDictionary(row => row.Message.ClrType, row => row.Manifest);

    private static readonly FrozenDictionary<string, MessageDescriptor> ByManifest =
        All.ToFrozenDictionary(row => row.Manifest, row => row.Message);

    /// <exception cref="ArgumentException">The message is not in the table.</exception>
    public static string Of(object message) => ByType.TryGetValue(message.GetType(), out var manifest) ? manifest
        : throw new ArgumentException(
            $"{message.GetType()} has no manifest: only messages listed in docs/wire.md are sent or persisted by themselves",
            nameof(message));

    /// <exception cref="ArgumentException">No message has this manifest.</exception>
    public static MessageDescriptor MessageOf(string manifest) => ByManifest.TryGetValue(manifest, out var message) ? message
        : throw new ArgumentException($"unknown manifest \"{manifest}\": sent or written by a newer program?", nameof(manifest));
}
