namespace Akka.Configuration.Hocon;

/// <summary>
/// Reads a HOCON text in one pass over its characters. It is as lenient as the recorded behaviour demands (a brace, a list or a
/// quote may end with the text; a key may lack its value) and otherwise refuses with line and column what it cannot read.
/// </summary>
/// <remarks>
/// <c>+=</c> and <c>${?x}</c> of the HOCON specification mean nothing here: the first makes a key with a plus in its name, the second
/// nothing.
/// </remarks>
public class Parser
{
    /// <summary>More levels than a person writes; fewer than end the stack.</summary>
    internal const int MaxNesting = 200;

    private const int MaxIncludes = 50;

    private const string NotInUnquotedText = "$\"{}[]:=,#`^?!@*&\\";

    [ThreadStatic] private static int _includes;

    private readonly string _text;
    private readonly Func<string, HoconRoot> _include;
    private readonly List<HoconSubstitution> _substitutions = [];
    private int _at;
    private int _nesting;

    private Parser(string text, Func<string, HoconRoot> include)
    {
        _text = text;
        _include = include;
    }

    /// <param name="text">what to read; null is a <see cref="NullReferenceException"/>, as it always was.</param>
    /// <param name="includeCallback">is asked for each include in turn; null where a text has none.</param>
    /// <exception cref="FormatException">the text cannot be read, or a substitution leads nowhere or back to itself.</exception>
    public static HoconRoot Parse(string text, Func<string, HoconRoot> includeCallback) => new Parser(text, includeCallback).ParseText();

    private HoconRoot ParseText()
    {
        var root = new HoconObject();
        SkipBlank(_text.Length);
        if (Is('{')) ParseBraces(root);
        ParseMembers(root);
        if (Is('}')) _at++;
        SkipBlank(_text.Length);
        if (!AtEnd) throw Refusal($"unexpected '{Current}' after the end of the configuration");
        var value = new HoconValue(root);
        Substitutions.Resolve(value, _substitutions);
        return new HoconRoot(value, _substitutions);
    }

    private bool AtEnd => _at >= _text.Length;

    private char Current => _text[_at];

    private bool Is(char c) => !AtEnd && Current == c;

    private bool Is(string pattern) => string.CompareOrdinal(_text, _at, pattern, 0, pattern.Length) == 0;

    private bool IsCommentStart => Is('#') || Is("//");

    private bool IsUnquoted => !AtEnd && !NotInUnquotedText.Contains(Current) && !Is("//");

    private static bool IsNewLine(char c) => c is '\n' or '\r';

    private void SkipBlank(int end)
    {
        while (_at < end)
        {
            if (char.IsWhiteSpace(Current)) _at++;
            else if (IsCommentStart) SkipLine();
            else return;
        }
    }

    private void SkipLine()
    {
        var end = _text.IndexOf('\n', _at);
        _at = end < 0 ? _text.Length : end;
    }

    private void ParseBraces(HoconObject into)
    {
        if (++_nesting > MaxNesting) throw Refusal($"more than {MaxNesting} levels of nesting");
        _at++;
        ParseMembers(into);
        if (Is('}')) _at++;
        _nesting--;
    }

    private void ParseMembers(HoconObject into)
    {
        for (SkipBlank(_text.Length); !AtEnd && Current != '}'; SkipBlank(_text.Length))
        {
            if (Current is '=' or ':')
            {
                _at++;
                continue;
            }
            if (IsInclude()) ParseInclude(into);
            else ParseMember(into);
            SkipBlank(_text.Length);
            if (Is(',')) _at++;
        }
    }

    private bool IsInclude()
    {
        if (!Is("include")) return false;
        var next = _at + "include".Length;
        while (next < _text.Length && _text[next] is ' ' or '\t') next++;
        return next < _text.Length && _text[next] == '"';
    }

    private void ParseInclude(HoconObject into)
    {
        _at = _text.IndexOf('"', _at);
        var name = ParseQuoted();
        if (_includes >= MaxIncludes)
            throw Refusal($"include \"{name}\" is the {MaxIncludes + 1}th inside of another: does it include itself?");
        _includes++;
        try
        {
            var included = _include(name);
            if (included.Value.GetObject() is { } inner) into.Merge(inner);
        }
        finally
        {
            _includes--;
        }
    }

    private void ParseMember(HoconObject owner)
    {
        var levels = 0;
        HoconValue value;
        while (true)
        {
            value = owner.GetOrCreateKey(ParseKeySegment());
            SkipBlank(_text.Length);
            if (!Is('.')) break;
            while (Is('.'))
            {
                _at++;
                SkipBlank(_text.Length);
            }
            owner = ObjectOf(value);
            if (_nesting + ++levels > MaxNesting) throw Refusal($"more than {MaxNesting} levels of nesting");
        }
        _nesting += levels;
        if (AtEnd || Current == '}')
        {
            _nesting -= levels;
            return;
        }
        switch (Current)
        {
            case '{':
                ParseBraces(ObjectOf(value));
                break;
            case '=' or ':':
                _at++;
                if (!value.IsObject()) value.Clear();
                ParseValue(value);
                break;
            default:
                throw Refusal($"expected '=', ':' or '{{' after a key, found '{Current}'");
        }
        _nesting -= levels;
    }

