using System.Globalization;
using System.Text;

namespace Akka.Configuration.Hocon;

/// <summary>
/// A value: the pieces that stood beside each other (<c>10 "x y" z</c> are three literals and the blanks between them),
/// which together are a text, a list or an object.
/// </summary>
public class HoconValue : IMightBeAHoconObject
{
    public HoconValue()
        : this(new List<IHoconElement>(1))
    {
    }

    public HoconValue(List<IHoconElement> values, bool adoptedFromFallback = true) => Values = values;

    internal HoconValue(IHoconElement value)
        : this(new List<IHoconElement>(1) { value })
    {
    }

    public List<IHoconElement> Values { get; }

    public bool IsEmpty => Values.Count == 0 || (Values[0] is HoconObject first && first.Items.Count == 0);

    public Config AtKey(string key)
    {
        var holder = new HoconObject();
        holder.Items.Add(key, this);
        return new Config(new HoconRoot(new HoconValue(holder)));
    }

    public Config ToConfig() => new(new HoconRoot(this));

    public void AppendValue(IHoconElement value) => Values.Add(value);

    public void Clear() => Values.Clear();

    public void NewValue(IHoconElement value)
    {
        Values.Clear();
        Values.Add(value);
    }

    /// <summary>A value whose objects can be changed without changing this one's.</summary>
    internal HoconValue Copy()
    {
        if (GetObject() is not { } inner) return this;
        var copy = new HoconObject();
        copy.Merge(inner);
        return new HoconValue(copy);
    }

    public bool IsObject() => GetObject() != null;

    /// <returns>null where this is no object.</returns>
    public HoconObject GetObject() => Values.Count == 0
        ? null
        : Values[0] switch { HoconObject inner => inner, IMightBeAHoconObject other when other.IsObject() => other.GetObject(), _ => null };

    /// <returns>null where this is no object or has no such key.</returns>
    public HoconValue GetChildObject(string key) => GetObject()?.GetKey(key);

    public bool IsArray()
    {
        foreach (var value in Values)
            if (value.IsArray())
                return true;
        return false;
    }

    /// <returns>The elements of all lists that stand here beside each other; empty where there is none.</returns>
    public IList<HoconValue> GetArray()
    {
        var all = new List<HoconValue>();
        foreach (var value in Values)
            if (value.IsArray())
                all.AddRange(value.GetArray());
        return all;
    }

    public bool IsString()
    {
        foreach (var value in Values)
            if (!value.IsString())
                return false;
        return Values.Count > 0;
    }

    /// <returns>null for the word null and for what is not a text.</returns>
    public string GetString()
    {
        if (!IsString()) return null;
        var text = Values.Count == 1 ? Values[0].GetString() : string.Concat(Values.Select(v => v.GetString()));
        text = text?.Trim();
        return text == "null" ? null : text;
    }

    public bool GetBoolean() => GetString() switch
    {
        "on" or "true" => true,
        "off" or "false" => false,
        var text => throw new NotSupportedException($"'{text}' is not a boolean: on, off, true or false (in lower case)")
    };

    public byte GetByte() => byte.Parse(GetString(), NumberFormatInfo.InvariantInfo);

    public int GetInt() => int.Parse(GetString(), NumberFormatInfo.InvariantInfo);

    public long GetLong() => long.Parse(GetString(), NumberFormatInfo.InvariantInfo);

    public float GetFloat() => float.Parse(GetString(), NumberFormatInfo.InvariantInfo);

    public double GetDouble() => double.Parse(GetString(), NumberFormatInfo.InvariantInfo);

    public decimal GetDecimal() => decimal.Parse(GetString(), NumberFormatInfo.InvariantInfo);

    /// <summary>A duration; a number without unit is milliseconds.</summary>
    /// <param name="allowInfinite">whether the word infinite is one, which gives <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <exception cref="FormatException">not a positive duration in a known unit.</exception>
    public TimeSpan GetTimeSpan(bool allowInfinite = true) => Quantities.ParseDuration(GetString(), allowInfinite);

    /// <summary>A size in bytes.</summary>
    /// <exception cref="FormatException">not a whole number in a known unit.</exception>
    public long? GetByteSize() => Quantities.ParseByteSize(GetString());

    public IList<bool> GetBooleanList() => ListOf(v => v.GetBoolean());

    public IList<byte> GetByteList() => ListOf(v => v.GetByte());

    public IList<int> GetIntList() => ListOf(v => v.GetInt());

    public IList<long> GetLongList() => ListOf(v => v.GetLong());

    public IList<float> GetFloatList() => ListOf(v => v.GetFloat());

    public IList<double> GetDoubleList() => ListOf(v => v.GetDouble());

    public IList<decimal> GetDecimalList() => ListOf(v => v.GetDecimal());

    public IList<string> GetStringList() => ListOf(v => v.GetString());

    private List<T> ListOf<T>(Func<HoconValue, T> read) => GetArray().Select(read).ToList();

    public override string ToString() => ToString(0);

    public virtual string ToString(int indent)
    {
        if (IsString()) return GetString() is { } text ? Quote(text) : "null";
        if (GetObject() is { } inner) return "{\n" + inner.ToString(indent + 1) + new string(' ', indent * 2) + "}";
        if (IsArray()) return "[" + string.Join(",", GetArray().Select(v => v.ToString(indent + 1))) + "]";
        return "null";
    }

    /// <summary>The text as it must be written in a configuration.</summary>
    internal static string Quote(string text) =>
        text.Length > 0 && text.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.') ? text : InQuotes(text);

    internal static string InQuotes(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                < ' ' => quoted.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => quoted.Append(c)
            };
        }
        return quoted.Append('"').ToString();
    }
}
