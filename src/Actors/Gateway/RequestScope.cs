using Akka.Event;
using Google.Protobuf;
using TiKvActors.Protocol.Kvrpcpb;
using Error = TiKvActors.Protocol.Errorpb.Error;

namespace TiKvActors.Actors.Gateway;

/// <summary>What belongs to one request besides its content: where the answer goes and how large it may be.</summary>
/// <param name="Mode">The cluster's.</param>
/// <param name="MaxResponseBytes">What the caller can take.</param>
internal sealed record RequestScope(IResponder Responder, APIVersion Mode, int MaxResponseBytes, ILoggingAdapter Log)
{
    /// <summary>A caller that says nothing has Akka's default frame of 128,000 bytes.</summary>
    public const int DefaultMaxResponseBytes = 100_000;

    /// <summary>What a pair costs in a response besides key and value.</summary>
    public const int PairOverheadBytes = 16;

    /// <summary>A response that the caller could not take becomes an error that says so: remoting would drop it.</summary>
    public void Respond(IMessage response)
    {
        var bytes = response.CalculateSize();
        if (bytes <= MaxResponseBytes + PairOverheadBytes)
        {
            Responder.Respond(response);
            return;
        }

        Log.ResponseTooLarge(response.Descriptor.Name, bytes, MaxResponseBytes);
        var why = $"the response of {bytes} bytes does not fit the caller's {MaxResponseBytes}: "
            + "raise max_response_bytes (and the caller's frame size), or ask for less";
        Responder.Respond(response switch
        {
            RawGetResponse => new RawGetResponse { Error = why },
            RawBatchGetResponse => new RawBatchGetResponse { Pairs = { Refusal(why) } },
            RawScanResponse => new RawScanResponse { Kvs = { Refusal(why) } },
            RawBatchScanResponse => new RawBatchScanResponse { Kvs = { Refusal(why) } },
            RawCASResponse cas => new RawCASResponse { Succeed = cas.Succeed, Error = why },
            _ => response,
        });
    }

    /// <summary>The request itself is wrong: says so in whatever way its response has.</summary>
    public IMessage Fail(IMessage request, string why) => request switch
    {
        RawGetRequest => new RawGetResponse { Error = why },
        RawBatchGetRequest => new RawBatchGetResponse { Pairs = { Refusal(why) } },
        RawPutRequest => new RawPutResponse { Error = why },
        RawBatchPutRequest => new RawBatchPutResponse { Error = why },
        RawDeleteRequest => new RawDeleteResponse { Error = why },
        RawBatchDeleteRequest => new RawBatchDeleteResponse { Error = why },
        RawScanRequest => new RawScanResponse { Kvs = { Refusal(why) } },
        RawBatchScanRequest => new RawBatchScanResponse { Kvs = { Refusal(why) } },
        RawDeleteRangeRequest => new RawDeleteRangeResponse { Error = why },
        RawGetKeyTTLRequest => new RawGetKeyTTLResponse { Error = why },
        RawCASRequest => new RawCASResponse { Error = why },
        RawChecksumRequest => new RawChecksumResponse { Error = why },
        SplitRegionRequest => new SplitRegionResponse { Errors = { new KeyError { Abort = why } } },
        _ => throw new ArgumentException($"{request.Descriptor.FullName} is no request of a region", nameof(request)),
    };

    /// <summary>The region could not be asked.</summary>
    public static IMessage Fail(IMessage request, Error error)
    {
        IRegionResponse response = request switch
        {
            RawGetRequest => new RawGetResponse(),
            RawBatchGetRequest => new RawBatchGetResponse(),
            RawPutRequest => new RawPutResponse(),
            RawBatchPutRequest => new RawBatchPutResponse(),
            RawDeleteRequest => new RawDeleteResponse(),
            RawBatchDeleteRequest => new RawBatchDeleteResponse(),
            RawScanRequest => new RawScanResponse(),
            RawBatchScanRequest => new RawBatchScanResponse(),
            RawDeleteRangeRequest => new RawDeleteRangeResponse(),
            RawGetKeyTTLRequest => new RawGetKeyTTLResponse(),
            RawCASRequest => new RawCASResponse(),
            RawChecksumRequest => new RawChecksumResponse(),
            SplitRegionRequest => new SplitRegionResponse(),
            _ => throw new ArgumentException($"{request.Descriptor.FullName} is no request of a region", nameof(request)),
        };
        response.RegionError = error;
        return response;
    }

    private static KvPair Refusal(string why) => new() { Error = new KeyError { Abort = why } };
}
