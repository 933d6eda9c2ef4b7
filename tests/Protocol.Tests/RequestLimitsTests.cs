namespace TiKvActors.Protocol.Tests;

public class RequestLimitsTests
{
    private static readonly byte[] LongestKey = new byte[8192];

    [Fact]
    public void A_key_has_1_to_8192_bytes()
    {
        Assert.Null(RequestLimits.CheckKey("k"u8));
        Assert.Null(RequestLimits.CheckKey(LongestKey));
        Assert.Contains("the key is empty", RequestLimits.CheckKey([]));
        var text = RequestLimits.CheckKey(new byte[8193]);
        Assert.Contains("8193", text);
        Assert.Contains("8192", text);
    }

    [Fact]
    public void Key_and_value_have_at_most_8_MiB()
    {
        Assert.Null(RequestLimits.CheckEntry("k"u8, RequestLimits.MaxEntryBytes - 1));
        var text = RequestLimits.CheckEntry("k"u8, RequestLimits.MaxEntryBytes);
        Assert.Contains("\"k\"", text);
        Assert.Contains("8388609", text);
        Assert.Contains("8388608", text);
    }

    [Fact]
    public void A_range_is_not_inverted()
    {
        Assert.Null(RequestLimits.CheckRange("a"u8, "b"u8));
        Assert.Null(RequestLimits.CheckRange("a"u8, "a"u8));
        Assert.Null(RequestLimits.CheckRange("a"u8, []));
        Assert.Null(RequestLimits.CheckRange([], "a"u8));
        Assert.Contains("start \"b\" is greater than end \"a\"", RequestLimits.CheckRange("b"u8, "a"u8));
        Assert.Contains("8193", RequestLimits.CheckRange(new byte[8193], []));
        Assert.Contains("8193", RequestLimits.CheckRange([], new byte[8193]));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(1L, true)]
    [InlineData(3_153_600_000L, true)]
    [InlineData(0L, false)]
    [InlineData(-5L, false)]
    [InlineData(3_153_600_001L, false)]
    public void A_ttl_is_positive_and_below_a_century(long? seconds, bool allowed) =>
        Assert.Equal(allowed, RequestLimits.CheckTtl(seconds) is null);
}
