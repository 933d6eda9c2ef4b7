using System.Text;

namespace Akka.Configuration.Hocon;

public class HoconObject : IHoconElement
{
    public Dictionary<string, HoconValue> Items { get; private init; } = new();

    /// <summary>The object as plain dictionaries; what is not an object stays a <see cref="HoconValue"/>.</summary>
    public IDictionary<string, object> Unwrapped =>
        Items.ToDictionary(item => item.Key, item => item.Value.GetObject() is { } inner ? inner.Unwrapped : (object)item.Value);

    public bool IsString() => false;

    public string GetString() => throw new NotSupportedException("An object is not a text: " + this);

    public bool IsArray() => false;

    public IList<HoconValue> GetArray() => throw new NotSupportedException("An object is not a list: " + this);

    /// <returns>null where the key is not there.</returns>
    public HoconValue GetKey(string key) => Items.GetValueOrDefault(key);

    internal HoconValue GetKey(ReadOnlySpan<char> key) =>
        Items.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(key, out var value) ? value : null;

    public HoconValue GetOrCreateKey(string key)
    {
        if (!Items.TryGetValue(key, out var value)) Items.Add(key, value = new HoconValue());
        return value;
    }

    /// <summary>Takes over everything of the other; where both hold an object the two are merged, else the other's value wins.</summary>
    public void Merge(HoconObject other)
    {
        foreach (var (key, theirs) in other.Items)
        {
            if (Items.TryGetValue(key, out var ours) && ours.GetObject() is { } mine && theirs.GetObject() is { } added)
                mine.Merge(added);
            else
                Items[key] = theirs.Copy();
        }
    }

    /// <summary>A new object; values that only one side has are shared with it, so neither side may be changed afterwards.</summary>
    internal HoconObject WithFallback(HoconObject fallback)
    {
        var merged = new HoconObject { Items = new Dictionary<string, HoconValue>(Items) };
        foreach (var (key, theirs) in fallback.Items)
        {
            if (!Items.TryGetValue(key, out var ours))
                merged.Items.Add(key, theirs);
            else if (!ReferenceEquals(ours, theirs) && ours.GetObject() is { } mine && theirs.GetObject() is { } behind)
                merged.Items[key] = new HoconValue(mine.WithFallback(behind));
        }
        return merged;
    }

    public override string ToString() => ToString(0);

    public string ToString(int indent)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in Items)
            text.Append(' ', indent * 2).Append(QuoteKey(key)).Append(" : ").Append(value.ToString(indent)).Append('\n');
        return text.ToString();
    }

    private static string QuoteKey(string key) =>
        key.Length > 0 && key.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '/') ? key : HoconValue.InQuotes(key);
}
