using System.Text.RegularExpressions;

namespace Akka.Util;

public static class WildcardMatch
{
    /// <summary>Whether the text matches a pattern in which * is any text and ? any one character.</summary>
    public static bool Like(this string text, string pattern, bool caseSensitive = false) =>
        Regex.IsMatch(
            text, ToRegex(pattern),
            RegexOptions.Singleline | RegexOptions.CultureInvariant | (caseSensitive ? 0 : RegexOptions.IgnoreCase));

    internal static string ToRegex(string pattern) =>
        "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$";
}