    /// <summary>The object that the value holds; one that is something else becomes an empty object.</summary>
    private static HoconObject ObjectOf(HoconValue value)
    {
        if (value.GetObject() is { } existing) return existing;
        var created = new HoconObject();
        value.NewValue(created);
        return created;
    }

    private string ParseKeySegment()
    {
        while (Is('.')) _at++;
        if (Is('"')) return ParseQuoted();
        var start = _at;
        while (IsUnquoted && Current != '.' && !IsNewLine(Current)) _at++;
        var key = _text.AsSpan(start, _at - start).Trim();
        return key.Length > 0
            ? key.ToString() : throw Refusal(AtEnd ? "expected a key at the end of the text" : $"expected a key, found '{Current}'");
    }

    private void ParseValue(HoconValue owner)
    {
        SkipBlank(_text.Length);
        var pieces = 0;
        var gapStart = _at;
        // A blank between two pieces of text belongs to the text, one beside a list or an object does not.
        var afterText = false;
        while (!AtEnd)
        {
            var start = _at;
            if (IsNewLine(Current) || Current is ',' or '}' or ']' || IsCommentStart) break;
            if (Current is ' ' or '\t' || (char.IsWhiteSpace(Current) && !IsNewLine(Current)))
            {
                _at++;
                continue;
            }
            var isText = Current is not ('{' or '[');
            if (isText && afterText && start > gapStart) owner.AppendValue(new HoconLiteral { Value = _text[gapStart..start] });
            ParsePiece(owner);
            afterText = isText;
            gapStart = _at;
            pieces++;
        }
        if (pieces == 0)
            throw Refusal(AtEnd ? "expected a value at the end of the text" : $"expected a value, found '{Printable(Current)}'");
    }

    private void ParsePiece(HoconValue owner)
    {
        if (Current == '{')
        {
            ParseBraces(ObjectOf(owner));
            return;
        }
        if (Current == '[')
        {
            if (owner.IsObject()) owner.Clear();
            owner.AppendValue(ParseList());
            return;
        }
        if (Is("${"))
        {
            owner.AppendValue(ParseSubstitution());
            return;
        }
        var text = Is("\"\"\"") ? ParseTripleQuoted() : Current == '"' ? ParseQuoted() : ParseUnquoted();
        if (owner.IsObject()) owner.Clear();
        owner.AppendValue(new HoconLiteral { Value = text });
    }

    private HoconArray ParseList()
    {
        if (++_nesting > MaxNesting) throw Refusal($"more than {MaxNesting} levels of nesting");
        _at++;
        var list = new HoconArray();
        for (SkipBlank(_text.Length); !AtEnd && Current != ']'; SkipBlank(_text.Length))
        {
            var element = new HoconValue();
            ParseValue(element);
            list.Add(element);
            SkipBlank(_text.Length);
            if (Is(',')) _at++;
        }
        if (Is(']')) _at++;
        _nesting--;
        return list;
    }

    private HoconSubstitution ParseSubstitution()
    {
        _at += 2;
        var start = _at;
        while (!AtEnd && Current != '}' && !IsNewLine(Current)) _at++;
        var substitution = new HoconSubstitution(_text[start.._at].Trim());
        if (Is('}')) _at++;
        if (substitution.Path.Length > 0 && substitution.Path[0] != '?') _substitutions.Add(substitution);
        return substitution;
    }

    private string ParseUnquoted()
    {
        var start = _at;
        while (IsUnquoted && !char.IsWhiteSpace(Current)) _at++;
        if (_at == start) throw Refusal($"'{Printable(Current)}' must be in quotes");
        return _text[start.._at];
    }

    private string ParseTripleQuoted()
    {
        var start = _at + 3;
        var end = _text.IndexOf("\"\"\"", start, StringComparison.Ordinal);
        if (end < 0) end = _text.Length;
        _at = Math.Min(end + 3, _text.Length);
        return _text[start..end];
    }

    private string ParseQuoted()
    {
        var start = ++_at;
        while (!AtEnd && Current is not ('"' or '\\')) _at++;
        if (AtEnd || Current == '"') return _text[start..CloseQuote()];
        var unescaped = new System.Text.StringBuilder(_text, start, _at - start, Math.Max(16, 2 * (_at - start)));
        while (!AtEnd && Current != '"')
        {
            if (Current == '\\') unescaped.Append(ParseEscape());
            else unescaped.Append(_text[_at++]);
        }
        CloseQuote();
        return unescaped.ToString();
    }

    private int CloseQuote()
    {
        var end = _at;
        if (!AtEnd) _at++;
        return end;
    }

    private char ParseEscape()
    {
        _at++;
        if (AtEnd) throw Refusal("the text ends inside of an escape");
        var escaped = _text[_at++];
        switch (escaped)
        {
            case '"' or '\\' or '/': return escaped;
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u' when _at + 4 <= _text.Length
                && ushort.TryParse(_text.AsSpan(_at, 4), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var code):
                _at += 4;
                return (char)code;
            default: throw Refusal($"unknown escape '\\{Printable(escaped)}'");
        }
    }

    private static string Printable(char c) => IsNewLine(c) ? "end of line" : c.ToString();

    private FormatException Refusal(string what)
    {
        var before = _text.AsSpan(0, Math.Min(_at, _text.Length));
        var line = before.Count('\n') + 1;
        var column = before.Length - before.LastIndexOf('\n');
        return new FormatException($"HOCON, line {line}, column {column}: {what}");
    }
}
