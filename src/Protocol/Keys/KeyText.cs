using System.Buffers;
using System.Globalization;
using System.Text;

namespace TiKvActors.Protocol.Keys;

/// <summary>
/// Keys and values as text for people: UTF-8 as it is, everything that would not survive a terminal or a tab-separated
/// line as <c>\xNN</c>, a backslash as <c>\\</c>. <see cref="Parse"/> takes back what <see cref="Escape"/> gives.
/// </summary>
public static class KeyText
{
    private const int BriefBytes = 64;

    public static string Escape(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == OperationStatus.Done;
            if (valid && rune.Value == '\\')
                text.Append(@"\\");
            else if (valid && IsPrintable(rune))
                text.Append(rune);
            else
                foreach (var b in bytes[..length])
                    text.Append(@"\x").Append(b.ToString("X2", CultureInfo.InvariantCulture));
            bytes = bytes[length..];
        }
        return text.ToString();
    }

    /// <summary>For messages: the first 64 bytes, and how many there are.</summary>
    public static string Brief(ReadOnlySpan<byte> bytes) =>
        bytes.Length <= BriefBytes ? $"\"{Escape(bytes)}\"" : $"\"{Escape(bytes[..BriefBytes])}\"… ({bytes.Length} bytes)";

    /// <exception cref="FormatException">A backslash that begins neither <c>\xNN</c> nor <c>\\</c>, or a lone surrogate.</exception>
    public static byte[] Parse(ReadOnlySpan<char> text)
    {
        var bytes = new ArrayBufferWriter<byte>(Math.Max(1, text.Length));
        var rest = text;
        while (!rest.IsEmpty)
        {
            var backslash = rest.IndexOf('\\');
            var plain = backslash < 0 ? rest : rest[..backslash];
            AppendUtf8(plain, bytes);
            rest = rest[plain.Length..];
            if (!rest.IsEmpty)
                rest = rest[AppendEscape(rest, text.Length - rest.Length, bytes)..];
        }
        return bytes.WrittenSpan.ToArray();
    }

    private static void AppendUtf8(ReadOnlySpan<char> plain, ArrayBufferWriter<byte> bytes)
    {
        try
        {
            StrictUtf8.GetBytes(plain, bytes);
        }
        catch (EncoderFallbackException)
        {
            throw new FormatException("the text is not valid Unicode; write such bytes as \\xNN");
        }
    }

    private static int AppendEscape(ReadOnlySpan<char> escape, int position, ArrayBufferWriter<byte> bytes)
    {
        if (escape.StartsWith(@"\\"))
        {
            bytes.Write("\\"u8);
            return 2;
        }
        if (escape.Length >= 4 && escape[1] == 'x'
            && byte.TryParse(escape[2..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            bytes.Write([value]);
            return 4;
        }
        throw new FormatException(
            $"malformed escape at character {position + 1} (\"{escape[..Math.Min(4, escape.Length)]}\"): write \\xNN for a byte, "
                + "\\\\ for a backslash");
    }

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
