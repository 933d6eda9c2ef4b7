using Google.Protobuf;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Client.Tests;

/// <summary>What a leader does with a request that it accepted.</summary>
internal sealed partial class FakeCluster
{
    public static IRegionResponse Failed(IRegionRequest request, Protocol.Errorpb.Error error)
    {
        var type = typeof(RawGetResponse).Assembly
            .GetType(request.GetType().FullName!.Replace("Request", "Response", StringComparison.Ordinal))!;
        var response = (IRegionResponse)Activator.CreateInstance(type)!;
        response.RegionError = error;
        return response;
    }

    public static IRegionResponse Refused(IRegionRequest request, string text)
    {
        var response = (IErrorTextResponse)Failed(request, null!);
        response.Error = text;
        return response;
    }

    private IRegionResponse Execute(Region region, IRegionRequest request)
    {
        switch (request)
        {
            case RawGetRequest r:
                return _data.TryGetValue(r.Key, out var value)
                    ? new RawGetResponse { Value = value }
                    : new RawGetResponse { NotFound = true };
            case RawPutRequest r:
                _data[r.Key] = r.Value;
                return new RawPutResponse();
            case RawDeleteRequest r:
                _data.Remove(r.Key);
                return new RawDeleteResponse();
            case RawCASRequest r:
                var present = _data.GetValueOrDefault(r.Key);
                var succeed = r.PreviousNotExist ? present is null : r.PreviousValue.Equals(present);
                if (succeed)
                    _data[r.Key] = r.Value;
                return new RawCASResponse
                {
                    Succeed = succeed,
                    PreviousNotExist = present is null,
                    PreviousValue = present ?? ByteString.Empty
                };
            case RawGetKeyTTLRequest r:
                return new RawGetKeyTTLResponse { NotFound = !_data.ContainsKey(r.Key) };
            case RawBatchGetRequest r:
                return new RawBatchGetResponse
                {
                    Pairs = { r.Keys.Where(_data.ContainsKey).Select(k => new KvPair { Key = k, Value = _data[k] }) }
                };
            case RawBatchPutRequest r:
                foreach (var pair in r.Pairs)
                    _data[pair.Key] = pair.Value;
                return new RawBatchPutResponse();
            case RawBatchDeleteRequest r:
                foreach (var key in r.Keys)
                    _data.Remove(key);
                return new RawBatchDeleteResponse();
            case RawScanRequest r:
                return Scan(region, r);
            case RawDeleteRangeRequest r:
                foreach (var pair in Range(region, r.StartKey, r.EndKey))
                    _data.Remove(pair.Key);
                return new RawDeleteRangeResponse();
            case RawChecksumRequest r:
                var pairs = r.Ranges.SelectMany(range => Range(region, range.StartKey, range.EndKey)).ToList();
                return new RawChecksumResponse
                {
                    Checksum = pairs.Aggregate(0ul, (sum, p) => sum ^ (ulong)p.Key.GetHashCode()),
                    TotalKvs = (ulong)pairs.Count,
                    TotalBytes = (ulong)pairs.Sum(p => p.Key.Length + p.Value.Length),
                };
            case SplitRegionRequest { IsRawKv: true } r:
                return new SplitRegionResponse { Regions = { region } };
            default:
                throw new NotSupportedException(request.Descriptor.FullName);
        }
    }

    private RawScanResponse Scan(Region region, RawScanRequest request)
    {
        IEnumerable<KeyValuePair<ByteString, ByteString>> pairs = request.Reverse
            ? Enumerable.Reverse(Range(region, request.EndKey, request.StartKey))
            : Range(region, request.StartKey, request.EndKey);
        var all = pairs.Take((int)request.Limit).ToList();
        var sent = all.Take(CutScansAt ?? int.MaxValue).ToList();
        var response = new RawScanResponse
        {
            Kvs = { sent.Select(p => new KvPair { Key = p.Key, Value = request.KeyOnly ? ByteString.Empty : p.Value }) }
        };
        if (sent.Count < all.Count)
            response.ResumeKey = request.Reverse ? sent[^1].Key : ByteString.CopyFrom([.. sent[^1].Key.Span, 0]);
        return response;
    }

    /// <summary>A store never looks beyond its region, whatever the request's bounds are.</summary>
    private List<KeyValuePair<ByteString, ByteString>> Range(Region region, ByteString start, ByteString end)
    {
        Assert.True(
            RegionKeys.CompareEnds(RegionKeys.FromRawRequestKey(ApiVersion, end).Span, region.EndKey.Span) <= 0,
            "the range ends beyond the region");
        Assert.True(
            RegionKeys.FromRawRequestKey(ApiVersion, start).Span.SequenceCompareTo(region.StartKey.Span) >= 0,
            "the range begins before the region");
        return [.. _data.Where(p => RegionKeys.Contains(start.Span, end.Span, p.Key.Span))];
    }
}
