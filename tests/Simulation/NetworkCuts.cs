namespace TiKvActors.Simulation;

/// <summary>Which links of a network fail together. Members are whatever sends to each other: peers or stores.</summary>
internal static class NetworkCuts
{
    /// <summary>Two sides that do not hear each other.</summary>
    public static void Partition(this World world, IReadOnlyList<ulong> members, Action<ulong, ulong> cut)
    {
        var left = members.Where(_ => world.Chance(0.5)).ToHashSet();
        foreach (var from in members)
        {
            foreach (var to in members)
            {
                if (left.Contains(from) != left.Contains(to)) cut(from, to);
            }
        }
    }

    /// <summary>A quarter of all links, each in its own direction.</summary>
    public static void CutOneWay(this World world, IReadOnlyList<ulong> members, Action<ulong, ulong> cut)
    {
        foreach (var from in members)
        {
            foreach (var to in members)
            {
                if (world.Chance(0.25)) cut(from, to);
            }
        }
    }
}
