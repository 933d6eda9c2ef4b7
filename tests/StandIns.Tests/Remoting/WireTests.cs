using Akka.Actor;
using Akka.Remote.Transport;

namespace TiKvActors.StandIns.Tests.Remoting;

public class WireTests
{
    [Theory]
    [InlineData(0ul)]
    [InlineData(127ul)]
    [InlineData(128ul)]
    [InlineData(300ul)]
    [InlineData(uint.MaxValue)]
    [InlineData(ulong.MaxValue)]
    public void Integers_of_any_size_come_back(ulong value)
    {
        using var to = new WireWriter(16);
        to.Var(value);
        to.Int32(-5);
        to.Int64(long.MinValue);
        to.Text("ä→");
        var from = new WireReader(to.Written.Span);
        Assert.Equal(value, from.Var());
        Assert.Equal(-5, from.Int32());
        Assert.Equal(long.MinValue, from.Int64());
        Assert.Equal("ä→", from.Text());
        Assert.Equal(0, from.Remaining);
    }

    [Fact]
    public void A_buffer_grows_beyond_its_first_capacity()
    {
        using var to = new WireWriter(16);
        var text = new string('x', 100_000);
        to.Byte(7);
        to.Text(text);
        var from = new WireReader(to.Written.Span);
        Assert.Equal(7, from.Byte());
        Assert.Equal(text, from.Text());
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 0x80 })]
    [InlineData(new byte[] { 5, (byte)'a' })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })]
    public void A_field_that_is_cut_short_is_malformed(byte[] bytes) => Assert.Throws<MalformedFrameException>(() => new WireReader(bytes).Text());

    [Fact]
    public void Greetings_come_back_and_those_of_strangers_do_not()
    {
        var hello = new Hello(new Address("akka.tcp", "A", "127.0.0.1", 1), -3, new Address("akka.tcp", "B", "::1", 2), 5, 6, 128_000);
        using var to = new WireWriter(256);
        Frames.Hello(to, hello);
        var frame = to.Written.ToArray();
        Assert.Equal(frame.Length - 4, (int)Frames.LengthOf(frame));
        Assert.Equal(hello, Frames.ReadHello(frame.AsSpan(5)));
        frame[5] ^= 1;
        Assert.Throws<MalformedFrameException>(() => Frames.ReadHello(frame.AsSpan(5)));
        Assert.Throws<MalformedFrameException>(() => Frames.ReadHello("GET / HTTP/1.1\r\n"u8));
    }

    [Fact]
    public void A_name_is_text_once_and_a_number_afterwards()
    {
        using var to = new WireWriter(256);
        var classes = new OutboundClasses();
        classes.Write(to, 17, "S");
        var first = to.Length;
        classes.Write(to, 17, "S");
        Assert.True(to.Length - first <= 2, $"{to.Length - first} bytes for a name that is known");
    }

    [Fact]
    public void A_name_that_was_not_sent_after_all_is_text_again()
    {
        using var to = new WireWriter(256);
        var classes = new OutboundClasses();
        classes.Write(to, 17, "S");
        var text = to.Length;
        classes.ForgetLastDefinition();
        classes.Write(to, 17, "S");
        Assert.Equal(2 * text, to.Length);
    }
}
