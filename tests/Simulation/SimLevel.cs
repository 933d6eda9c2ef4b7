using TiKvActors.Simulation.Stores;
using TiKvActors.Simulation.Timestamps;

namespace TiKvActors.Simulation;

/// <summary>What is simulated: groups of the consensus core, whole stores, or the timestamp oracle. A seed means something else on each.</summary>
internal sealed record SimLevel(
    string Name, int DefaultSteps, IReadOnlyList<string> Profiles, IReadOnlyList<string> Probes,
    Func<int, string?, int, TextWriter?, SimResult> Run)
{
    public static readonly IReadOnlyList<SimLevel> All =
    [
        new("raft", Simulation.DefaultSteps, [.. SimProfile.All.Select(p => p.Name)], RaftProbes.All, Simulation.Run),
        new("stores", StoreSimulation.DefaultSteps, [.. StoreProfile.All.Select(p => p.Name)], StoreProbes.All, StoreSimulation.Run),
        new("timestamps", TimestampSimulation.DefaultSteps, TimestampSimulation.Profiles, TimestampSimulation.Probes, TimestampSimulation.Run),
    ];

    public static SimLevel Of(string name) => All.First(l => l.Name == name);
}
