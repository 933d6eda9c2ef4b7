using System.Text;
using FsCheck.Fluent;
using TiKvActors.Protocol.Keys;

namespace TiKvActors.Protocol.Tests.Keys;

public class KeyTextTests
{
    [Theory]
    [InlineData("6162", "ab")]
    [InlineData("61206209", @"a b\x09")]
    [InlineData("00FF", @"\x00\xFF")]
    [InlineData("5C", @"\\")]
    [InlineData("E282AC", "€")]
    [InlineData("E282", @"\xE2\x82")]
    [InlineData("C2A0", @"\xC2\xA0")]       // a no-break space looks like a space
    [InlineData("F09F9880", "😀")]
    public void Escapes_what_is_not_printable_text(string hex, string text)
    {
        Assert.Equal(text, KeyText.Escape(Convert.FromHexString(hex)));
        Assert.Equal(hex, Convert.ToHexString(KeyText.Parse(text)));
    }

    [Fact]
    public void Parsing_inverts_escaping() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        KeyText.Parse(KeyText.Escape(bytes)).AsSpan().SequenceEqual(bytes)).Check();

    [Fact]
    public void Printed_keys_stay_on_one_line_and_in_one_column() => Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
        KeyText.Escape(Encoding.UTF8.GetBytes(text ?? "")).All(c => c is not ('\t' or '\n' or '\r' or '\u2028'))).Check();

    [Theory]
    [InlineData(@"a\", "character 2")]
    [InlineData(@"\n", "character 1")]
    [InlineData(@"ab\xZZ", "character 3")]
    [InlineData(@"\x1", "character 1")]
    public void Malformed_text_is_refused_with_its_position(string text, string says) =>
        Assert.Contains(says, Assert.Throws<FormatException>(() => KeyText.Parse(text)).Message);

    [Fact]
    public void A_lone_surrogate_is_refused() =>
        Assert.Contains("not valid Unicode", Assert.Throws<FormatException>(() => KeyText.Parse("a\ud800")).Message);

    [Fact]
    public void Brief_shows_the_beginning_of_a_long_key() =>
        Assert.Equal($"\"{new string('k', 64)}\"… (9000 bytes)", KeyText.Brief(Encoding.UTF8.GetBytes(new string('k', 9000))));
}
