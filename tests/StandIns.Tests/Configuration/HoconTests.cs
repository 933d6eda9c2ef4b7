using System.Text;
using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace TiKvActors.StandIns.Tests.Configuration;

/// <summary>What the recorded HOCON scenarios do not say.</summary>
public class HoconTests
{
    [Theory]
    [InlineData("a = 1\nb", 2, 2, "b at the end of a text lacks its value", true)]
    [InlineData("a = 1\nb c\nd = 2", 3, 1, "'d'", false)]
    [InlineData("x = http://host", 1, 9, "':' must be in quotes", false)]
    [InlineData("a =", 1, 4, "expected a value", false)]
    [InlineData("a { b = 1 }\n}\nc = 1", 3, 1, "after the end", false)]
    [InlineData("a = \"\\x\"", 1, 8, "unknown escape", false)]
    [InlineData("a = [1,,2]", 1, 8, "expected a value", false)]
    public void A_refusal_names_line_and_column(string text, int line, int column, string what, bool accepted)
    {
        if (accepted)
        {
            ConfigurationFactory.ParseString(text);
            return;
        }
        var refusal = Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString(text));
        Assert.StartsWith($"HOCON, line {line}, column {column}: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(what, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_of_the_wrong_kind_is_refused_with_its_path()
    {
        var config = ConfigurationFactory.ParseString("a.b = seven, t = 5 parsecs, s = 1.5 MB");
        Assert.StartsWith("a.b: ", Assert.Throws<FormatException>(() => config.GetInt("a.b")).Message, StringComparison.Ordinal);
        Assert.StartsWith(
            "t: '5 parsecs' is not a duration", Assert.Throws<FormatException>(() => config.GetTimeSpan("t")).Message,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "s: '1.5 MB' is not a size", Assert.Throws<FormatException>(() => config.GetByteSize("s")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("100 P", 100L << 50)]
    [InlineData("2 TiB", 2L << 40)]
    [InlineData("3 TB", 3_000_000_000_000)]
    [InlineData("0", 0)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Sizes_up_to_the_largest(string text, long bytes) =>
        Assert.Equal(bytes, ConfigurationFactory.ParseString("a = " + text).GetByteSize("a"));

    [Fact]
    public void A_size_beyond_the_largest_overflows() =>
        Assert.Throws<OverflowException>(() => ConfigurationFactory.ParseString("a = 9000000 TiB").GetByteSize("a"));

    [Fact]
    public void Deep_nesting_is_read_up_to_its_limit_and_refused_beyond()
    {
        foreach (var (open, close) in new[] { ("a {", "}"), ("a = {", "}"), ("x = [", "]"), ("a.", "") })
        {
            var innermost = open == "x = [" ? "1" : "a = 1";
            string Nested(int levels) => open == "x = ["
                ? "x = " + Repeat("[", levels) + innermost + Repeat(close, levels)
                : Repeat(open, levels) + innermost + Repeat(close, levels);
            ConfigurationFactory.ParseString(Nested(Parser.MaxNesting - 10));
            Assert.Contains(
                "levels of nesting", Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString(Nested(100_000))).Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("a = ${a}")]
    [InlineData("a = ${b}\nb = ${c}\nc = ${a}")]
    [InlineData("a { b = ${a} }")]
    [InlineData("a = [${a}]")]
    [InlineData("path = ${path}\":/bin\"")]
    public void A_substitution_that_leads_back_to_itself_is_refused(string text) =>
        Assert.Contains(
            "leads back to itself", Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString(text)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_long_chain_of_substitutions_ends_neither_the_stack_nor_the_process()
    {
        var text = new StringBuilder("k0 = end\n");
        for (var i = 1; i <= 100_000; i++) text.Append("k").Append(i).Append(" = ${k").Append(i - 1).Append("}\n");
        // Read from its end the chain is too long; a short part of it is fine.
        var short100 = ConfigurationFactory.ParseString(string.Join('\n', text.ToString().Split('\n').Take(100)));
        Assert.Equal("end", short100.GetString("k99"));
        var reversed = string.Join('\n', text.ToString().Split('\n').Reverse());
        Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString(reversed));
    }

    [Fact]
    public void A_substitution_sees_the_last_value_wherever_it_stands()
    {
        var config = ConfigurationFactory.ParseString("copy = ${a.b}\na.b = 1\na.b = 2\nlist = ${l} [3]\nl = [1, 2]\nobject = ${a}");
        Assert.Equal("2", config.GetString("copy"));
        Assert.Equal([1, 2, 3], config.GetIntList("list"));
        Assert.Equal(2, config.GetInt("object.b"));
    }

    [Fact]
    public void An_include_that_includes_itself_is_refused()
    {
        HoconRoot Include(string name) => Parser.Parse($"include \"{name}\"", Include);
        Assert.Contains(
            "does it include itself", Assert.Throws<FormatException>(() => Parser.Parse("include \"x\"", Include)).Message,
            StringComparison.Ordinal);
        // And the count starts anew.
        Assert.Equal("1", Parser.Parse("include \"x\"", _ => Parser.Parse("a = 1", null)).Value.GetObject().GetKey("a").GetString());
    }

    [Fact]
    public void A_key_may_begin_with_include() =>
        Assert.Equal("1", ConfigurationFactory.ParseString("include-this = 1").GetString("include-this"));

    [Fact]
    public void What_is_written_reads_back_the_same()
    {
        var config = ConfigurationFactory.ParseString(""""
            a { b = 1, "c.d" = "x \" y", e = [1, {f = "#"}], g = null, "" = empty }
            text = """
            several
              lines\"""
            """");
        var again = ConfigurationFactory.ParseString(config.ToString());
        Assert.Equal(config.ToString(), again.ToString());
        Assert.Equal("x \" y", again.GetString("a.\"c.d\""));
        Assert.Equal("#", again.GetValue("a.e").GetArray()[1].GetObject().GetKey("f").GetString());
        Assert.Equal(config.GetString("text"), again.GetString("text"));
    }

    [Fact]
    public void Merging_changes_neither_side()
    {
        var first = ConfigurationFactory.ParseString("a { b { c = 1 } }");
        var second = ConfigurationFactory.ParseString("a { b { c = 2, d = 2 }, e = 2 }");
        var (firstText, secondText) = (first.ToString(), second.ToString());
        var merged = first.WithFallback(second);
        merged.WithFallback(ConfigurationFactory.ParseString("a.b.f = 3, a.g = 3"));
        Assert.Equal((1, 2, 2), (merged.GetInt("a.b.c"), merged.GetInt("a.b.d"), merged.GetInt("a.e")));
        Assert.Equal(firstText, first.ToString());
        Assert.Equal(secondText, second.ToString());
    }

    [Fact]
    public void The_reference_configuration_reads_and_is_read_once()
    {
        Assert.Same(ConfigurationFactory.Default(), ConfigurationFactory.Default());
        Assert.True(ConfigurationFactory.Default().HasPath("akka.actor.default-dispatcher.throughput"));
    }

    /// <summary>
    /// Random texts, of random characters and of pieces of HOCON: each reads, or is refused with a FormatException, and ends.
    /// </summary>
    [Fact]
    public void No_text_hangs_or_breaks_the_parser()
    {
        const int Texts = 200_000;
        string[] pieces =
        [
            "a", "b.c", "include", " ", "\n", "\t", "=", ":", "{", "}", "[", "]", ",", "\"", "\"\"\"", "${", "${a}", "${b.c}", "?", "#",
            "//", "/", "\\", "\\u00", "\\n", "$", ".", "..", "1", "+=", "null", "é", "\0", "\r"
        ];
        var (read, refused) = (0, 0);
        for (var seed = 0; seed < Texts; seed++)
        {
            var random = new Random(seed);
            var text = new StringBuilder();
            for (var length = random.Next(30); length > 0; length--)
                text.Append(random.Next(10) == 0 ? ((char)random.Next(256)).ToString() : pieces[random.Next(pieces.Length)]);
            try
            {
                var config = new Config(Parser.Parse(text.ToString(), _ => new HoconRoot(new HoconValue())));
                _ = config.ToString();
                foreach (var (key, value) in config.AsEnumerable())
                {
                    _ = value.GetString();
                    _ = value.GetArray();
                    _ = config.HasPath(key);
                }
                _ = config.WithFallback(ConfigurationFactory.Default()).GetString("akka.loglevel");
                read++;
            }
            catch (FormatException)
            {
                refused++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {HoconValue.Quote(text.ToString())}", e);
            }
        }
        // Both kinds, or the texts are no test.
        Assert.True(read > Texts / 20 && refused > Texts / 20, $"{read} read, {refused} refused");
    }

    private static string Repeat(string text, int times) => new StringBuilder().Insert(0, text, times).ToString();
}
