namespace TiKvActors.Simulation;

/// <summary>How often each fault, fail point and rare path was met: a simulator that stops reaching something must show it.</summary>
internal sealed class Coverage
{
    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    public void Count(string what, long times = 1) => _counts[what] = this[what] + times;

    public long this[string what] => _counts.GetValueOrDefault(what);

    public void Add(Coverage other)
    {
        foreach (var (what, times) in other._counts) Count(what, times);
    }

    public override string ToString() =>
        string.Join('\n', _counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"  {c.Key,-44} {c.Value,12:N0}"));
}
