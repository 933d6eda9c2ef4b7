using Google.Protobuf;
using TiKvActors.Actors.Gateway;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Tests.Gateway;

public sealed class RawRangeTests
{
    private static readonly ByteString _none = ByteString.Empty;
    private static readonly ByteString _afterRaw = ByteString.CopyFrom((byte)'s');

    [Fact]
    public void InV2ARangeWithoutBoundsIsRefused()
    {
        Assert.Contains("bound", Check(_none, _none));
        Assert.Contains("bound", Check(Key(0, "a"), _none));
        Assert.Contains("bound", Check(_none, Key(0, "a")));
    }

    [Fact]
    public void InV2ARangeStaysInItsKeyspace()
    {
        Assert.Contains("keyspace", Check(Key(0, "a"), Key(1, "a")));
        Assert.Contains("keyspace", Check(Key(0, ""), Key(2, "")));
        Assert.Contains("keyspace", Check(Key(0, "a"), _afterRaw));
        Assert.Contains("keyspace", Check(Key(KeyspaceId.MaxValue - 1, "a"), _afterRaw));
        Assert.Contains("keyspace", Check(_afterRaw, _afterRaw));
        Assert.Contains("keyspace", Check(Key(0, "a"), ByteString.CopyFromUtf8("x\0\0\0")));
        Assert.Contains("inverted", Check(Key(1, "a"), Key(0, "b")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(0xFF_FFFF)]
    public void TheEndOfAKeyspaceIsTheBeginningOfTheNext(int id)
    {
        var keyspace = new RawKeySpace(APIVersion.V2, new KeyspaceId((uint)id));
        Assert.Null(Check(keyspace.ToRequestStart([]), keyspace.ToRequestEnd([])));
        Assert.Null(Check(keyspace.ToRequestKey("a"u8), keyspace.ToRequestEnd([])));
        Assert.Null(Check(keyspace.ToRequestStart([]), keyspace.ToRequestKey("a"u8)));
        Assert.Null(Check(keyspace.ToRequestKey("a"u8), keyspace.ToRequestKey("b"u8)));
    }

    [Fact]
    public void InV1ARangeMayBeUnbounded() =>
        Assert.Null(RequestFactory.Check(new RawDeleteRangeRequest(), APIVersion.V1));

    /// <returns>What every request of a range says; a reverse scan has the bounds swapped.</returns>
    private static string? Check(ByteString start, ByteString end)
    {
        var range = new Protocol.Kvrpcpb.KeyRange { StartKey = start, EndKey = end };
        var swapped = new Protocol.Kvrpcpb.KeyRange { StartKey = end, EndKey = start };
        IRegionRequest[] requests =
        [
            new RawDeleteRangeRequest { StartKey = start, EndKey = end },
            new RawScanRequest { StartKey = start, EndKey = end, Limit = 1 },
            new RawScanRequest { StartKey = end, EndKey = start, Limit = 1, Reverse = true },
            new RawBatchScanRequest { Ranges = { range }, EachLimit = 1 },
            new RawBatchScanRequest { Ranges = { swapped }, EachLimit = 1, Reverse = true },
            new RawChecksumRequest { Ranges = { range } },
        ];
        return Assert.Single(requests.Select(r => RequestFactory.Check(r, APIVersion.V2)).Distinct());
    }

    private static ByteString Key(uint keyspace, string key) =>
        new RawKeySpace(APIVersion.V2, new KeyspaceId(keyspace)).ToRequestKey(System.Text.Encoding.UTF8.GetBytes(key));
}
