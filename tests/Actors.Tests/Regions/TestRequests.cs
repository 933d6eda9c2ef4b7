using Google.Protobuf;
using TiKvActors.Actors.Regions;
using TiKvActors.Protocol.Errorpb;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Storage;
using TiKvActors.Storage.Data;
using Region = TiKvActors.Protocol.Metapb.Region;
using Request = TiKvActors.Protocol.RaftCmdpb.Request;

namespace TiKvActors.Actors.Tests.Regions;

/// <summary>What became of a request: the tests look at it instead of a client.</summary>
internal sealed class Outcome
{
    public bool IsSettled { get; private set; }

    public Error? Error { get; private set; }

    public object? Result { get; private set; }

    public RegionErrorKind? Kind => Error?.Kind();

    public void Set(Error? error, object? result = null)
    {
        Assert.False(IsSettled, "a request was answered twice");
        (IsSettled, Error, Result) = (true, error, result);
    }
}

internal static class Requests
{
    public static Context For(PeerCluster.Replica replica, ulong term = 0) => new()
    {
        RegionId = replica.Peer.Region.Id,
        RegionEpoch = replica.Peer.Region.RegionEpoch,
        Peer = replica.Peer.Self,
        Term = term,
    };

    public static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    public static Request Put(string key, string value) =>
        new() { CmdType = CmdType.Put, Put = new PutRequest { Key = Bytes(key), Value = Bytes(value) } };

    public static Request Delete(string key) => new() { CmdType = CmdType.Delete, Delete = new DeleteRequest { Key = Bytes(key) } };

    public static Request DeleteRange(string start, string end) =>
        new() { CmdType = CmdType.DeleteRange, DeleteRange = new DeleteRangeRequest { StartKey = Bytes(start), EndKey = Bytes(end) } };
}

internal sealed class TestWrite(Context context, TimeSpan deadline, params Request[] mutations) : WriteRequest(context, deadline)
{
    public Outcome Outcome { get; } = new();

    public override IReadOnlyList<Request> Mutations => mutations;

    public override int Bytes => mutations.Sum(m => (m.Put?.Key.Length ?? 0) + (m.Put?.Value.Length ?? 0));

    public override void Succeed() => Outcome.Set(null);

    public override void Fail(Error error) => Outcome.Set(error);

    public static TestWrite Put(PeerCluster.Replica at, string key, string value) =>
        new(Requests.For(at), TimeSpan.MaxValue, Requests.Put(key, value));
}

internal sealed class TestRead(Context context, TimeSpan deadline, string key) : ReadRequest(context, deadline)
{
    private readonly ByteString _key = Requests.Bytes(key);

    public Outcome Outcome { get; } = new();

    public override bool IsScan => false;

    public override Error? CheckKeys(Region region) => KeyRange.Contains(region, _key) ? null : RegionErrors.KeyNotInRegion(_key, region);

    public override void Execute(IDataSnapshot snapshot, Region region, MonotonicClock clock) => throw new NotSupportedException();

    public override void FailRead(string why) => Outcome.Set(null, why);

    public void Serve(MemoryStore store) => Outcome.Set(null, store.Data.GetValueOrDefault(_key)?.ToStringUtf8());

    public override void Fail(Error error) => Outcome.Set(error);

    public static TestRead Get(PeerCluster.Replica at, string key) => new(Requests.For(at), TimeSpan.MaxValue, key);
}

internal sealed class TestSwap(Context context, string key, string? expected, string value)
    : CompareAndSwapRequest(context, TimeSpan.MaxValue)
{
    public Outcome Outcome { get; } = new();

    public override ByteString Key { get; } = Requests.Bytes(key);

    public override ColumnFamily Family => ColumnFamily.Default;

    public override Request? Decide(ByteString? current) => current?.ToStringUtf8() == expected ? Requests.Put(key, value) : null;

    public override void Complete(bool swapped, ByteString? current) => Outcome.Set(null, swapped);

    public override void FailRead(string why) => Outcome.Set(null, why);

    public override void Fail(Error error) => Outcome.Set(error);
}

internal sealed class TestSplit(Context context, params string[] keys) : Actors.Regions.SplitRequest(context, TimeSpan.MaxValue)
{
    public Outcome Outcome { get; } = new();

    public override IReadOnlyList<ByteString> SplitKeys { get; } = [.. keys.Select(Requests.Bytes)];

    public override void Succeed(IReadOnlyList<Region> regions) => Outcome.Set(null, regions);

    public override void Fail(Error error) => Outcome.Set(error);
}

internal sealed class TestChangePeers(Context context, params ChangePeerRequest[] changes) : ChangePeersRequest(context, TimeSpan.MaxValue)
{
    public Outcome Outcome { get; } = new();

    public override ChangePeerV2Request Changes { get; } = new() { Changes = { changes } };

    public override void Succeed(Region region) => Outcome.Set(null, region);

    public override void Fail(Error error) => Outcome.Set(error);
}

internal sealed class TestTransfer(Context context, Protocol.Metapb.Peer to)
    : Actors.Regions.TransferLeaderRequest(context, TimeSpan.MaxValue)
{
    public Outcome Outcome { get; } = new();

    public override Protocol.Metapb.Peer To => to;

    public override void Succeed() => Outcome.Set(null);

    public override void Fail(Error error) => Outcome.Set(error);
}
