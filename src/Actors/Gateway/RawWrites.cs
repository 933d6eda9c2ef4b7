using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Metapb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Raw;

namespace TiKvActors.Actors.Gateway;

/// <summary>Puts, deletes and range deletes: mutations in engine form, and the answer when they are applied.</summary>
internal sealed class RawWrite : WriteRequest
{
    /// <summary>What a mutation costs in an entry besides key and value.</summary>
    private const int MutationOverheadBytes = 24;

    private readonly RequestScope _scope;
    private readonly IMessage _request;
    private readonly IMessage _success;

    /// <param name="success">The response once the mutations are applied.</param>
    public RawWrite(IRegionRequest request, IMessage success, TimeSpan deadline, RequestScope scope, IReadOnlyList<Request> mutations)
        : base(request.Context, deadline)
    {
        _scope = scope;
        _request = request;
        _success = success;
        Mutations = mutations;
        var bytes = 0;
        foreach (var mutation in mutations)
            bytes += (mutation.Put?.Key.Length ?? mutation.Delete?.Key.Length ?? 0) + (mutation.Put?.Value.Length ?? 0);
        // Those of one mutation are within what an entry may have beyond the limit.
        Bytes = bytes + ((mutations.Count - 1) * MutationOverheadBytes);
    }

    public override IReadOnlyList<Request> Mutations { get; }

    public override int Bytes { get; }

    public override void Succeed() => _scope.Responder.Respond(_success);

    public override void Fail(Error error) => _scope.Responder.Respond(RequestScope.Fail(_request, error));

    /// <param name="ttl">Seconds; 0 = for ever. Becomes an absolute expiry here, before it is proposed (invariant 8).</param>
    public static Request Put(APIVersion mode, string cf, ByteString key, ByteString value, ulong ttl, ulong now) => new()
    {
        CmdType = CmdType.Put,
        Put = new PutRequest
        {
            Cf = cf,
            Key = RegionKeys.FromRawRequestKey(mode, key),
            Value = UnsafeByteOperations.UnsafeWrap(RawValue.Encode(mode, value.Span, ttl == 0 ? 0 : now + ttl)),
        },
    };

    public static Request Delete(APIVersion mode, string cf, ByteString key) => new()
    {
        CmdType = CmdType.Delete,
        Delete = new DeleteRequest { Cf = cf, Key = RegionKeys.FromRawRequestKey(mode, key) },
    };

    public static Request DeleteRange(APIVersion mode, string cf, ByteString start, ByteString end) => new()
    {
        CmdType = CmdType.DeleteRange,
        DeleteRange = new DeleteRangeRequest
        {
            Cf = cf,
            StartKey = RegionKeys.FromRawRequestKey(mode, start),
            EndKey = RegionKeys.FromRawRequestKey(mode, end)
        },
    };
}

internal sealed class RawCompareAndSwap(RawCASRequest request, TimeSpan deadline, RequestScope scope, ulong now)
    : CompareAndSwapRequest(request.Context, deadline)
{
    public override ByteString Key { get; } = RegionKeys.FromRawRequestKey(scope.Mode, request.Key);

    public override ColumnFamily Family { get; } = RawKeys.Family(request.Cf);

    public override Request? Decide(ByteString? current)
    {
        var matches = request.PreviousNotExist ? current is null : current is not null && current.Equals(request.PreviousValue);
        if (!matches)
            return null;
        return request.Delete
            ? RawWrite.Delete(scope.Mode, request.Cf, request.Key)
            : RawWrite.Put(scope.Mode, request.Cf, request.Key, request.Value, request.Ttl, now);
    }

    public override void Complete(bool swapped, ByteString? current) => scope.Respond(new RawCASResponse
    {
        Succeed = swapped,
        PreviousNotExist = current is null,
        PreviousValue = current ?? ByteString.Empty,
    });

    public override void Fail(Error error) => scope.Responder.Respond(new RawCASResponse { RegionError = error });

    public override void FailRead(string why) => scope.Responder.Respond(scope.Fail(request, why));
}

internal sealed class RawSplit(SplitRegionRequest request, IReadOnlyList<ByteString> splitKeys, TimeSpan deadline, RequestScope scope)
    : Regions.SplitRequest(request.Context, deadline)
{
    public override IReadOnlyList<ByteString> SplitKeys => splitKeys;

    public override void Succeed(IReadOnlyList<Region> regions)
    {
        var response = new SplitRegionResponse { Regions = { regions } };
        if (regions.Count == 2)
        {
#pragma warning disable CS0612 // Old clients read these.
            response.Left = regions[0];
            response.Right = regions[1];
#pragma warning restore CS0612
        }

        scope.Responder.Respond(response);
    }

    public override void Fail(Error error) => scope.Responder.Respond(new SplitRegionResponse { RegionError = error });
}
