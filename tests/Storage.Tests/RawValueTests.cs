using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Storage.Data;
using TiKvActors.Storage.Raw;

namespace TiKvActors.Storage.Tests;

public class RawValueTests
{
    [Theory]
    [InlineData(APIVersion.V1, 0, "76616C")]
    [InlineData(APIVersion.V1Ttl, 0, "76616C0000000000000000")]
    [InlineData(APIVersion.V1Ttl, 0x0102030405060708, "76616C0102030405060708")]
    [InlineData(APIVersion.V2, 0, "76616C00")]
    [InlineData(APIVersion.V2, 0x0102030405060708, "76616C010203040506070801")]
    public void Values_are_stored_as_TiKV_stores_them(APIVersion mode, ulong expiresAt, string stored)
    {
        var encoded = RawValue.Encode(mode, "val"u8, expiresAt);
        Assert.Equal(stored, Convert.ToHexString(encoded));
        var decoded = RawValue.Decode(mode, "k"u8, encoded);
        Assert.Equal("val"u8.ToArray(), decoded.UserValue.ToArray());
        Assert.Equal(expiresAt, decoded.ExpiresAt);
    }

    [Theory]
    [InlineData(APIVersion.V1)]
    [InlineData(APIVersion.V1Ttl)]
    [InlineData(APIVersion.V2)]
    public void An_empty_value_is_a_value(APIVersion mode) =>
        Assert.Equal(0, RawValue.Decode(mode, "k"u8, RawValue.Encode(mode, [], 0)).UserValue.Length);

    [Theory]
    [InlineData(APIVersion.V1Ttl, "00")]
    [InlineData(APIVersion.V2, "")]
    [InlineData(APIVersion.V2, "01")]
    [InlineData(APIVersion.V2, "7602")]
    [InlineData(APIVersion.V2, "7604")]
    public void What_no_encoder_writes_is_corruption(APIVersion mode, string stored)
    {
        var error = Assert.Throws<CorruptionException>(() => RawValue.Decode(mode, "key"u8, Convert.FromHexString(stored)).ExpiresAt);
        Assert.Contains("key", error.Message);
    }

    [Fact]
    public void A_time_to_live_under_v1_is_refused_with_TiKVs_words() =>
        Assert.Contains(
            "ttl is not enabled, but get put request with ttl",
            Assert.Throws<ArgumentException>(() => RawValue.Encode(APIVersion.V1, "v"u8, 1)).Message);

    [Fact]
    public void A_value_expires_at_its_second_and_not_before()
    {
        var value = RawValue.Decode(APIVersion.V2, "k"u8, RawValue.Encode(APIVersion.V2, "v"u8, 100));
        Assert.False(value.IsExpired(99));
        Assert.Equal(1ul, value.TtlAt(99));
        Assert.True(value.IsExpired(100));
        var eternal = RawValue.Decode(APIVersion.V2, "k"u8, RawValue.Encode(APIVersion.V2, "v"u8, 0));
        Assert.False(eternal.IsExpired(ulong.MaxValue));
        Assert.Equal(0ul, eternal.TtlAt(5));
    }

    [Fact]
    public void Crc64_has_the_published_check_value()
    {
        var crc = new Crc64();
        crc.Append("123456789"u8);
        Assert.Equal(0x995DC9BBDF1939FAul, crc.Value);

        var inPieces = new Crc64();
        inPieces.Append("1"u8);
        inPieces.Append("23456789"u8);
        Assert.Equal(crc.Value, inPieces.Value);
    }

    [Fact]
    public void A_checksum_does_not_depend_on_order_and_adds_up()
    {
        var (forth, back, left, right) = (new RangeChecksum(), new RangeChecksum(), new RangeChecksum(), new RangeChecksum());
        forth.Add("a"u8, "1"u8);
        forth.Add("bb"u8, "22"u8);
        back.Add("bb"u8, "22"u8);
        back.Add("a"u8, "1"u8);
        left.Add("a"u8, "1"u8);
        right.Add("bb"u8, "22"u8);
        left.Add(right);
        Assert.Equal(forth, back);
        Assert.Equal(forth, left);
        Assert.Equal(6ul, forth.TotalBytes);
    }
}
