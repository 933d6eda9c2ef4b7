using System.Reflection;
using TiKvActors.Actors.Regions;
using TiKvActors.Actors.Stores;
using TiKvActors.Storage;

namespace TiKvActors.Simulation.Stores;

/// <summary>What shall happen when a store comes to a fail point.</summary>
internal enum PointFault
{
    LosePower,
    Kill,

    /// <summary>What runs there throws: a disk error, or a mistake in a handler.</summary>
    Throw,
    Pause,
}

/// <summary>Counts how often the run came to each fail point, and does there what was planned.</summary>
internal sealed class FaultPlan(StoreCluster cluster)
{
    private sealed record Plan(SimStore? Store, string Name, PointFault Fault, int Skip);

    /// <summary>All names there are.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. new[] { typeof(FailPoints), typeof(RegionFailPoints), typeof(StoreFailPoints) }
        .SelectMany(t => t.GetFields(BindingFlags.Public | BindingFlags.Static))
        .Where(f => f.IsLiteral && f.FieldType == typeof(string))
        .Select(f => (string)f.GetRawConstantValue()!)
        .Order(StringComparer.Ordinal)];

    // A throw in the store's own actors would end them: what is planned there is a crash. The journal's failure is the process's.
    private static readonly HashSet<string> CannotThrow =
    [
        .. typeof(StoreFailPoints).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetRawConstantValue()!),
        FailPoints.JournalCommit, FailPoints.JournalDeletion,
    ];

    private readonly Dictionary<string, long> _counts = [];
    private readonly List<Plan> _plans = [];

    public bool IsEmpty => _plans.Count == 0;

    public static bool CanThrow(string name) => !CannotThrow.Contains(name);

    /// <param name="store">Null: whichever comes there first.</param>
    /// <param name="skip">So many times nothing happens yet.</param>
    public void Add(SimStore? store, string name, PointFault fault, int skip)
    {
        if (_plans.Count < 8) _plans.Add(new Plan(store, name, fault, skip));
    }

    public void Clear() => _plans.Clear();

    public void Hit(SimStore store, string name)
    {
        System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_counts, name, out _)++;
        if (_plans.Count > 0) Carry(store, name);
    }

    public void CountInto(Coverage coverage)
    {
        foreach (var (name, times) in _counts) coverage.Count("at " + name, times);
    }

    private void Carry(SimStore store, string name)
    {
        for (var i = 0; i < _plans.Count; i++)
        {
            var plan = _plans[i];
            if (plan.Name != name || (plan.Store is not null && plan.Store != store) || !store.IsUp) continue;
            if (plan.Skip > 0)
            {
                _plans[i] = plan with { Skip = plan.Skip - 1 };
                continue;
            }

            _plans.RemoveAt(i);
            Do(store, name, plan.Fault);
            return;
        }
    }

    private void Do(SimStore store, string name, PointFault fault)
    {
        var world = cluster.World;
        world.Coverage.Count($"fault at a fail point: {fault}");
        if (world.IsTracing) world.Trace($"store {store.Id} at {name}: {fault}");
        if (fault == PointFault.Throw) throw new SimulatedFaultException(name);
        if (fault == PointFault.Pause)
        {
            store.Pause(world.Between(TimeSpan.Zero, cluster.Timeout * 4), midStep: true);
            return;
        }

        store.Crash(powerFails: fault == PointFault.LosePower);
        world.After(world.Between(TimeSpan.Zero, world.Chance(0.5) ? cluster.Timeout / 10 : cluster.Timeout * 4), store.Start);
        throw new CrashException();
    }
}
