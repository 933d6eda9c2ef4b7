namespace TiKvActors.Simulation;

/// <summary>A property does not hold. The message says which and with which numbers.</summary>
internal sealed class ViolationException(string message) : Exception(message);

/// <summary>Virtual time, the queue of what happens when, and the only source of chance. One thread.</summary>
internal sealed class World(int seed, TextWriter? trace)
{
    private readonly PriorityQueue<Action, (long Time, long Order)> _events = new();
    private long _scheduled;

    public Random Random { get; } = new(seed);

    /// <summary>True time; no node sees it.</summary>
    public TimeSpan Now { get; private set; }

    public long Steps { get; private set; }

    public Coverage Coverage { get; } = new();

    public bool IsTracing => trace is not null;

    public void After(TimeSpan delay, Action action) => _events.Enqueue(action, ((Now + delay).Ticks, ++_scheduled));

    /// <summary>False if nothing is left to happen.</summary>
    public bool Step()
    {
        if (!_events.TryDequeue(out var action, out var at)) return false;
        Now = TimeSpan.FromTicks(at.Time);
        Steps++;
        action();
        return true;
    }

    public void Trace(string line) => trace?.WriteLine($"{Now.TotalMilliseconds,10:F2} {line}");

    public bool Chance(double probability) => Random.NextDouble() < probability;

    public TimeSpan Between(TimeSpan low, TimeSpan high) => low + (high - low) * Random.NextDouble();

    public T Pick<T>(IReadOnlyList<T> items) => items[Random.Next(items.Count)];

    /// <summary>Each item as often as its weight says.</summary>
    public T PickWeighted<T>(IReadOnlyList<(double Weight, T Item)> items)
    {
        var at = Random.NextDouble() * items.Sum(i => i.Weight);
        foreach (var (weight, item) in items)
        {
            at -= weight;
            if (at < 0) return item;
        }
        return items[0].Item;
    }

    public static void Check(bool holds, Func<string> message)
    {
        if (!holds) throw new ViolationException(message());
    }
}
