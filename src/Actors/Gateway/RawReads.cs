using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Raw;

namespace TiKvActors.Actors.Gateway;

/// <summary>What the raw reads share: values without copies, expiry by the reader's clock, responses that fit the caller.</summary>
internal abstract class RawRead(IRegionRequest request, TimeSpan deadline, RequestScope scope) : ReadRequest(request.Context, deadline)
{
    protected RequestScope Scope => scope;

    protected APIVersion Mode => scope.Mode;

    public override void FailRead(string why) => scope.Responder.Respond(scope.Fail(request, why));

    /// <returns>Null if there is no live value.</returns>
    protected (ByteString Value, ulong Ttl)? ReadLive(IDataSnapshot snapshot, ColumnFamily family, ByteString regionKey, ulong now)
    {
        var stored = snapshot.Get(family, regionKey.Span);
        if (stored is null)
            return null;
        var value = RawValue.Decode(Mode, regionKey.Span, stored);
        if (value.IsExpired(now))
            return null;
        return (UnsafeByteOperations.UnsafeWrap(stored.AsMemory(0, value.UserValue.Length)), value.TtlAt(now));
    }

    protected ByteString RegionKey(ByteString requestKey) => RegionKeys.FromRawRequestKey(Mode, requestKey);

    protected static Error? CheckKey(Region region, ByteString regionKey) =>
        KeyRange.Contains(region, regionKey) ? null : RegionErrors.KeyNotInRegion(regionKey, region);
}

internal sealed class RawGet(RawGetRequest request, TimeSpan deadline, RequestScope scope) : RawRead(request, deadline, scope)
{
    private readonly ByteString _key = RegionKeys.FromRawRequestKey(scope.Mode, request.Key);

    public override bool IsScan => false;

    public override Error? CheckKeys(Region region) => CheckKey(region, _key);

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock)
    {
        var live = ReadLive(snapshot, RawKeys.Family(request.Cf), _key, clock.UnixSeconds);
        Scope.Respond(live is { } found ? new RawGetResponse { Value = found.Value } : new RawGetResponse { NotFound = true });
    }

    public override void Fail(Error error) => Scope.Responder.Respond(new RawGetResponse { RegionError = error });
}

internal sealed class RawGetTtl(RawGetKeyTTLRequest request, TimeSpan deadline, RequestScope scope) : RawRead(request, deadline, scope)
{
    private readonly ByteString _key = RegionKeys.FromRawRequestKey(scope.Mode, request.Key);

    public override bool IsScan => false;

    public override Error? CheckKeys(Region region) => CheckKey(region, _key);

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock)
    {
        var live = ReadLive(snapshot, RawKeys.Family(request.Cf), _key, clock.UnixSeconds);
        Scope.Respond(live is { } found ? new RawGetKeyTTLResponse { Ttl = found.Ttl } : new RawGetKeyTTLResponse { NotFound = true });
    }

    public override void Fail(Error error) => Scope.Responder.Respond(new RawGetKeyTTLResponse { RegionError = error });
}

internal sealed class RawBatchGet(RawBatchGetRequest request, TimeSpan deadline, RequestScope scope) : RawRead(request, deadline, scope)
{
    /// <summary>More keys than this are kept away from the readers that answer gets.</summary>
    private const int ManyKeys = 256;

    private readonly ByteString[] _keys = [.. request.Keys.Select(k => RegionKeys.FromRawRequestKey(scope.Mode, k))];

    public override bool IsScan => _keys.Length > ManyKeys;

    public override Error? CheckKeys(Region region)
    {
        foreach (var key in _keys)
        {
            if (CheckKey(region, key) is { } error)
                return error;
        }

        return null;
    }

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock)
    {
        var pairs = new BatchGetPairs(Scope.MaxResponseBytes);
        for (var i = 0; i < _keys.Length; i++)
        {
            if (ReadLive(snapshot, RawKeys.Family(request.Cf), _keys[i], clock.UnixSeconds) is { } found)
                pairs.Add(request.Keys[i], found.Value);
        }

        Scope.Respond(pairs.ToResponse());
    }

    public override void Fail(Error error) => Scope.Responder.Respond(new RawBatchGetResponse { RegionError = error });
}

internal sealed class RawScan(RawScanRequest request, TimeSpan deadline, RequestScope scope) : RawRead(request, deadline, scope)
{
    // In region keys. A reverse scan's start is its exclusive upper bound, its end the inclusive lower one.
    private readonly ByteString _lower = RegionKeys.FromRawRequestKey(scope.Mode, request.Reverse ? request.EndKey : request.StartKey);
    private readonly ByteString _upper = RegionKeys.FromRawRequestKey(scope.Mode, request.Reverse ? request.StartKey : request.EndKey);

