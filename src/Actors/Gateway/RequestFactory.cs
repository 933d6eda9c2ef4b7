using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftCmdpb;

namespace TiKvActors.Actors.Gateway;

/// <summary>From a client's message to what a region understands: checks first, then keys and values in engine form.</summary>
internal sealed class RequestFactory(MonotonicClock clock)
{
    /// <returns>The request, or why it is refused whatever the region.</returns>
    public (RegionRequest? Request, string? Refusal) Create(IRegionRequest message, TimeSpan deadline, RequestScope scope)
    {
        var mode = scope.Mode;
        if (Check(message, mode) is { } refusal)
            return (null, refusal);
        RegionRequest request = message switch
        {
            RawGetRequest m => new RawGet(m, deadline, scope),
            RawBatchGetRequest m => new RawBatchGet(m, deadline, scope),
            RawGetKeyTTLRequest m => new RawGetTtl(m, deadline, scope),
            RawScanRequest m => new RawScan(m, deadline, scope),
            RawBatchScanRequest m => new RawBatchScan(m, deadline, scope),
            RawChecksumRequest m => new RawChecksum(m, deadline, scope),
            RawPutRequest m => new RawWrite(
                m, new RawPutResponse(), deadline, scope, [RawWrite.Put(mode, m.Cf, m.Key, m.Value, m.Ttl, clock.UnixSeconds)]),
            RawDeleteRequest m => new RawWrite(m, new RawDeleteResponse(), deadline, scope, [RawWrite.Delete(mode, m.Cf, m.Key)]),
            RawBatchPutRequest m => new RawWrite(m, new RawBatchPutResponse(), deadline, scope, Puts(m, mode)),
            RawBatchDeleteRequest m =>
                new RawWrite(m, new RawBatchDeleteResponse(), deadline, scope, [.. m.Keys.Select(k => RawWrite.Delete(mode, m.Cf, k))]),
            RawDeleteRangeRequest m =>
                new RawWrite(m, new RawDeleteRangeResponse(), deadline, scope, [RawWrite.DeleteRange(mode, m.Cf, m.StartKey, m.EndKey)]),
            RawCASRequest m => new RawCompareAndSwap(m, deadline, scope, clock.UnixSeconds),
            SplitRegionRequest m => new RawSplit(m, SplitKeys(m, mode), deadline, scope),
            _ => throw new ArgumentException($"{message.Descriptor.FullName} is no request of a region", nameof(message)),
        };
        return (request, null);
    }

    /// <returns>Why the request is refused whatever the region; null if it is not.</returns>
    public static string? Check(IRegionRequest message, APIVersion mode) => RawKeys.CheckMode(message.Context, mode) ?? message switch
    {
        RawGetRequest m => RawKeys.CheckKey(m.Key, mode) ?? RawKeys.CheckFamily(m.Cf),
        RawBatchGetRequest m => First(m.Keys, k => RawKeys.CheckKey(k, mode)) ?? RawKeys.CheckFamily(m.Cf),
        RawGetKeyTTLRequest m => mode == APIVersion.V1
            ? "ttl is not enabled in API mode v1"
            : RawKeys.CheckKey(m.Key, mode) ?? RawKeys.CheckFamily(m.Cf),
        RawScanRequest m => (m.Reverse ? CheckReverse(m.StartKey, m.EndKey, mode) : RawKeys.CheckRange(m.StartKey, m.EndKey, mode))
            ?? CheckLimit(m.Limit) ?? RawKeys.CheckFamily(m.Cf),
        RawBatchScanRequest m => First(
            m.Ranges, r => m.Reverse ? CheckReverse(r.StartKey, r.EndKey, mode) : RawKeys.CheckRange(r.StartKey, r.EndKey, mode))
            ?? CheckLimit(m.EachLimit) ?? RawKeys.CheckFamily(m.Cf),
        RawChecksumRequest m => m.Algorithm == ChecksumAlgorithm.Crc64Xor
            ? First(m.Ranges, r => RawKeys.CheckRange(r.StartKey, r.EndKey, mode))
            : $"checksum algorithm {m.Algorithm} is unknown: it is Crc64_Xor",
        RawPutRequest m => RawKeys.CheckEntry(m.Key, m.Value.Length, mode) ?? RawKeys.CheckTtl(m.Ttl, mode) ?? RawKeys.CheckFamily(m.Cf),
        RawDeleteRequest m => RawKeys.CheckKey(m.Key, mode) ?? RawKeys.CheckFamily(m.Cf),
        RawBatchPutRequest m => CheckBatch(m, mode),
        RawBatchDeleteRequest m => First(m.Keys, k => RawKeys.CheckKey(k, mode)) ?? RawKeys.CheckFamily(m.Cf),
        RawDeleteRangeRequest m => RawKeys.CheckRange(m.StartKey, m.EndKey, mode) ?? RawKeys.CheckFamily(m.Cf),
        RawCASRequest m => RawKeys.CheckEntry(m.Key, m.Value.Length, mode) ?? RawKeys.CheckTtl(m.Ttl, mode) ?? RawKeys.CheckFamily(m.Cf),
        SplitRegionRequest m => CheckSplit(m, mode),
        _ => null,
    };

