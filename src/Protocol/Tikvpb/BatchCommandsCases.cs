using Google.Protobuf;
using TiKvActors.Protocol.Kvrpcpb;
using RequestCase = TiKvActors.Protocol.Tikvpb.BatchCommandsRequest.Types.Request.CmdOneofCase;
using ResponseCase = TiKvActors.Protocol.Tikvpb.BatchCommandsResponse.Types.Response.CmdOneofCase;

namespace TiKvActors.Protocol.Tikvpb;

/// <summary>Between messages and the cases of the batch envelope.</summary>
public static class BatchCommandsCases
{
    /// <summary>Whether a request can travel in a <see cref="BatchCommandsRequest"/>; the others are sent by themselves.</summary>
    public static bool HasCase(IMessage request) => request is
        RawGetRequest or RawBatchGetRequest or RawPutRequest or RawBatchPutRequest or RawDeleteRequest or RawBatchDeleteRequest
        or RawScanRequest or RawDeleteRangeRequest or RawBatchScanRequest or BatchCommandsEmptyRequest;

    /// <exception cref="ArgumentException">The message has no case in the envelope.</exception>
    public static BatchCommandsRequest.Types.Request ToRequest(IMessage request) => request switch
    {
        RawGetRequest m => new() { RawGet = m },
        RawBatchGetRequest m => new() { RawBatchGet = m },
        RawPutRequest m => new() { RawPut = m },
        RawBatchPutRequest m => new() { RawBatchPut = m },
        RawDeleteRequest m => new() { RawDelete = m },
        RawBatchDeleteRequest m => new() { RawBatchDelete = m },
        RawScanRequest m => new() { RawScan = m },
        RawDeleteRangeRequest m => new() { RawDeleteRange = m },
        RawBatchScanRequest m => new() { RawBatchScan = m },
        BatchCommandsEmptyRequest m => new() { Empty = m },
        _ => throw new ArgumentException($"{request.Descriptor.FullName} has no case in BatchCommandsRequest", nameof(request)),
    };

    /// <exception cref="ArgumentException">The message has no case in the envelope.</exception>
    public static BatchCommandsResponse.Types.Response ToResponse(IMessage response) => response switch
    {
        RawGetResponse m => new() { RawGet = m },
        RawBatchGetResponse m => new() { RawBatchGet = m },
        RawPutResponse m => new() { RawPut = m },
        RawBatchPutResponse m => new() { RawBatchPut = m },
        RawDeleteResponse m => new() { RawDelete = m },
        RawBatchDeleteResponse m => new() { RawBatchDelete = m },
        RawScanResponse m => new() { RawScan = m },
        RawDeleteRangeResponse m => new() { RawDeleteRange = m },
        RawBatchScanResponse m => new() { RawBatchScan = m },
        BatchCommandsEmptyResponse m => new() { Empty = m },
        _ => throw new ArgumentException($"{response.Descriptor.FullName} has no case in BatchCommandsResponse", nameof(response)),
    };

    /// <returns>Null for a case that this program does not know.</returns>
    public static IMessage? Message(this BatchCommandsRequest.Types.Request request) => request.CmdCase switch
    {
        RequestCase.RawGet => request.RawGet,
        RequestCase.RawBatchGet => request.RawBatchGet,
        RequestCase.RawPut => request.RawPut,
        RequestCase.RawBatchPut => request.RawBatchPut,
        RequestCase.RawDelete => request.RawDelete,
        RequestCase.RawBatchDelete => request.RawBatchDelete,
        RequestCase.RawScan => request.RawScan,
        RequestCase.RawDeleteRange => request.RawDeleteRange,
        RequestCase.RawBatchScan => request.RawBatchScan,
        RequestCase.Empty => request.Empty,
        _ => null,
    };

    /// <returns>Null for a case that this program does not know.</returns>
    public static IMessage? Message(this BatchCommandsResponse.Types.Response response) => response.CmdCase switch
    {
        ResponseCase.RawGet => response.RawGet,
        ResponseCase.RawBatchGet => response.RawBatchGet,
        ResponseCase.RawPut => response.RawPut,
        ResponseCase.RawBatchPut => response.RawBatchPut,
        ResponseCase.RawDelete => response.RawDelete,
        ResponseCase.RawBatchDelete => response.RawBatchDelete,
        ResponseCase.RawScan => response.RawScan,
        ResponseCase.RawDeleteRange => response.RawDeleteRange,
        ResponseCase.RawBatchScan => response.RawBatchScan,
        ResponseCase.Empty => response.Empty,
        _ => null,
    };
}