    public override bool IsScan => true;

    public override Error? CheckKeys(Region region) => RowScan.CheckStart(region, request.Reverse ? _upper : _lower, request.Reverse);

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock)
    {
        var scan = new RowScan(
            snapshot, Mode, RawKeys.Family(request.Cf), region, _lower, _upper, request.Reverse, request.KeyOnly, Deadline, clock);
        var response = new RawScanResponse();
        var left = Scope.MaxResponseBytes;
        scan.Run((int)request.Limit, response.Kvs, ref left);
        if (scan.IsExpired)
        {
            Fail(RegionErrors.DeadlineExceeded());
            return;
        }

        if (scan.IsCutShort && response.Kvs.Count == 0)
        {
            // Not even one row fits: an error, rather than a scan that gets nowhere.
            Scope.Responder.Respond(Scope.Fail(
                request,
                $"a row of {scan.NextRowBytes} bytes (with the key to go on from) does not fit a response of {Scope.MaxResponseBytes} "
                    + "bytes: raise max_response_bytes"));
            return;
        }

        if (scan.IsCutShort)
            response.ResumeKey = scan.ResumeKey;
        Scope.Respond(response);
    }

    public override void Fail(Error error) => Scope.Responder.Respond(new RawScanResponse { RegionError = error });
}

/// <summary>Each range is clipped to the region; ranges outside it are the caller's mistake.</summary>
internal sealed class RawBatchScan(RawBatchScanRequest request, TimeSpan deadline, RequestScope scope) : RawRead(request, deadline, scope)
{
    public override bool IsScan => true;

    public override Error? CheckKeys(Region region)
    {
        foreach (var range in request.Ranges)
        {
            if (RowScan.CheckStart(region, RegionKey(range.StartKey), request.Reverse) is { } error)
                return error;
        }

        return null;
    }

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock)
    {
        var response = new RawBatchScanResponse();
        var left = Scope.MaxResponseBytes;
        foreach (var range in request.Ranges)
        {
            var (lower, upper) = request.Reverse ? (range.EndKey, range.StartKey) : (range.StartKey, range.EndKey);
            var scan = new RowScan(
                snapshot, Mode, RawKeys.Family(request.Cf), region, RegionKey(lower), RegionKey(upper), request.Reverse, request.KeyOnly,
                Deadline, clock);
            scan.Run((int)request.EachLimit, response.Kvs, ref left);
            if (scan.IsExpired)
            {
                Fail(RegionErrors.DeadlineExceeded());
                return;
            }

            if (scan.IsCutShort)
            {
                // This response has no way to say where to go on.
                Scope.Responder.Respond(Scope.Fail(
                    request,
                    $"the rows do not fit a response of {Scope.MaxResponseBytes} bytes: scan fewer ranges or rows, "
                        + "or raise max_response_bytes"));
                return;
            }
        }

        Scope.Respond(response);
    }

    public override void Fail(Error error) => Scope.Responder.Respond(new RawBatchScanResponse { RegionError = error });
}

internal sealed class RawChecksum(RawChecksumRequest request, TimeSpan deadline, RequestScope scope) : RawRead(request, deadline, scope)
{
    public override bool IsScan => true;

    public override Error? CheckKeys(Region region)
    {
        foreach (var range in request.Ranges)
        {
            if (RowScan.CheckStart(region, RegionKey(range.StartKey), isReverse: false) is { } error)
                return error;
        }

        return null;
    }

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock)
    {
        var sum = new RangeChecksum();
        foreach (var range in request.Ranges)
        {
            var scan = new RowScan(
                snapshot, Mode, ColumnFamily.Default, region, RegionKey(range.StartKey), RegionKey(range.EndKey), isReverse: false,
                keyOnly: false, Deadline, clock);
            scan.Sum(ref sum);
            if (scan.IsExpired)
            {
                Fail(RegionErrors.DeadlineExceeded());
                return;
            }
        }

        Scope.Respond(new RawChecksumResponse { Checksum = sum.Crc64Xor, TotalKvs = sum.TotalKvs, TotalBytes = sum.TotalBytes });
    }

    public override void Fail(Error error) => Scope.Responder.Respond(new RawChecksumResponse { RegionError = error });
}
