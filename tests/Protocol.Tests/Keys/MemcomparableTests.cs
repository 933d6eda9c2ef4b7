using FsCheck;
using FsCheck.Fluent;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Protocol.Tests.Keys;

public class MemcomparableTests
{
    [Theory]
    [InlineData("", "0000000000000000F7")]
    [InlineData("616263", "6162630000000000FA")]
    [InlineData("3132333435363738", "3132333435363738FF0000000000000000F7")]
    [InlineData("3132333435363700", "3132333435363700FF0000000000000000F7")]
    public void Encodes_as_TiKV_does(string key, string encoded)
    {
        Assert.Equal(encoded, Convert.ToHexString(Memcomparable.Encode(Convert.FromHexString(key))));
        Assert.Equal(key, Convert.ToHexString(Memcomparable.Decode(Convert.FromHexString(encoded))));
    }

    [Fact]
    public void Decoding_inverts_encoding() => Prop.ForAll(Random<byte[]>(), key =>
        Memcomparable.Decode(Memcomparable.Encode(key)).AsSpan().SequenceEqual(key)
        && Memcomparable.Encode(key).Length == Memcomparable.EncodedLength(key.Length)).Check();

    [Fact]
    public void Order_is_kept_even_with_a_suffix() => Prop.ForAll(NearKeys(), NearKeys(), (left, right) =>
    {
        var (a, b) = (Memcomparable.Encode(left), Memcomparable.Encode(right));
        var expected = Math.Sign(left.AsSpan().SequenceCompareTo(right));
        byte[] suffixed = [.. a, 0xFF];
        return Math.Sign(a.AsSpan().SequenceCompareTo(b)) == expected
            && (expected == 0 || Math.Sign(suffixed.AsSpan().SequenceCompareTo(b)) == expected);
    }).Check();

    [Fact]
    public void What_follows_the_key_is_not_consumed() => Prop.ForAll(Random<byte[]>(), Random<byte[]>(), (key, suffix) =>
        Memcomparable.TryDecode([.. Memcomparable.Encode(key), .. suffix], out var decoded, out var consumed)
        && decoded.AsSpan().SequenceEqual(key) && consumed == Memcomparable.EncodedLength(key.Length)).Check();

    [Theory]
    [InlineData("")]
    [InlineData("61")]
    [InlineData("6162630000000000")]
    [InlineData("6162630000000000F6")]      // nine bytes of padding
    [InlineData("6162630000000001FA")]      // padding that is not zero
    [InlineData("3132333435363738FF")]      // the last group has no padding
    public void Anything_else_is_refused(string encoded)
    {
        Assert.False(Memcomparable.TryDecode(Convert.FromHexString(encoded), out _, out _));
        Assert.Throws<FormatException>(() => Memcomparable.Decode(Convert.FromHexString(encoded)));
    }

    [Fact]
    public void Decode_refuses_a_suffix() =>
        Assert.Contains(
            "1 bytes follow", Assert.Throws<FormatException>(() => Memcomparable.Decode([.. Memcomparable.Encode("a"u8), 0])).Message);

    [Fact]
    public void A_short_destination_is_refused() =>
        Assert.Throws<ArgumentException>(() => Memcomparable.Encode("12345678"u8, new byte[17]));

    private static Arbitrary<T> Random<T>() => ArbMap.Default.ArbFor<T>();

    /// <summary>Keys that often share prefixes and hold zeros and 0xFF at group boundaries.</summary>
    private static Arbitrary<byte[]> NearKeys() => Gen.Elements<byte>(0, 1, 0xFE, 0xFF).ArrayOf().Resize(20).ToArbitrary();
}