    private static string? First<T>(IEnumerable<T> items, Func<T, string?> check)
    {
        foreach (var item in items)
        {
            if (check(item) is { } complaint)
                return complaint;
        }

        return null;
    }

    private static string? CheckLimit(uint limit) =>
        limit is > 0 and <= int.MaxValue ? null : $"scan limit {limit}: a limit is at least 1 and at most {int.MaxValue}";

    /// <summary>A reverse scan's start is its upper bound; empty means unbounded there too.</summary>
    private static string? CheckReverse(ByteString start, ByteString end, APIVersion mode) => RawKeys.CheckRange(end, start, mode);

    private static string? CheckBatch(RawBatchPutRequest request, APIVersion mode)
    {
        if (request.Pairs.Count == 0)
            return "a batch put needs at least one pair";
        if (request.Ttls.Count > 1 && request.Ttls.Count != request.Pairs.Count)
            return $"{request.Ttls.Count} TTLs for {request.Pairs.Count} pairs: give none, one for all, or one each";
        return First(request.Pairs, p => RawKeys.CheckEntry(p.Key, p.Value.Length, mode))
            ?? First(request.Ttls, t => RawKeys.CheckTtl(t, mode))
#pragma warning disable CS0612 // Old clients set it.
            ?? RawKeys.CheckTtl(request.Ttl, mode)
#pragma warning restore CS0612
            ?? RawKeys.CheckFamily(request.Cf);
    }

    private Request[] Puts(RawBatchPutRequest request, APIVersion mode)
    {
        var now = clock.UnixSeconds;
        var puts = new Request[request.Pairs.Count];
        for (var i = 0; i < puts.Length; i++)
        {
            puts[i] = RawWrite.Put(mode, request.Cf, request.Pairs[i].Key, request.Pairs[i].Value, TtlOf(request, i), now);
        }

        return puts;
    }

    /// <returns>Seconds; 0 = for ever.</returns>
    public static ulong TtlOf(RawBatchPutRequest request, int pair)
    {
#pragma warning disable CS0612 // Old clients set one TTL for all.
        return request.Ttls.Count switch { 0 => request.Ttl, 1 => request.Ttls[0], _ => request.Ttls[pair] };
#pragma warning restore CS0612
    }

    private static string? CheckSplit(SplitRegionRequest request, APIVersion mode)
    {
        var keys = RequestedKeys(request);
        if (keys.Count == 0)
            return "a split needs at least one key";
        return First(keys, k => request.IsRawKv ? RawKeys.CheckKey(k, mode) : RequestLimits.CheckKey(k.Span));
    }

    private static List<ByteString> RequestedKeys(SplitRegionRequest request)
    {
#pragma warning disable CS0612 // Old clients give one key here.
        return request.SplitKeys.Count == 0 && !request.SplitKey.IsEmpty ? [request.SplitKey] : [.. request.SplitKeys];
#pragma warning restore CS0612
    }

    /// <summary>Ascending, each once. Keys of transactional data are encoded in every mode, raw ones as the mode has it.</summary>
    private static List<ByteString> SplitKeys(SplitRegionRequest request, APIVersion mode) =>
        [.. RequestedKeys(request)
            .Select(k => request.IsRawKv
                ? RegionKeys.FromRawRequestKey(mode, k)
                : UnsafeByteOperations.UnsafeWrap(Memcomparable.Encode(k.Span)))
            .Distinct()
            .Order(Comparer<ByteString>.Create(KeyRange.Compare))];
}
