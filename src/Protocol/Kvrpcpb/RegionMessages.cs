using Google.Protobuf;
using TiKvActors.Protocol.Errorpb;

namespace TiKvActors.Protocol.Kvrpcpb;

/// <summary>What every request to <c>/user/tikv/kv</c> has.</summary>
public interface IRegionRequest : IMessage
{
    /// <summary>Null: the node that gets the request routes it.</summary>
    Context Context { get; set; }
}

/// <summary>What every response of <c>/user/tikv/kv</c> has.</summary>
public interface IRegionResponse : IMessage
{
    /// <summary>Null unless the request's context did not fit; nothing else of the response counts then.</summary>
    Error RegionError { get; set; }
}

/// <summary>A response that tells a failure of the request itself as text.</summary>
public interface IErrorTextResponse : IRegionResponse
{
    /// <summary>Empty on success.</summary>
    string Error { get; set; }
}

public sealed partial class RawGetRequest : IRegionRequest;

public sealed partial class RawGetResponse : IErrorTextResponse;

public sealed partial class RawBatchGetRequest : IRegionRequest;

public sealed partial class RawBatchGetResponse : IRegionResponse;

public sealed partial class RawPutRequest : IRegionRequest;

public sealed partial class RawPutResponse : IErrorTextResponse;

public sealed partial class RawBatchPutRequest : IRegionRequest;

public sealed partial class RawBatchPutResponse : IErrorTextResponse;

public sealed partial class RawDeleteRequest : IRegionRequest;

public sealed partial class RawDeleteResponse : IErrorTextResponse;

public sealed partial class RawBatchDeleteRequest : IRegionRequest;

public sealed partial class RawBatchDeleteResponse : IErrorTextResponse;

public sealed partial class RawScanRequest : IRegionRequest;

public sealed partial class RawScanResponse : IRegionResponse;

public sealed partial class RawDeleteRangeRequest : IRegionRequest;

public sealed partial class RawDeleteRangeResponse : IErrorTextResponse;

public sealed partial class RawBatchScanRequest : IRegionRequest;

public sealed partial class RawBatchScanResponse : IRegionResponse;

public sealed partial class RawCASRequest : IRegionRequest;

public sealed partial class RawCASResponse : IErrorTextResponse;

public sealed partial class RawGetKeyTTLRequest : IRegionRequest;

public sealed partial class RawGetKeyTTLResponse : IErrorTextResponse;

public sealed partial class RawChecksumRequest : IRegionRequest;

public sealed partial class RawChecksumResponse : IErrorTextResponse;

public sealed partial class SplitRegionRequest : IRegionRequest;

public sealed partial class SplitRegionResponse : IRegionResponse;
