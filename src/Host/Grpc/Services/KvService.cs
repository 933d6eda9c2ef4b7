using Google.Protobuf;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Tikvpb;

namespace TiKvActors.Host.Grpc.Services;

/// <summary>
/// <c>tikvpb.Tikv</c>: passes requests to <c>/user/tikv/kv</c>. TiKV's clients know nothing of answers that are cut short, so requests ask
/// for as much as <paramref name="maxResponseBytes"/>, and one whose answer would be longer is told to come back: <c>server_is_busy</c>.
/// </summary>
internal sealed class KvService(Doors doors, uint maxResponseBytes)
{
    private static readonly TimeSpan _backoff = TimeSpan.FromSeconds(1);

    public GrpcService Create() => new GrpcService(TikvpbReflection.Descriptor.Services[0])
        .Unary("RawGet", RawGetRequest.Parser, AskAsync<RawGetRequest, RawGetResponse>)
        .Unary("RawBatchGet", RawBatchGetRequest.Parser, AskAsync<RawBatchGetRequest, RawBatchGetResponse>)
        .Unary("RawPut", RawPutRequest.Parser, AskAsync<RawPutRequest, RawPutResponse>)
        .Unary("RawBatchPut", RawBatchPutRequest.Parser, AskAsync<RawBatchPutRequest, RawBatchPutResponse>)
        .Unary("RawDelete", RawDeleteRequest.Parser, AskAsync<RawDeleteRequest, RawDeleteResponse>)
        .Unary("RawBatchDelete", RawBatchDeleteRequest.Parser, AskAsync<RawBatchDeleteRequest, RawBatchDeleteResponse>)
        .Unary("RawScan", RawScanRequest.Parser, AskAsync<RawScanRequest, RawScanResponse>)
        .Unary("RawDeleteRange", RawDeleteRangeRequest.Parser, AskAsync<RawDeleteRangeRequest, RawDeleteRangeResponse>)
        .Unary("RawBatchScan", RawBatchScanRequest.Parser, AskAsync<RawBatchScanRequest, RawBatchScanResponse>)
        .Unary("RawGetKeyTTL", RawGetKeyTTLRequest.Parser, AskAsync<RawGetKeyTTLRequest, RawGetKeyTTLResponse>)
        .Unary("RawCompareAndSwap", RawCASRequest.Parser, AskAsync<RawCASRequest, RawCASResponse>)
        .Unary("RawChecksum", RawChecksumRequest.Parser, AskAsync<RawChecksumRequest, RawChecksumResponse>)
        .Unary("SplitRegion", SplitRegionRequest.Parser, AskAsync<SplitRegionRequest, SplitRegionResponse>)
        .Bidirectional<BatchCommandsRequest, BatchCommandsResponse>("BatchCommands", BatchCommandsRequest.Parser, BatchAsync);

    private async Task<TResponse> AskAsync<TRequest, TResponse>(TRequest request, GrpcCall call)
        where TRequest : IRegionRequest
        where TResponse : IMessage
    {
        Prepare(request, call.TimeLeft);
        var response = await Doors.AskAsync<TResponse>(doors.Kv, request, call);
        RefuseIfCut(response);
        return response;
    }

    private async Task BatchAsync(
        MessageReader<BatchCommandsRequest> requests, MessageWriter<BatchCommandsResponse> responses, GrpcCall call)
    {
        var stream = BatchStream.Start(doors.System, doors.Kv);
        try
        {
            await Duplex.RunAsync(
                call.Cancellation,
                cancellation => SubmitAllAsync(requests, stream, call, cancellation),
                cancellation => AnswerAllAsync(stream, responses, cancellation));
        }
        finally
        {
            stream.End();
        }
    }

    private async Task SubmitAllAsync(
        MessageReader<BatchCommandsRequest> requests, BatchStream stream, GrpcCall call, CancellationToken cancellation)
    {
        while (await requests.ReadAsync(cancellation) is { } batch)
        {
            foreach (var request in batch.Requests)
            {
                if (request.Message() is IRegionRequest message)
                    Prepare(message, call.TimeLeft);
            }

            await stream.SubmitAsync(batch, cancellation);
        }

        stream.End();
    }

    private static async Task AnswerAllAsync(
        BatchStream stream, MessageWriter<BatchCommandsResponse> responses, CancellationToken cancellation)
    {
        await foreach (var batch in stream.Responses.ReadAllAsync(cancellation))
        {
            foreach (var response in batch.Responses)
                RefuseIfCut(response.Message());
            await responses.WriteAsync(batch);
            stream.Sent(batch);
        }
    }

    private void Prepare(IRegionRequest request, TimeSpan? timeLeft)
    {
        var context = request.Context ??= new Context();
        if (context.MaxResponseBytes == 0)
            context.MaxResponseBytes = maxResponseBytes;
        // Work whose caller has given up is dropped.
        if (context.MaxExecutionDurationMs == 0 && timeLeft is { } left)
            context.MaxExecutionDurationMs = (ulong)Math.Max(1, left.TotalMilliseconds);
    }

    private static void RefuseIfCut(IMessage? response)
    {
        switch (response)
        {
            case RawScanResponse { ResumeKey.IsEmpty: false } scan:
                (scan.ResumeKey, scan.RegionError) = (ByteString.Empty, Busy());
                scan.Kvs.Clear();
                break;
            case RawBatchGetResponse get when get.Pairs.Any(p => p.Error is { Retryable.Length: > 0 }):
                get.Pairs.Clear();
                get.RegionError = Busy();
                break;
        }
    }

    private static Protocol.Errorpb.Error Busy() =>
        RegionErrors.ServerIsBusy("the response exceeds tikv.grpc.max-response-size: ask for less at a time", _backoff);
}
