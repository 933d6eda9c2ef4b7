using FsCheck.Fluent;
using Google.Protobuf;
using TiKvActors.Protocol.Keys;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Protocol.Tests.Keys;

public class RawKeySpaceTests
{
    private static readonly RawKeySpace V2 = new(APIVersion.V2, KeyspaceId.Default);
    private static readonly RawKeySpace V1 = new(APIVersion.V1, KeyspaceId.Default);

    [Fact]
    public void V2_keys_begin_with_r_and_the_keyspace()
    {
        var space = new RawKeySpace(APIVersion.V2, new KeyspaceId(0x010203));
        Assert.Equal("72010203616263", Hex(space.ToRequestKey("abc"u8)));
        Assert.Equal("72010203", Hex(space.ToRequestStart([])));
        Assert.Equal("72010204", Hex(space.ToRequestEnd([])));
        Assert.Equal("73", Hex(new RawKeySpace(APIVersion.V2, new KeyspaceId(KeyspaceId.MaxValue)).ToRequestEnd([])));
    }

    [Fact]
    public void V1_keys_are_user_keys()
    {
        Assert.Equal("616263", Hex(V1.ToRequestKey("abc"u8)));
        Assert.Equal("", Hex(V1.ToRequestStart([])));
        Assert.Equal("", Hex(V1.ToRequestEnd([])));
        var key = ByteString.CopyFromUtf8("abc");
        Assert.Same(key, RegionKeys.FromRawRequestKey(APIVersion.V1, key));
    }

    [Fact]
    public void User_keys_come_back() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), key =>
        new[] { V1, V2 }.All(space => space.ToUserKey(space.ToRequestKey(key)).Span.SequenceEqual(key))).Check();

    [Fact]
    public void Region_keys_keep_the_order_and_lead_back() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<byte[]>(), (a, b) =>
        {
            var (ka, kb) = (V2.ToRequestKey(a), V2.ToRequestKey(b));
            var (ra, rb) = (RegionKeys.FromRawRequestKey(APIVersion.V2, ka), RegionKeys.FromRawRequestKey(APIVersion.V2, kb));
            return Math.Sign(ra.Span.SequenceCompareTo(rb.Span)) == Math.Sign(a.AsSpan().SequenceCompareTo(b))
                && RegionKeys.ToRawRequestKey(APIVersion.V2, ra).Equals(ka);
        }).Check();

    [Fact]
    public void Empty_boundaries_are_never_encoded()
    {
        Assert.Empty(RegionKeys.FromRawRequestKey(APIVersion.V2, ByteString.Empty));
        Assert.Empty(RegionKeys.ToRawRequestKey(APIVersion.V2, ByteString.Empty));
    }

    [Fact]
    public void Another_keyspaces_key_is_refused() =>
        Assert.Contains("keyspace 0", Assert.Throws<FormatException>(() => V2.ToUserKey(ByteString.CopyFromUtf8("x\0\0\0abc"))).Message);

    [Fact]
    public void A_keyspace_has_three_bytes() => Assert.Throws<ArgumentOutOfRangeException>(() => new KeyspaceId(KeyspaceId.MaxValue + 1));

    [Theory]
    [InlineData("b", "d", "b", true)]
    [InlineData("b", "d", "cz", true)]
    [InlineData("b", "d", "d", false)]
    [InlineData("b", "d", "a", false)]
    [InlineData("b", "", "z", true)]
    [InlineData("", "", "z", true)]
    public void Ranges_end_before_their_end(string start, string end, string key, bool inside) =>
        Assert.Equal(inside, RegionKeys.Contains(Bytes(start), Bytes(end), Bytes(key)));

    [Theory]
    [InlineData("a", "b", -1)]
    [InlineData("", "b", 1)]
    [InlineData("b", "", -1)]
    [InlineData("", "", 0)]
    public void An_empty_end_is_the_greatest(string left, string right, int expected) =>
        Assert.Equal(expected, Math.Sign(RegionKeys.CompareEnds(Bytes(left), Bytes(right))));

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static string Hex(ByteString key) => Convert.ToHexString(key.Span);
}
