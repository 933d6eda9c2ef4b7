using TiKvActors.Host.Check;

namespace TiKvActors.Simulation.Stores;

/// <summary>What clients did to single keys, and what they were told. At the end it must be linearizable, key by key.</summary>
internal sealed class StoreHistory(StoreCluster cluster)
{
    /// <summary>One effect on a key, or one look at it. Without an answer it is uncertain, or nothing at all if it only looks.</summary>
    public sealed class Item
    {
        public required int Key { get; init; }
        public required string Name { get; init; }
        public required RegisterAction Action { get; set; }
        public required long Invoked { get; init; }
        public long Completed { get; set; } = RegisterOperation.Never;
        public string? Found { get; set; }
        public string? Value { get; set; }

        /// <summary>It has not happened and never will, or it only looked and found nothing out.</summary>
        public bool IsVoid { get; set; }
    }

    private readonly List<Item> _items = [];

    // Of the last value that somebody wrote or found: what a swap may expect.
    private readonly Dictionary<int, string?> _recent = [];

    public int Count => _items.Count;

    public Item Begin(int key, string name, RegisterAction action, string? value = null, string? found = null)
    {
        var item = new Item { Key = key, Name = name, Action = action, Invoked = cluster.World.Now.Ticks, Value = value, Found = found };
        _items.Add(item);
        if (action != RegisterAction.Read) _recent[key] = value;
        return item;
    }

    public void Complete(Item item, RegisterAction action, string? found)
    {
        (item.Action, item.Found, item.Completed) = (action, found, cluster.World.Now.Ticks);
        if (action == RegisterAction.Read) _recent[item.Key] = found;
    }

    public string? Recent(int key) => _recent.GetValueOrDefault(key);

    /// <returns>Null if every key is linearizable.</returns>
    public string? Check()
    {
        foreach (var key in _items.GroupBy(i => i.Key).OrderBy(g => g.Key))
        {
            var operations = key.Where(i => !i.IsVoid && (i.Action != RegisterAction.Read || i.Completed != RegisterOperation.Never))
                .Select(Operation).ToList();
            if (HistoryChecker.Find(cluster.Keys.Names[key.Key], operations) is not { } finding) continue;
            if (finding.Verdict != RegisterVerdict.Undecided) return $"linearizability: {finding.Describe(0)}";
            cluster.World.Coverage.Count("histories of a key that were not decided");
        }

        return null;
    }

    // Ticks are 100 ns.
    private static RegisterOperation Operation(Item item) => new()
    {
        Name = item.Name,
        Action = item.Action,
        Invoked = item.Invoked * 100,
        Completed = item.Completed == RegisterOperation.Never ? RegisterOperation.Never : item.Completed * 100,
        IsCertain = item.Completed != RegisterOperation.Never,
        Found = item.Found,
        Value = item.Value,
    };
}
